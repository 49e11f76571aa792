"""`ses-relay check`: everything that can be known before the first message.

Errors: exit 1 where a finding is a fault.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from relay.cli.loading import config_path, settings
from relay.cli.options import Common, flag, flattened
from relay.cli.output import Column, counted, failure, print_json, print_table
from relay.cli.progress import told
from relay.cli.surroundings import around
from relay.model.settings import Settings
from relay.service.check import Finding, Ground, State, check

_COLUMNS = (Column("STATE"), Column("ABOUT"), Column("FINDING"), Column("FIX"))


@flattened
def check_all(
    ctx: typer.Context,
    common: Common,
    offline: Annotated[  # noqa: FBT002 - typer's flags
        bool, flag("--offline", help="Leave out all that needs a network.")
    ] = False,
) -> None:
    """Find out everything that can be known before the first message, each fault with its fix.

    Configuration, TLS certificate, queue folder, ports, DKIM keys against the DNS, credentials,
    clock, SES account, identities, configuration sets. SES allows one such question a second.

    Example: `ses-relay check --config /etc/ses-relay/config.yaml`
    """
    outside = around(ctx)
    ground = Ground(clock=outside.clock, published=None if offline else outside.texts_at)
    path = config_path(common.config)
    known = settings(path)
    valid = Finding(State.OK, f"configuration {path}", "is valid")
    found = [valid, *asyncio.run(_collect(known, ground))]
    states = Counter(finding.state for finding in found)
    if common.as_json:
        counts = {state.value: states[state] for state in State}
        print_json({**counts, "findings": [_document(finding) for finding in found]})
    else:
        print_table(_COLUMNS, [_row(finding) for finding in found])
    if faults := states[State.FAULT]:
        raise failure(f"{counted(faults, 'fault')}: see each one's fix")


async def _collect(known: Settings, ground: Ground) -> Sequence[Finding]:
    """Wait for all of them, and show on a terminal what is being looked at."""
    with told("checking") as status:
        found = []
        async for finding in check(known, ground):
            found.append(finding)
            status.update(f"{counted(len(found), 'finding')}, last: {finding.about}")
        return found


def _row(finding: Finding) -> Sequence[str]:
    return finding.state, finding.about, finding.says, finding.fix


def _document(finding: Finding) -> dict[str, str]:
    return {
        "state": finding.state,
        "about": finding.about,
        "says": finding.says,
        "fix": finding.fix,
    }
