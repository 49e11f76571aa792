"""The listening sockets of all workers, opened once and kept open while workers come and go.

Errors: `Unusable` naming each bind that cannot be opened.
"""

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping

from relay.model.settings import Bind, Listener
from relay.service.snapshot import Unusable
from relay.smtp import ListenFault, OwnDoors


class Sockets:
    """By bind, as the configuration writes it."""

    def __init__(self) -> None:
        self._doors = OwnDoors()
        self._open: dict[str, tuple[Bind, tuple[socket.socket, ...]]] = {}

    def open(self, listeners: Iterable[Listener]) -> list[str]:
        """Open those that are not open yet, all of them or none; gives which."""
        fresh: list[str] = []
        faults: list[ListenFault] = []
        for listener in listeners:
            bind = str(listener.bind)
            if bind in self._open:
                continue
            sockets = self._doors.open(listener.bind)
            if isinstance(sockets, ListenFault):
                faults.append(sockets)
            else:
                self._open[bind] = listener.bind, sockets
                fresh.append(bind)
        if faults:
            self.close(fresh)
            raise Unusable("\n".join(f"listeners: {fault}" for fault in faults))
        return fresh

    def close(self, binds: Iterable[str]) -> None:
        """Close these."""
        for name in tuple(binds):
            bind, sockets = self._open.pop(name)
            for one in sockets:
                one.close()
            self._doors.gone(bind)

    def close_all_but(self, listeners: Iterable[Listener] = ()) -> None:
        """Close those that no listener has any more."""
        self.close(self._open.keys() - {str(listener.bind) for listener in listeners})

    def told(self, binds: Collection[str] | None = None) -> Mapping[str, int]:
        """Say how many sockets each bind has; None: all binds."""
        wanted = self._open if binds is None else binds
        return {bind: len(self._open[bind][1]) for bind in wanted}

    def of(self, told: Iterable[str]) -> Iterator[socket.socket]:
        """Give the sockets in the order they were told of."""
        for bind in told:
            yield from self._open[bind][1]

    @property
    def names(self) -> list[object]:
        """Where they are reached; the port of a bind may have been 0."""
        return [one.getsockname() for _, sockets in self._open.values() for one in sockets]
