"""Every call to the file system fails once, at each place: nothing acknowledged is lost.

The story below puts, claims, records and removes small and large messages; the same story is told
once for each call that it makes.
"""

import itertools
import shutil
from dataclasses import replace

import pytest
from disks import FailingFiles, ForgetfulFiles
from fakes import FakeClock
from stored import AT, KEY, later, new

from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import Corrupt, StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

LARGE = b"x" * 200_000


class Ledger:
    """What the store has acknowledged: what must be there, and what must be gone."""

    def __init__(self):
        self.offered = {}
        self.owed = {}
        self.finished = set()
        self.unsure = {}  # a fault while committing: either the entry or all it caused is there

    async def put(self, queue, *messages):
        octets = {one.entry.id: one.content.octets() for one in messages}
        self.offered |= octets
        if await queue.put(messages) is None:
            self.owed |= octets

    async def finish(self, queue, entry, *spawn):
        done = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
        recorded = await queue.record(replace(entry, requests=done, lease_until=None), spawn)
        self.owed.pop(entry.id, None)  # a put that failed while committing is not owed, yet there
        if isinstance(recorded, QueueEntry):
            self.owed |= {one.entry.id: one.content.octets() for one in spawn}
            self.finished.add(entry.id)
        else:
            self.unsure[entry.id] = self.offered[entry.id], spawn

    async def check(self, folder):
        """Open the folder as the next process would and look for everything owed."""
        stores = await open_sqlite(folder, 0, Crew.inline(Files(), FakeClock()), 0.0)
        assert not isinstance(stores, StoreFault), stores.reason
        queue = stores.queue
        await queue.recover(lambda entry: entry)
        found = {one.id: one for one in await queue.claim({KEY: 100}, later(900), later(999))}
        for queue_id, (octets, spawn) in self.unsure.items():
            caused = {one.entry.id: one.content.octets() for one in spawn}
            assert (queue_id in found) != (set(caused) <= set(found))
            self.owed |= {queue_id: octets} if queue_id in found else caused
        assert set(self.owed) <= set(found)
        assert not self.finished & set(found)
        for queue_id, octets in self.owed.items():
            assert not isinstance(found[queue_id], Corrupt)
            assert (await queue.content(queue_id)).octets() == octets
        assert queue.usage.corrupt == 0
        assert queue.usage.messages == len(found)
        await stores.close()
        names = {path.name.rpartition("-")[0] for path in (folder / "bodies-0").iterdir()}
        assert names <= set(found)


async def the_story(folder, files, ledger, step):
    stores = await open_sqlite(folder, 0, Crew.inline(files, FakeClock()), 0.0)
    if isinstance(stores, StoreFault):
        return
    queue = stores.queue
    await step()
    await ledger.put(queue, new("small"))
    await step()
    await ledger.put(queue, new("large", body=LARGE))
    await step()
    await ledger.put(queue, new("first", body=LARGE), new("second", body=LARGE), new("third"))
    await step()
    claimed = await queue.claim({KEY: 2}, AT, later(60))
    await step()
    if not isinstance(claimed, StoreFault):
        for entry in claimed:
            await ledger.finish(queue, entry, new(f"bounce-{entry.id}", body=LARGE))
            await step()
    await stores.close()


async def nothing():
    pass


async def count_calls(folder):
    files = FailingFiles()
    await the_story(folder, files, Ledger(), nothing)
    return files.calls


async def test_the_story_makes_calls_enough_to_be_worth_telling(tmp_path):
    assert await count_calls(tmp_path / "store") > 60


@pytest.mark.parametrize("for_good", [False, True])
async def test_whatever_call_fails_nothing_acknowledged_is_lost(tmp_path, for_good):
    calls = await count_calls(tmp_path / "all-is-well")
    for number in range(1, calls + 1):
        folder = tmp_path / f"fails-at-{number}"
        files = FailingFiles(number, for_good=for_good)
        ledger = Ledger()
        await the_story(folder, files, ledger, nothing)
        assert files.failed is not None
        await ledger.check(folder)


async def test_after_one_failed_call_the_store_is_well_again_without_a_restart(tmp_path):
    calls = await count_calls(tmp_path / "all-is-well")
    for number in range(1, calls + 1):
        folder, files = tmp_path / f"fails-at-{number}", FailingFiles(number)
        stores = await open_sqlite(folder, 0, Crew.inline(files, FakeClock()), 0.0)
        if isinstance(stores, StoreFault):
            assert files.failed is not None
            continue  # a start that fails is tried again by the service manager
        queue, puts = stores.queue, 0
        while files.failed is None:
            puts += 1
            await queue.put([new(f"m{puts}", body=LARGE)])
        assert await queue.put([new("small"), new("large", body=LARGE)]) is None
        assert (await queue.content("large")).body == LARGE
        await stores.close()


async def test_a_power_cut_at_any_step_loses_nothing_acknowledged(tmp_path):
    files, ledger = ForgetfulFiles(), Ledger()
    folder, cuts = tmp_path / "store", itertools.count()

    async def cut():
        copy = tmp_path / f"cut-{next(cuts)}"
        files.crash(folder, copy)
        await ledger.check(copy)
        shutil.rmtree(copy)

    await the_story(folder, files, ledger, cut)
    assert next(cuts) == 7
    assert len(ledger.finished) == 2


async def test_a_power_cut_within_any_call_loses_nothing_acknowledged(tmp_path):
    """The disk stands still at call n, for good, and what was not synced is lost as well."""
    calls = await count_calls(tmp_path / "all-is-well")
    for number in range(1, calls + 1):
        folder, copy = tmp_path / f"cut-at-{number}", tmp_path / f"copy-{number}"
        files, ledger = ForgetfulFiles(number, for_good=True), Ledger()
        await the_story(folder, files, ledger, nothing)
        if not folder.exists():
            continue
        files.crash(folder, copy)
        await ledger.check(copy)
