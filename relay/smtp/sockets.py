"""Listening sockets from binds.

Sockets made by hand must say IPPROTO_TCP: asyncio switches Nagle's algorithm off only where it
reads that protocol, and with it on a session is four times slower.

Standards: sd_listen_fds(3) for sockets that the service manager passes on; SO_REUSEPORT, by which
Linux deals out connections among several sockets of one address (socket(7)).
Errors: `ListenFault`, a sentence for the operator.
"""

import os
import socket
import stat
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, assert_never

from relay.model.settings import Bind, FdBind, TcpBind, UnixBind

BACKLOG = 1024
FIRST_PASSED = 3  # sd_listen_fds(3): SD_LISTEN_FDS_START


@dataclass(frozen=True, slots=True)
class ListenFault:
    """A listener cannot be opened."""

    bind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.bind}: {self.reason}"


class Doors(Protocol):
    """Where listeners get their sockets from."""

    def open(self, bind: Bind) -> tuple[socket.socket, ...] | ListenFault:
        """Give listening sockets, which are then the caller's."""
        ...

    def gone(self, bind: Bind) -> None:
        """Know that a listener's sockets are closed."""
        ...


class OwnDoors:
    """This process opens them."""

    def open(self, bind: Bind) -> tuple[socket.socket, ...] | ListenFault:
        """Open them now."""
        return open_sockets(bind)

    def gone(self, bind: Bind) -> None:
        """Remove what a unix socket leaves in the file system."""
        if isinstance(bind, UnixBind):
            with suppress(FileNotFoundError):
                bind.path.unlink()


def written(name: object) -> str:
    """Write the name of a socket as a bind."""
    match name:
        case (str(host), int(port), *_):
            return str(TcpBind(host, port))
        case _:
            return f"unix:{name}"


def open_sockets(bind: Bind) -> tuple[socket.socket, ...] | ListenFault:
    """Open all sockets of a bind (a host name may have several addresses), or none."""
    dealt = open_dealt(bind, 1)
    return dealt if isinstance(dealt, ListenFault) else dealt[0]


def open_dealt(bind: Bind, workers: int) -> tuple[tuple[socket.socket, ...], ...] | ListenFault:
    """Open all sockets of a bind for each of so many workers, or none.

    At a TCP address each has a socket of its own; unix sockets and those that the service manager
    passes on are the same for all.
    """
    try:
        match bind:
            case TcpBind():
                return _tcp(bind, workers)
            case UnixBind(path=path):
                return ((_unix(path),),) * workers
            case FdBind(name=name):
                return (_passed_on(name),) * workers
            case _:
                assert_never(bind)
    except OSError as error:
        return ListenFault(str(bind), error.strerror or str(error))


def _tcp(bind: TcpBind, workers: int) -> tuple[tuple[socket.socket, ...], ...]:
    with ExitStack() as opened:
        by_address = [
            _listening(opened, family, address, workers)
            for family, *_, address in dict.fromkeys(
                socket.getaddrinfo(
                    bind.host or None,
                    bind.port,
                    type=socket.SOCK_STREAM,
                    proto=socket.IPPROTO_TCP,
                    flags=socket.AI_PASSIVE,
                )
            )
        ]
        opened.pop_all()
    return tuple(zip(*by_address, strict=True))


def _listening(
    opened: ExitStack, family: socket.AddressFamily, address: tuple[object, ...], workers: int
) -> list[socket.socket]:
    sockets = [_bound(opened, family, address)]
    if workers > 1:
        # With SO_REUSEPORT a relay started twice would bind beside the first and take half of its
        # connections. A socket without it is refused where another listens, and holds the port,
        # which the system may have chosen, until the others have it.
        with sockets.pop() as claim:
            sockets += [
                _bound(opened, family, claim.getsockname(), socket.SO_REUSEPORT)
                for _ in range(workers)
            ]
    for sock in sockets:
        sock.listen(BACKLOG)
    return sockets


def _bound(
    opened: ExitStack, family: socket.AddressFamily, address: tuple[object, ...], *options: int
) -> socket.socket:
    sock = opened.enter_context(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP))
    for option in (socket.SO_REUSEADDR, *options):
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(address)
    return sock


def _unix(path: Path) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(0o666)  # who may reach it is decided by the folder's permissions
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    """Remove a socket that a killed process left behind, but none that is listened on."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()


def _passed_on(name: str) -> tuple[socket.socket, ...]:
    """Take the sockets that systemd passed on under a name (FileDescriptorName=)."""
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    count = int(os.environ.get("LISTEN_FDS", "0"))
    ours = os.environ.get("LISTEN_PID") == str(os.getpid())
    passed = [
        FIRST_PASSED + place for place, known in enumerate(names[:count]) if ours and known == name
    ]
    if not passed:
        raise OSError(f"no socket of the name {name!r} was passed on by the service manager")
    sockets = []
    for descriptor in passed:
        # A copy: closing ours must not close what systemd keeps for a restart.
        found = socket.socket(fileno=os.dup(descriptor))
        sockets.append(_with_protocol(found))
    return tuple(sockets)


def _with_protocol(found: socket.socket) -> socket.socket:
    """Name the protocol of a TCP socket, which a descriptor alone does not carry everywhere."""
    if found.family == socket.AF_UNIX or found.proto == socket.IPPROTO_TCP:
        return found
    return socket.socket(found.family, found.type, socket.IPPROTO_TCP, fileno=found.detach())
