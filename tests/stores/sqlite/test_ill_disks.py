"""Disks that are full, locked, read-only, gone: a fault while it lasts, and no restart after it."""

import shutil
import sqlite3
import subprocess
import sys

import pytest
from fakes import FakeClock
from stored import AT, KEY, later, new

from relay.model.content import Content
from relay.model.ports import StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest, open_sqlite


def reason(answer):
    assert isinstance(answer, StoreFault)
    return answer.reason


async def opened(folder):
    stores = await folder.open()
    stores.owned.databases[0].patience = 0.01
    stores.owned.databases[0].close()
    assert await stores.queue.put([new("before")]) is None
    return stores


async def test_a_full_disk_is_a_fault_until_there_is_room(folder):
    stores = await opened(folder)
    connection = stores.owned.databases[0]._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    answer = await stores.queue.put([new("big", body=b"x" * 100_000)])
    assert reason(answer) == "queue-0.db: database or disk is full"
    assert await stores.queue.put([new("after", body=b"x" * 100_000)]) is None  # reopened
    found = await stores.queue.claim({KEY: 9}, AT, later(60))
    assert [one.id for one in found] == ["before", "after"]
    assert stores.queue.usage.messages == 2


TIGHT = """
import asyncio, pathlib, resource, signal, sys
from relay.model.clock import SystemClock
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite
from stored import new

async def main():
    folder = pathlib.Path(sys.argv[1])
    stores = await open_sqlite(folder, 0, Crew.threads(Files(), SystemClock()), 0.0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    names = [f"m{number}" for number in range(40)]
    answers = [await stores.queue.put([new(name, body=b"x" * 30_000)]) for name in names]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    answers.append(await stores.queue.put([new("after")]))
    kept = [name for name, answer in zip([*names, "after"], answers) if answer is None]
    print(" ".join(kept))
    await stores.close()

asyncio.run(main())
"""


def kept_by_a_process_with_little_room(folder):
    done = subprocess.run(
        [sys.executable, "-c", TIGHT, folder],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    return done.stdout.split()


async def test_a_file_size_limit_in_another_process_loses_nothing(tmp_path):
    """The kernel itself refuses to let the files grow (EFBIG), at some moment of many puts."""
    kept = kept_by_a_process_with_little_room(tmp_path / "store")
    assert kept[-1] == "after"
    assert 0 < len(kept) < 41
    stores = await open_sqlite(tmp_path / "store", 0, Crew.inline(Files(), FakeClock()), 0.0)
    found = {one.id for one in await stores.queue.claim({KEY: 99}, AT, later(60))}
    assert set(kept) <= found
    for name in kept:
        assert isinstance(await stores.queue.content(name), Content)
    await stores.close()


async def test_a_locked_database_is_a_fault_until_it_is_free(folder):
    stores = await opened(folder)
    other = sqlite3.connect(folder.folder / "queue-0.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert reason(await stores.queue.put([new("a")])) == "queue-0.db: database is locked"
    assert reason(await stores.queue.claim({KEY: 1}, AT, later(1))).endswith("is locked")
    other.execute("ROLLBACK")
    other.close()
    assert await stores.queue.put([new("a")]) is None


async def test_a_read_only_database_is_a_fault_until_it_can_be_written(folder):
    stores = await opened(folder)
    stores.owned.databases[0]._connection.execute("PRAGMA query_only = ON")
    assert "readonly" in reason(await stores.queue.put([new("a")]))
    assert await stores.queue.put([new("a")]) is None


async def test_a_folder_that_vanishes_is_a_fault_until_it_is_back(folder):
    stores = await opened(folder)
    away = folder.folder.with_name("away")
    folder.folder.rename(away)
    assert reason(await stores.queue.put([new("a")])).startswith("queue-0.db: ")
    assert reason(await stores.queue.put([new("b", body=b"x" * 200_000)])).startswith("bodies-0/")
    assert isinstance(await stores.shared.suppression.listed("", 9), StoreFault)
    away.rename(folder.folder)
    assert await stores.queue.put([new("a"), new("b", body=b"x" * 200_000)]) is None
    assert await stores.shared.suppression.listed("", 9) == []


async def test_a_file_that_was_removed_takes_no_mail_into_nowhere(folder):
    """SQLite itself would go on writing to the file that nobody can see any more."""
    stores = await opened(folder)
    for path in folder.folder.glob("queue-0.db*"):
        path.unlink()
    assert isinstance(await stores.queue.put([new("a")]), StoreFault)
    assert isinstance(await stores.queue.put([new("a")]), StoreFault)


async def test_another_file_in_its_place_is_noticed(folder):
    stores = await opened(folder)
    path = folder.folder / "queue-0.db"
    shutil.copy(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").rename(path)
    assert reason(await stores.queue.put([new("a")])).endswith("another file has taken its place")


async def test_a_large_body_that_is_missing_with_its_folder_is_no_damage(folder):
    stores = await opened(folder)
    await stores.queue.put([new("a", body=b"x" * 200_000)])
    bodies = folder.folder / "bodies-0"
    bodies.rename(folder.folder / "elsewhere")
    assert reason(await stores.queue.content("a")) == "bodies-0 is missing"
    (folder.folder / "elsewhere").rename(bodies)
    assert isinstance(await stores.queue.content("a"), Content)


async def test_a_file_that_is_no_database_is_refused_with_the_fix(folder):
    folder.folder.mkdir()
    (folder.folder / "queue-0.db").write_bytes(b"From alice Sat Nov 21\n" * 100)
    crew = Crew.inline(Files(), FakeClock())
    answer = await open_sqlite(folder.folder, 0, crew, 0.0)
    assert reason(answer) == "queue-0.db: file is not a database"


async def test_a_command_makes_no_store_where_none_is(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        answer = await open_guest(folder, Crew.inline(Files(), FakeClock()))
        assert reason(answer) == "state.db: unable to open database file"
        assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("")
    crew = Crew.inline(Files(), FakeClock())
    answer = await open_sqlite(tmp_path / "file" / "store", 0, crew, 0.0)
    assert reason(answer).endswith("Not a directory")


@pytest.mark.parametrize("mode", ["inline", "threads"])
async def test_a_closed_store_says_so(tmp_path, mode):
    crew = getattr(Crew, mode)(Files(), FakeClock())
    stores = await open_sqlite(tmp_path / "store", 0, crew, 0.0)
    await stores.queue.put([new("a")])
    await stores.close()
    if mode == "threads":
        assert reason(await stores.queue.put([new("b")])) == "the store is closed"
    else:  # whoever works without threads may go on; it is opened again, but the slot is gone
        assert isinstance(await stores.queue.put([new("b")]), StoreFault)
