"""The addresses to listen on: free, or in use by this relay itself.

Errors: none; findings.
"""

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator

from relay.model import replies
from relay.model.settings import Bind, FdBind, Settings, TcpBind, TlsMode, UnixBind
from relay.service.check.finding import Finding, fault, ok

PATIENCE = 5.0  # seconds for a listener to say who it is

Asked = Callable[[socket.socket], bytes]


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Look at each listener's address, at HTTP's, and at SNS's where it has one of its own."""
    for place, listener in enumerate(settings.listeners):
        implicit = listener.tls is TlsMode.IMPLICIT
        yield _address(f"listeners[{place}].bind", listener.bind, _smtp(implicit=implicit))
    yield _address("http.bind", settings.http.bind, _http(tls=False))
    if settings.sns_bind is not None:
        ask = _http(tls=settings.tls is not None)
        yield _address("feedback.sns.bind", settings.sns_bind, ask)


def _address(key: str, bind: Bind, ask: Asked) -> Finding:
    about = f"{key} {bind}"
    match bind:
        case FdBind():
            return ok(about, "is opened by the service manager")
        case UnixBind(path=path):
            if path.exists():
                return _taken(about, socket.AF_UNIX, str(path), ask)
            if not path.parent.is_dir():
                return fault(
                    about, f"{path.parent} is not a folder", "make it, for the relay's user"
                )
            return ok(about, "is free")
        case TcpBind(host=host, port=port):
            return _tcp(about, host, port, ask)


def _tcp(about: str, host: str, port: int, ask: Asked) -> Finding:
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                try:
                    sock.bind(address)
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                    return _taken(about, family, _reachable(family, address), ask)
    except OSError as error:
        return fault(about, error.strerror or str(error), _fix(error))
    return ok(about, "is free")


def _fix(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return (
            "give the relay CAP_NET_BIND_SERVICE (the systemd unit does), or take a port from 1024"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "write an address of this machine"
    return "write an address of this machine that nothing else listens on"


def _reachable(family: int, address: tuple[object, ...]) -> tuple[object, ...]:
    """Replace "every address" by loopback, where it can be reached."""
    host, *rest = address
    loopback = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    return (loopback if host in {"0.0.0.0", "::"} else host, *rest)  # noqa: S104 - compared, not bound


def _taken(about: str, family: int, address: str | tuple[object, ...], ask: Asked) -> Finding:
    said = b""
    # What does not answer, or not in our words, is somebody else.
    with (
        contextlib.suppress(OSError),
        socket.socket(family, socket.SOCK_STREAM) as sock,
    ):
        sock.settimeout(PATIENCE)
        sock.connect(address)
        said = ask(sock)
    if said:
        return ok(about, "is in use by a relay that runs")
    return fault(about, "something else listens there", "stop that, or choose another address")


def _smtp(*, implicit: bool) -> Asked:
    ours = (replies.GREETING.text.encode(), replies.NOT_WELCOME.text.encode())

    def ask(sock: socket.socket) -> bytes:
        line = (_encrypted(sock) if implicit else sock).makefile("rb").readline(1024)
        return line if any(words in line for words in ours) else b""

    return ask


def _http(*, tls: bool) -> Asked:
    def ask(sock: socket.socket) -> bytes:
        sock = _encrypted(sock) if tls else sock
        sock.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = sock.makefile("rb").read(4096)
        return answer if b"\r\nServer: ses-relay\r\n" in answer else b""

    return ask


def _encrypted(sock: socket.socket) -> socket.socket:
    context = ssl.create_default_context()
    # Who it is is not asked here: nothing is said to it.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(sock)
