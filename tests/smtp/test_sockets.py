"""Listening sockets for several workers at one address."""

import socket
from contextlib import contextmanager

import pytest

from relay.model.settings import TcpBind, UnixBind
from relay.smtp.sockets import ListenFault, open_dealt, open_sockets


@contextmanager
def dealt(bind, workers=3):
    opened = open_dealt(bind, workers)
    assert not isinstance(opened, ListenFault), opened
    try:
        yield opened
    finally:
        for sockets in opened:
            for one in sockets:
                one.close()


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.fixture(params=["127.0.0.1", "::1"])
def bind(request):
    if request.param == "::1" and not has_ipv6():
        pytest.skip("no IPv6 loopback here")
    return TcpBind(request.param, 0)


def taken_from(sock):
    """Accept whatever waits; gives how many."""
    sock.settimeout(0)
    accepted = 0
    while True:
        try:
            sock.accept()[0].close()
        except BlockingIOError:
            return accepted
        accepted += 1


def test_each_worker_has_a_socket_of_its_own_at_the_same_port(bind):
    with dealt(bind) as opened:
        sockets = [one for (one,) in opened]
        assert len({one.getsockname() for one in sockets}) == 1
        assert len({one.fileno() for one in sockets}) == 3
        assert all(one.proto == socket.IPPROTO_TCP for one in sockets)
        address = sockets[0].getsockname()[:2]
        clients = [socket.create_connection(address) for _ in range(90)]
        counts = [taken_from(one) for one in sockets]
        for client in clients:
            client.close()
    assert sum(counts) == 90
    assert min(counts) > 0  # by chance not once in 10^15 runs


@pytest.mark.parametrize(("first", "second"), [(2, 2), (1, 2), (2, 1)])
def test_a_relay_started_twice_is_told(bind, first, second):
    with dealt(bind, first) as opened:
        port = opened[0][0].getsockname()[1]
        again = TcpBind(bind.host, port)
        assert open_dealt(again, second) == ListenFault(str(again), "Address already in use")
    with dealt(again, second):  # all of the first are closed
        pass


def test_a_name_of_two_addresses_has_a_socket_at_each_for_each(monkeypatch):
    def both(host, port, **_):
        assert host == "mail.example.com"
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, ("127.0.0.1", port)), (*kind, ("127.0.0.2", port))]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with dealt(TcpBind("mail.example.com", 0)) as opened:
        names = [[one.getsockname() for one in sockets] for sockets in opened]
    assert names[0] == names[1] == names[2]
    assert [host for host, _ in names[0]] == ["127.0.0.1", "127.0.0.2"]


def test_an_address_that_cannot_be_had_leaves_none_of_the_others_open(monkeypatch):
    with dealt(TcpBind("127.0.0.1", 0), 1) as ((taken,),):
        port = taken.getsockname()[1]
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = [(*kind, ("127.0.0.2", port)), (*kind, ("127.0.0.1", port))]
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            fault = open_dealt(TcpBind("mail.example.com", port), 2)
        assert isinstance(fault, ListenFault)
        with dealt(TcpBind("127.0.0.2", port)):
            pass


def test_a_unix_socket_is_shared(tmp_path):
    with dealt(UnixBind(tmp_path / "smtp.sock")) as opened:
        assert len({one.fileno() for (one,) in opened}) == 1


def test_one_process_does_without_sharing_its_port():
    (sock,) = open_sockets(TcpBind("127.0.0.1", 0))
    with sock:
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
