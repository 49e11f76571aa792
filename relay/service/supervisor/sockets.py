"""The listening sockets of all workers, opened once and kept open while workers come and go.

At each TCP address every worker has a socket of its own, so that a connection wakes one of them and
the kernel deals out connections evenly. A worker's death loses none that it has not accepted: they
wait in its socket, which its successor gets. Other sockets are the same for all workers.

Errors: `Unusable` naming each bind that cannot be opened.
"""

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from relay.model.settings import Bind, Listener, TcpBind
from relay.service.snapshot import Unusable
from relay.smtp import ListenFault, OwnDoors, open_dealt


@dataclass(frozen=True, slots=True)
class _Open:
    """One bind."""

    bind: Bind
    dealt: tuple[tuple[socket.socket, ...], ...]  # by worker


class Sockets:
    """By bind, as the configuration writes it."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._doors = OwnDoors()
        self._open: dict[str, _Open] = {}

    def open(self, listeners: Iterable[Listener]) -> list[str]:
        """Open those that are not open yet, all of them or none; gives which."""
        fresh: list[str] = []
        faults: list[ListenFault] = []
        for listener in listeners:
            bind = str(listener.bind)
            if bind in self._open:
                continue
            dealt = open_dealt(listener.bind, self._workers)
            if isinstance(dealt, ListenFault):
                faults.append(dealt)
            else:
                self._open[bind] = _Open(listener.bind, dealt)
                fresh.append(bind)
        if faults:
            self.close(fresh)
            raise Unusable("\n".join(f"listeners: {fault}" for fault in faults))
        return fresh

    def close(self, binds: Iterable[str]) -> None:
        """Close these."""
        for name in tuple(binds):
            closed = self._open.pop(name)
            for sockets in closed.dealt:
                for one in sockets:
                    one.close()
            self._doors.gone(closed.bind)

    def close_all_but(self, listeners: Iterable[Listener] = ()) -> None:
        """Close those that no listener has any more."""
        self.close(self._open.keys() - {str(listener.bind) for listener in listeners})

    def told(self, binds: Collection[str] | None = None) -> Mapping[str, int]:
        """Say how many sockets a worker has of each bind; None: all binds."""
        wanted = self._open if binds is None else binds
        return {bind: len(self._open[bind].dealt[0]) for bind in wanted}

    def told_of_own(self) -> Mapping[str, int]:
        """Say it of those binds alone that have a socket for each worker."""
        return self.told(
            [bind for bind, known in self._open.items() if isinstance(known.bind, TcpBind)]
        )

    def of(self, number: int, told: Iterable[str]) -> Iterator[socket.socket]:
        """Give a worker's sockets in the order they were told of."""
        for bind in told:
            yield from self._open[bind].dealt[number]

    @property
    def names(self) -> list[object]:
        """Where they are reached; the port of a bind may have been 0."""
        return [one.getsockname() for known in self._open.values() for one in known.dealt[0]]
