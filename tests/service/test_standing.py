"""What goes bad by itself is said while the relay runs."""

import asyncio
from datetime import timedelta

import pytest
from fakes import START, FakeClock
from smtp_fakes import certificate_files

from relay.model.settings import (
    DkimKey,
    Listener,
    NoStore,
    Queue,
    Route,
    Secret,
    Settings,
    TcpBind,
    TlsMode,
)
from relay.service.dkim import make_key
from relay.service.standing import LOOK_EACH, Standing


def settings(files, **changes):
    known = {
        "listeners": (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.IMPLICIT),),
        "tls": files,
        "routes": {"default": Route(region="eu-west-1")},
        "queue": Queue(store=NoStore()),
    }
    return Settings(**{**known, **changes})


async def test_a_certificate_that_ends_soon_is_a_warning():
    files = certificate_files()  # for a day
    standing = Standing(lambda: settings(files), FakeClock())
    await standing.look()
    [warning] = standing.warnings
    assert f"tls {files.certificate[0]} expire" in warning
    assert "renew it" in warning


async def test_a_listener_without_tls_needs_no_certificate():
    plain = (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.OFF),)
    standing = Standing(lambda: settings(certificate_files(), listeners=plain), FakeClock())
    await standing.look()
    assert standing.warnings == ()


async def test_a_certificate_that_cannot_be_read_is_the_listeners_affair(tmp_path):
    files = certificate_files()
    gone = type(files)(certificate=(tmp_path / "gone.pem",), key=files.key)
    standing = Standing(lambda: settings(gone), FakeClock())
    await standing.look()
    assert standing.warnings == ()


@pytest.mark.fake_time
async def test_it_looks_at_once_and_then_every_hour(clock):
    ends = START + timedelta(seconds=1.5 * LOOK_EACH)
    key = DkimKey(
        domain="example.com", selector="s1", key=Secret(make_key(1024).decode()), active_until=ends
    )
    plain = (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.OFF),)
    known = settings(None, listeners=plain, dkim=(key,))
    standing = Standing(lambda: known, clock)
    running = asyncio.create_task(standing.run())
    seen = []
    for _ in range(3):
        await clock.sleep(1)
        seen.append(standing.warnings)
        await clock.sleep(LOOK_EACH)
    running.cancel()
    assert seen[:2] == [(), ()]
    assert "has not signed since 2026-11-21" in seen[2][0]
