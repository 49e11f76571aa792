"""A slot has one owner, and a file the schema this relay knows."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import FakeClock
from stored import new

from relay.model.ports import StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest, open_sqlite
from relay.stores.sqlite.schema import HISTORY, QUEUE, STATE, Schema
from relay.stores.sqlite.slot import Places, Slot

STEPS = {
    "queue-0.db": len(QUEUE.steps),
    "state.db": len(STATE.steps),
    "history.db": len(HISTORY.steps),
}


def crew():
    return Crew.inline(Files(), FakeClock())


async def test_a_slot_has_one_owner_at_a_time(folder):
    first = await folder.open(0)
    answer = await open_sqlite(folder.folder, 0, crew(), 0.0)
    assert answer == StoreFault(f"{folder.folder}: slot 0 is in use by another process")
    await folder.open(1)
    await first.close()
    folder.opened.remove(first)
    await folder.open(0)


def test_the_ownership_ends_with_the_process(tmp_path):
    program = (
        "import fcntl, os, sys; d = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(d, fcntl.LOCK_EX); print('mine', flush=True); sys.stdin.read()"
    )
    places = Places(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", program, places.lock(0)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"mine\n"
        assert isinstance(Slot.take(places, 0, Files()), StoreFault)
        other.kill()
        other.wait()
    slot = Slot.take(places, 0, Files())
    assert isinstance(slot, Slot)
    slot.release()


async def test_a_lock_file_that_was_replaced_is_locked_again(folder):
    stores = await folder.open()
    lock = folder.folder / "queue-0.lock"
    lock.unlink()
    assert isinstance(await stores.queue.put([new("a")]), StoreFault)
    lock.touch()
    assert await stores.queue.put([new("a")]) is None
    assert isinstance(Slot.take(Places(folder.folder), 0, Files()), StoreFault)


async def test_a_slot_that_another_process_took_is_written_no_more(folder):
    stores = await folder.open()
    (folder.folder / "queue-0.lock").unlink()
    other = Slot.take(Places(folder.folder), 0, Files())
    answer = await stores.queue.put([new("a")])
    assert answer == StoreFault("queue-0.db: slot 0 is in use by another process now")
    other.release()
    assert await stores.queue.put([new("a")]) is None


async def test_a_closed_slot_is_still_there_for_commands(folder):
    stores = await folder.open()
    await stores.queue.put([new("a")])
    await stores.close()
    folder.opened.clear()
    guest = await folder.guest()
    assert (await guest.control.find("a")).id == "a"


def open_files(folder):
    opened = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [path for path in opened if path.is_relative_to(folder)]


async def test_a_store_that_is_closed_has_no_file_open(folder):
    stores = await folder.open()
    await stores.queue.put([new("a")])
    assert await stores.shared.mirrors.holders(["a@example.com"]) == []
    assert await stores.shared.history.recent(1) == []
    await stores.shared.control.find("a")
    assert open_files(folder.folder)
    await stores.close()
    folder.opened.clear()
    assert open_files(folder.folder) == []


async def test_the_folder_is_closed_to_others(folder):
    await folder.open()
    assert folder.folder.stat().st_mode & 0o077 == 0
    assert (folder.folder / "bodies-0").stat().st_mode & 0o077 == 0


def version_of(path):
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return version


def set_pragma(path, pragma, value):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA {pragma} = {value}")
    connection.close()


@pytest.mark.parametrize("name", ["queue-0.db", "state.db", "history.db"])
async def test_a_newer_schema_is_refused_with_the_fix(folder, name):
    stores = await folder.open()
    await stores.close()
    folder.opened.clear()
    set_pragma(folder.folder / name, "user_version", 99)
    answer = await open_sqlite(folder.folder, 0, crew(), 0.0)
    assert answer == StoreFault(
        f"{name}: schema 99 is newer than this relay's {STEPS[name]}; "
        "run the newer relay, or give it another folder"
    )
    assert version_of(folder.folder / name) == 99


async def test_another_programs_database_is_left_as_it_is(folder):
    folder.folder.mkdir()
    path = folder.folder / "state.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    answer = await open_sqlite(folder.folder, 0, crew(), 0.0)
    assert answer == StoreFault("state.db: this is not a database of the relay; move it away")
    assert version_of(path) == 0


async def test_a_command_does_not_bring_an_older_schema_up_to_date(folder):
    stores = await folder.open()
    await stores.close()
    folder.opened.clear()
    set_pragma(folder.folder / "state.db", "user_version", 0)
    answer = await open_guest(folder.folder, crew())
    assert answer == StoreFault(
        f"state.db: schema 0 is older than this relay's {STEPS['state.db']}; "
        "start the relay once to bring it up to date"
    )


def test_migration_takes_the_missing_steps_and_all_or_none(tmp_path):
    def first(connection):
        connection.execute("CREATE TABLE a (x)")

    def second(connection):
        connection.execute("ALTER TABLE a ADD COLUMN y")

    def broken(connection):
        connection.execute("CREATE TABLE b (x)")
        connection.execute("nonsense")

    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    Schema(7, (first,)).migrate(connection)
    with pytest.raises(sqlite3.OperationalError):
        Schema(7, (first, second, broken)).migrate(connection)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    Schema(7, (first, second)).migrate(connection)
    connection.execute("INSERT INTO a (x, y) VALUES (1, 2)")
    Schema(7, (first, second)).require(connection)
    assert connection.execute("PRAGMA application_id").fetchone() == (7,)
    connection.close()


async def test_a_commit_waits_for_the_disk(folder):
    stores = await folder.open()
    connection = stores.owned.databases[0]._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(QUEUE.steps),)
