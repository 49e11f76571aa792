"""`ses-relay serve`: the relay itself."""

import os
from typing import Annotated

import typer

from relay.cli.loading import ConfigOption, config_path, settings
from relay.cli.options import flag
from relay.config import Faults, load
from relay.model.settings import Settings
from relay.service import Unusable, run_relay, validate


def serve(
    config: ConfigOption = None,
    check: Annotated[  # noqa: FBT002 - typer's flags
        bool, flag("--check", help="Validate the configuration and end.")
    ] = False,
) -> None:
    """Run the relay. SIGTERM drains, SIGHUP reads the configuration again.

    Example: `ses-relay serve --config /etc/ses-relay/config.yaml`
    """
    path = config_path(config)
    loaded = settings(path)

    def reread() -> Settings | str:
        again = load(path, os.environ)
        return str(again) if isinstance(again, Faults) else again

    try:
        if check:
            validate(loaded)
            typer.echo(f"{path}: configuration is valid")
        else:
            run_relay(loaded, reread)
    except Unusable as fault:
        typer.echo(str(fault), err=True)
        typer.echo(f"`ses-relay check --offline --config {path}` names the fix", err=True)
        raise typer.Exit(2) from None
