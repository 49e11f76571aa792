"""`ses-relay simulator`: the SES double alone, for other people's tests."""

import asyncio
import contextlib
import signal
from typing import Annotated

import typer

from relay.simulator import Simulator, running


def simulator(
    bind: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Address to serve on.")
    ] = "127.0.0.1:8026",
) -> None:
    """Run a double of Amazon SES that refuses what SES refuses.

    Both APIs (SendRawEmail, SendEmail) and STS on one port; keys `simulator` / `simulator`.
    What arrived: `GET /_simulator/messages`; account, faults: see README.

    Example: `ses-relay simulator`, then point an SDK at `endpoint_url=http://127.0.0.1:8026`
    """
    try:
        asyncio.run(_serve(bind))
    except (OSError, ValueError) as error:
        typer.echo(f"cannot serve on {bind}: {error}; choose another --bind", err=True)
        raise typer.Exit(1) from None


async def _serve(bind: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(Simulator(), bind))
        typer.echo(f"Amazon SES simulator on {url} (access key simulator, secret simulator)")
        await stop.wait()
