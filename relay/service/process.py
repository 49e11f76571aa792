"""Run a relay as a process: signals, service manager, event loop.

SIGTERM and SIGINT drain, a second one skips the waiting; SIGHUP reloads.
Errors: `Unusable` leaves `run_relay` when the relay cannot start.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from relay.model.clock import SystemClock
from relay.model.settings import Settings
from relay.service.assembly import Outside
from relay.service.dns_texts import texts_meanwhile
from relay.service.loop import run_loop, settle_memory
from relay.service.notify import ServiceManager
from relay.service.relay import Relay
from relay.service.snapshot import Unusable
from relay.service.supervisor.supervisor import Supervisor
from relay.telemetry import Metrics, adopt_library_logs, stdout_writer

__all__ = ["Unusable", "run_relay"]

# Reads the configuration again: the settings, or why they are refused.
Reread = Callable[[], Settings | str]


def run_relay(settings: Settings, reread: Reread) -> None:
    """Serve until a signal ends it."""
    # Whatever the relay writes is mail: nobody else on this machine reads it.
    os.umask(0o077)
    run_loop(_serve(settings, reread))


async def _serve(settings: Settings, reread: Reread) -> None:
    clock = SystemClock()
    metrics = Metrics()
    log = stdout_writer(settings.log, clock, metrics)
    adopt_library_logs(log)
    outside = Outside(clock=clock, log=log, metrics=metrics, published=texts_meanwhile)
    relay = Relay(settings, outside) if settings.workers == 1 else Supervisor(settings, outside)
    manager = ServiceManager(os.environ)
    await run_until_signalled(relay, manager, reread)


async def run_until_signalled(
    relay: Relay | Supervisor,
    manager: ServiceManager,
    reread: Reread,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve, and obey signals and the service manager meanwhile."""
    loop = asyncio.get_running_loop()
    stop, reload = asyncio.Event(), asyncio.Event()
    serving = asyncio.current_task()

    def end() -> None:
        if stop.is_set() and serving is not None:
            serving.cancel()  # asked twice: skip the waiting
        stop.set()
        manager.stopping()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, reload.set)

    attending = [asyncio.create_task(_pet_watchdog(manager))]

    def ready() -> None:
        settle_memory()
        manager.ready()
        # What was asked while it started is done now.
        attending.append(asyncio.create_task(_reload_when_asked(relay, manager, reread, reload)))
        on_ready()

    try:
        with suppress(asyncio.CancelledError):
            await relay.serve(stop, ready)
    finally:
        for task in attending:
            task.cancel()
        await asyncio.gather(*attending, return_exceptions=True)


async def _reload_when_asked(
    relay: Relay | Supervisor, manager: ServiceManager, reread: Reread, asked: asyncio.Event
) -> None:
    while True:
        await asked.wait()
        asked.clear()
        manager.reloading()
        try:
            settings = await asyncio.to_thread(reread)
            if isinstance(settings, str):
                relay.refuse_reload(settings)
            else:
                await relay.reload(settings)
        except Unusable as fault:
            relay.refuse_reload(str(fault))
        except Exception as error:  # noqa: BLE001 - a bug ends neither the mail nor later reloads
            relay.refuse_reload(f"a bug of the relay ({type(error).__name__})", error)
        manager.ready()


async def _pet_watchdog(manager: ServiceManager) -> None:
    if manager.watchdog_seconds is None:
        return
    while True:
        manager.alive()
        await asyncio.sleep(manager.watchdog_seconds)
