"""Tell systemd how the service is doing.

Standards: sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names; with Type=notify-reload
a reload says RELOADING=1 with the monotonic time, and READY=1 when it is done.
Errors: none; a service manager that has gone away is no reason to stop relaying mail, so a
datagram that cannot be sent is dropped.
"""

import contextlib
import socket
import time
from collections.abc import Mapping


class ServiceManager:
    """The service manager's ear, or nobody's where the process was started by hand."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._path = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds: float | None = None
        if environ.get("WATCHDOG_USEC", "").isdecimal():
            # Half the limit, as sd_watchdog_enabled(3) advises.
            self.watchdog_seconds = int(environ["WATCHDOG_USEC"]) / 2_000_000

    def ready(self) -> None:
        """Say that listeners are open."""
        self._say("READY=1")

    def reloading(self) -> None:
        """Say that a reload began."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the stop began."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """Say that the event loop still turns."""
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show a line in `systemctl status`."""
        self._say(f"STATUS={text}")

    def _say(self, state: str) -> None:
        if not self._path:
            return
        # A leading @ names an abstract socket (unix(7)).
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.sendto(state.encode(), address)
