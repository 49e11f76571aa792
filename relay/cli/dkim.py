"""`ses-relay dkim`: keys made, written as DNS records, and compared with the DNS.

Standards: RFC 6376 §3.6 (key records), RFC 8301 (RSA sizes), RFC 8463 (Ed25519).
Errors: exit 1 for a key file that is there already or cannot be used, and for a record that is not
as it should be; exit 2 for a domain, selector or size that cannot be.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, Json, flag, flattened
from relay.cli.output import Column, failure, print_json, print_table, printable
from relay.cli.surroundings import around
from relay.config.checks.syntax import is_domain
from relay.config.files import read_secret
from relay.config.leaves import Wrong
from relay.model.settings import DkimKey
from relay.service.dkim import Record, UnusableKey, fault_of, make_key, record_of, strength
from relay.service.dns_texts import Lookup, NoAnswer

app = typer.Typer(
    help="DKIM keys and their DNS records.", no_args_is_help=True, rich_markup_mode="markdown"
)

_SMALLEST, _LARGEST = 1024, 4096  # RSA bits that every verifier takes (RFC 8301 §3.2)
_COLUMNS = (Column("RECORD", whole=True), Column("KEY"), Column("STATE"), Column("REASON"))

Domain = Annotated[str, typer.Argument(metavar="DOMAIN", show_default=False)]
Selector = Annotated[str, typer.Argument(metavar="SELECTOR", show_default=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What kind of key to make, and where it goes."""

    bits: Annotated[
        int, typer.Option("--bits", min=_SMALLEST, max=_LARGEST, help="Size of the RSA key.")
    ] = 2048
    ed25519: Annotated[
        bool, flag("--ed25519", help="Ed25519 instead; many receivers cannot verify it.")
    ] = False
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Key file.  [SELECTOR.DOMAIN.pem]"),
    ] = None


@app.command("generate")
@flattened
def generate(domain: Domain, selector: Selector, new: NewKey, as_json: Json = False) -> None:  # noqa: FBT002 - typer's flags
    """Make a key, mode 0600, and print its DNS record. A file is never overwritten.

    Example: `ses-relay dkim generate example.com s1 --out /etc/ses-relay/s1.pem`
    """
    _check(domain, selector)
    file = new.out or Path(f"{selector}.{domain}.pem")
    private = make_key(None if new.ed25519 else new.bits)
    try:
        _keep(file, private)
    except FileExistsError:
        raise failure(
            f"{file} is there already and a key is never overwritten; choose another --out"
        ) from None
    except OSError as error:
        raise failure(f"{file}: {error.strerror}; choose another --out") from None
    made = _record(domain, selector, private.decode("ascii"), str(file))
    if as_json:
        print_json({**_document(made), "file": str(file)})
        return
    typer.echo(made.line)
    typer.echo(
        f"The private key is in {file}. Publish the line above, then add to the configuration:\n"
        f"  dkim:\n    - {{domain: {domain}, selector: {selector}, key: {{file: {file}}}}}",
        err=True,
    )


@app.command("record")
@flattened
def record(
    domain: Domain,
    selector: Selector,
    common: Common,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Key file.  [the configured key]"),
    ] = None,
) -> None:
    """Print the DNS record of a key, ready to paste into a zone file.

    Example: `ses-relay dkim record example.com s1`
    """
    _check(domain, selector)
    if key is None:
        text, where = _configured(common.config, domain, selector), f"dkim {selector}/{domain}"
    else:
        found = read_secret(key, private=True)
        if isinstance(found, Wrong):
            raise failure(f"--key {found.predicate}; {found.instead}")
        text, where = found, str(key)
    made = _record(domain, selector, text, where)
    if common.as_json:
        print_json(_document(made))
    else:
        typer.echo(made.line)


@app.command("check")
@flattened
def check(ctx: typer.Context, common: Common) -> None:
    """Compare every configured key with what the DNS has for it.

    Example: `ses-relay dkim check`
    """
    keys = settings(common.config).dkim
    if not keys:
        raise failure(
            "dkim: no key is configured; make one with `ses-relay dkim generate DOMAIN SELECTOR`"
        )
    faults = [(key, _fault(key, around(ctx).texts_at)) for key in keys]
    if common.as_json:
        print_json([_verdict(key, fault) for key, fault in faults])
    else:
        rows = [
            (_name(key), strength(key.key.reveal()), "fault" if fault else "ok", fault or "")
            for key, fault in faults
        ]
        print_table(_COLUMNS, rows)
    wrong = [_name(key) for key, fault in faults if fault is not None]
    if wrong:
        raise failure(f"not as it should be: {', '.join(wrong)}; see each one's reason")


def _verdict(key: DkimKey, fault: str | None) -> dict[str, object]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "name": _name(key),
        "key": strength(key.key.reveal()),
        "ok": fault is None,
        "reason": fault,
    }


def _name(key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{key.domain.rstrip('.')}."


def _fault(key: DkimKey, texts_at: Lookup) -> str | None:
    found = texts_at(_name(key))
    if isinstance(found, NoAnswer):
        return found.reason
    return fault_of(key, found)


def _configured(config: Path | None, domain: str, selector: str) -> str:
    keys = settings(config).dkim
    for key in keys:
        if (key.domain.lower(), key.selector.lower()) == (domain.lower(), selector.lower()):
            return key.key.reveal()
    known = ", ".join(f"{key.domain} {key.selector}" for key in keys) or "none"
    raise failure(
        f"dkim: no key for {domain} {selector} is configured (there is: {known}); add it, or name "
        "its file with --key FILE"
    )


def _record(domain: str, selector: str, text: str, where: str) -> Record:
    made = record_of(domain, selector, text)
    if isinstance(made, UnusableKey):
        raise failure(f"{where}: {made.reason}")
    return made


def _document(made: Record) -> dict[str, object]:
    return {"name": made.name, "type": "TXT", "text": made.text, "strings": list(made.strings)}


def _keep(file: Path, private: bytes) -> None:
    """Write a key so that its owner alone can read it, at no moment anybody else."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(private)
        opened.flush()
        os.fsync(opened.fileno())


def _check(domain: str, selector: str) -> None:
    if not is_domain(domain):
        raise failure(f"{printable(domain)} is not a domain name; write it like example.com", 2)
    if not is_domain(selector):
        raise failure(
            f"{printable(selector)} is not a selector; write letters, digits and -, like s1", 2
        )
