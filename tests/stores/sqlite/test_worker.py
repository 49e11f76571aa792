"""The thread that works group by group, and keeps nobody waiting who need not wait."""

import asyncio
import sqlite3
import threading

import pytest
from fakes import FakeClock
from stored import new

from relay.model.ports import StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database, Role
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite
from relay.stores.sqlite.schema import Schema
from relay.stores.sqlite.worker import CLOSED, ThreadWorker

NUMBERS = Schema(5, (lambda connection: connection.execute("CREATE TABLE t (n INTEGER)"),))


class GatedFiles(Files):
    """Counts commits, and holds the first one back until it may go on."""

    def __init__(self):
        self.commits = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def commit(self, connection):
        self.commits += 1
        self.begun.set()
        assert self.go_on.wait(10)
        super().commit(connection)


@pytest.fixture
async def worker():
    worker = ThreadWorker("test-writer")
    yield worker
    await worker.close()


def numbers(tmp_path, files):
    return Database(tmp_path / "n.db", NUMBERS, files, Role.OWNER)


def adding(number):
    return lambda connection: connection.execute("INSERT INTO t VALUES (?)", (number,)).lastrowid


class Noting:
    """A note that adds a number."""

    def __init__(self, number):
        self.number = number

    def __len__(self):
        return 1

    def __call__(self, connection):
        adding(self.number)(connection)


def all_of(connection):
    return [row[0] for row in connection.execute("SELECT n FROM t ORDER BY n")]


async def test_what_waits_is_committed_together(tmp_path, worker):
    files = GatedFiles()
    database = numbers(tmp_path, files)
    first = asyncio.create_task(worker.do(database, adding(0)))
    await asyncio.to_thread(files.begun.wait)
    others = [asyncio.create_task(worker.do(database, adding(n))) for n in range(1, 101)]
    await asyncio.sleep(0)
    assert not first.done()
    files.go_on.set()
    await asyncio.gather(first, *others)
    assert files.commits == 2
    assert await worker.do(database, all_of) == list(range(101))
    database.close()


async def test_the_loop_goes_on_while_the_disk_does_not(tmp_path):
    files = GatedFiles()
    files.go_on.set()
    stores = await open_sqlite(tmp_path / "s", 0, Crew.threads(files, FakeClock()), 0.0)
    files.go_on.clear()
    files.begun.clear()
    put = asyncio.create_task(stores.queue.put([new("a")]))
    await asyncio.to_thread(files.begun.wait)
    for _ in range(1_000):
        await asyncio.sleep(0)
        assert not put.done()
    files.go_on.set()
    assert await put is None
    await stores.close()


async def test_one_jobs_bug_is_its_own(tmp_path, worker):
    files = GatedFiles()
    database = numbers(tmp_path, files)
    first = asyncio.create_task(worker.do(database, adding(0)))
    await asyncio.to_thread(files.begun.wait)

    def bug(connection):
        connection.execute("INSERT INTO t VALUES (666)")
        raise KeyError("a bug")

    jobs = [adding(1), bug, adding(2), lambda connection: connection.execute("nonsense")]
    tasks = [asyncio.create_task(worker.do(database, job)) for job in jobs[:3]]
    await asyncio.sleep(0)
    files.go_on.set()
    await first
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[1], KeyError)
    assert await worker.do(database, all_of) == [0, 1, 2]
    assert isinstance(await worker.do(database, jobs[3]), StoreFault)
    database.close()


async def test_what_runs_after_a_commit_runs_after_it_and_not_after_a_rollback(tmp_path, worker):
    files = Files()
    database = numbers(tmp_path, files)
    seen = []

    def after(number):
        other = sqlite3.connect(tmp_path / "n.db")
        seen.append((number, all_of(other)))
        other.close()

    await worker.do(database, adding(7), after)
    assert seen == [(1, [7])]

    def bug(connection):
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await worker.do(database, bug, after)
    assert len(seen) == 1

    def broken(_):
        raise ValueError("after the commit")

    with pytest.raises(ValueError, match="after the commit"):
        await worker.do(database, adding(8), broken)
    assert await worker.do(database, all_of) == [7, 8]
    database.close()


async def test_a_caller_that_gives_up_changes_nothing_for_the_others(tmp_path, worker):
    files = GatedFiles()
    database = numbers(tmp_path, files)
    tasks = [asyncio.create_task(worker.do(database, adding(n))) for n in range(3)]
    await asyncio.to_thread(files.begun.wait)
    tasks[0].cancel()
    files.go_on.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert tasks[0].cancelled()
    assert await worker.do(database, all_of) == [0, 1, 2]
    database.close()


async def test_one_note_is_written_behind_each_group_when_it_is_due(tmp_path, worker, monkeypatch):
    files = GatedFiles()
    database = numbers(tmp_path, files)
    monkeypatch.setattr("relay.stores.sqlite.worker._NOTE_WAIT", 0.0)
    first = asyncio.create_task(worker.do(database, adding(0)))
    await asyncio.to_thread(files.begun.wait)
    for number in range(10, 13):
        worker.note(database, Noting(number))
    second = asyncio.create_task(worker.do(database, all_of))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    files.go_on.set()
    await first
    assert await second == [0, 10]
    await worker.close()  # the other notes are being written
    database.close()


async def test_notes_that_are_not_due_keep_nobody_waiting(tmp_path, worker, monkeypatch):
    monkeypatch.setattr("relay.stores.sqlite.worker._NOTE_WAIT", 3600.0)
    database = numbers(tmp_path, Files())
    worker.note(database, Noting(1))
    for _ in range(3):
        assert await worker.do(database, all_of) == []
    await worker.close()
    left = sqlite3.connect(tmp_path / "n.db")
    assert all_of(left) == [1]
    left.close()
    database.close()


async def test_notes_go_alone_when_nothing_else_comes(tmp_path, worker, monkeypatch):
    monkeypatch.setattr("relay.stores.sqlite.worker._NOTE_WAIT", 0.005)
    database = numbers(tmp_path, Files())
    written = threading.Event()

    class Telling(Noting):
        def __call__(self, connection):
            super().__call__(connection)
            written.set()

    worker.note(database, Telling(1))
    assert await asyncio.to_thread(written.wait, 10)
    assert await worker.do(database, all_of) == [1]
    database.close()


async def test_too_many_notes_are_lost_and_counted(tmp_path, worker, monkeypatch):
    monkeypatch.setattr("relay.stores.sqlite.worker._NOTES", 3)
    files = GatedFiles()
    database = numbers(tmp_path, files)
    first = asyncio.create_task(worker.do(database, adding(0)))
    await asyncio.to_thread(files.begun.wait)
    for number in range(1, 6):
        worker.note(database, Noting(number))
    files.go_on.set()
    await first
    await worker.close()
    assert worker.lost == 2
    left = sqlite3.connect(tmp_path / "n.db")
    assert all_of(left) == [0, 1, 2, 3]
    left.close()
    database.close()


async def test_closing_does_what_is_left_and_takes_no_more(tmp_path):
    worker = ThreadWorker("test-writer")
    database = numbers(tmp_path, Files())
    tasks = [asyncio.create_task(worker.do(database, adding(n))) for n in range(50)]
    await asyncio.sleep(0)
    worker.note(database, Noting(50))
    await worker.close()
    assert await asyncio.gather(*tasks) == list(range(1, 51))
    assert await worker.do(database, adding(51)) == CLOSED
    worker.note(database, Noting(52))
    assert worker.lost == 1
    database.close()
    left = sqlite3.connect(tmp_path / "n.db")
    assert all_of(left) == list(range(51))
    left.close()
