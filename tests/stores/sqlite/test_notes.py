"""Notes that cannot be written are lost one by one: each is counted, the next has its chance."""

from fakes import FakeClock
from stored import AT

from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

MOST = "relay.stores.sqlite.worker._NOTES"


async def opened(folder):
    return await open_sqlite(folder, 0, Crew.threads(Files(), FakeClock()), 0.0)


async def test_notes_behind_a_lost_one_are_counted_and_what_comes_later_is_written(
    tmp_path, monkeypatch
):
    stores = await opened(tmp_path)
    history = stores.shared.history
    monkeypatch.setattr(MOST, 0)
    history.note("message.received", AT, {"queue_id": "q"})
    history.note("message.deferred", AT, {"queue_id": "q"})
    assert history.lost == 2
    monkeypatch.setattr(MOST, 200)
    history.note("message.relayed", AT, {"queue_id": "q"})
    await stores.close()
    again = await opened(tmp_path)
    found = await again.shared.history.trace("q", 9)
    assert [one.event for one in found] == ["message.relayed"]
    assert history.lost == 2
    await again.close()


async def test_notes_after_the_end_are_counted(tmp_path):
    stores = await opened(tmp_path)
    await stores.close()
    for _ in range(3):
        stores.shared.history.note("relay.stopped", AT, {})
    assert stores.shared.history.lost == 3
