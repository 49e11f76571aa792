"""What happens to one entry within a single transaction of the writer's thread."""

import asyncio
import threading
from dataclasses import replace

from fakes import FakeClock
from stored import AT, KEY, later, new

from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite


class GatedFiles(Files):
    """Holds a commit back while it is told to."""

    def __init__(self):
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def commit(self, connection):
        self.begun.set()
        assert self.go_on.wait(10)
        super().commit(connection)


async def test_an_entry_given_back_and_claimed_in_one_group_does_not_wait_for_its_lease(tmp_path):
    files = GatedFiles()
    stores = await open_sqlite(tmp_path / "store", 0, Crew.threads(files, FakeClock()), 60.0)
    queue = stores.queue
    await queue.put([new("a")])
    [entry] = await queue.claim({KEY: 1}, AT, later(900))
    files.go_on.clear()
    files.begun.clear()
    holding = asyncio.create_task(queue.put([new("b", due=later(3_600))]))
    await asyncio.to_thread(files.begun.wait)
    # Both wait behind that commit, and share the next one.
    given_back = asyncio.create_task(queue.record(replace(entry, lease_until=None)))
    first = asyncio.create_task(queue.claim({KEY: 1}, AT, later(900)))
    await asyncio.sleep(0)
    files.go_on.set()
    await asyncio.gather(holding, given_back)
    found = await first or await queue.claim({KEY: 1}, later(1), later(900))
    assert [one.id for one in found] == ["a"]
    await stores.close()
