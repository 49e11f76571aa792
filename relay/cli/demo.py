"""`ses-relay demo`: everything in one process, with nothing to configure."""

from pathlib import Path
from typing import Annotated

import typer

from relay.model.settings import TcpBind
from relay.service import Demo, Unusable, run_demo


def demo(
    smtp: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="SMTP listener.")
    ] = "127.0.0.1:1025",
    http: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Dashboard and inbox.")
    ] = "127.0.0.1:8025",
    ses: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Simulated Amazon SES.")
    ] = "127.0.0.1:8026",
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder to keep queue and certificate in.  [temporary]"),
    ] = None,
) -> None:
    """Try the relay without an AWS account: relay, simulated SES, dashboard and inbox.

    Example: `ses-relay demo`, then send a message as it says and open http://127.0.0.1:8025/
    """
    try:
        run_demo(Demo(_bind("--smtp", smtp), _bind("--http", http), ses, state), typer.echo)
    except Unusable as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from None


def _bind(option: str, text: str) -> TcpBind:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        typer.echo(f"{option} {text}: write HOST:PORT, such as 127.0.0.1:1025", err=True)
        raise typer.Exit(2)
    return TcpBind(host.strip("[]"), int(port))
