"""Rotten rows and files are found, set aside whole, counted, and stop nobody."""

import sqlite3

import pytest
from stored import AT, KEY, later, new

from relay.model.ports import Corrupt, Stale, StoreFault

LARGE = b"x" * 200_000


def alter(folder, statement, *values):
    connection = sqlite3.connect(folder.folder / "queue-0.db")
    with connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


def corrupt_rows(folder):
    connection = sqlite3.connect(folder.folder / "queue-0.db")
    found = connection.execute("SELECT id, reason, progress, message, file FROM corrupt").fetchall()
    connection.close()
    return found


async def claim(queue):
    return await queue.claim({KEY: 9}, AT, later(60))


DAMAGE = {
    "message": ("UPDATE messages SET message = x'00' WHERE seq = 1", "cut short"),
    "bits": (
        "UPDATE messages SET message = replace(message, 'alice', 'malic') WHERE seq = 1",
        "the checksum does not fit",
    ),
    "progress": ("UPDATE entries SET progress = x'' WHERE seq = 1", "cut short"),
    "swapped": (
        "UPDATE entries SET progress = (SELECT progress FROM entries WHERE seq = 2) WHERE seq = 1",
        "its parts belong to different entries",
    ),
    "gone": ("DELETE FROM messages WHERE seq = 1", "its message is missing"),
    "lease": (
        "UPDATE entries SET lease_until = 1 << 62 WHERE seq = 1",
        "its lease ends beyond all time",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_rotten_entry_is_set_aside_at_claim(folder, name):
    statement, reason = DAMAGE[name]
    queue = (await folder.open()).queue
    await queue.put([new("rotten", body=LARGE), new("sound")])
    if name == "bits":
        statement = statement.replace("replace(message", "CAST(replace(message").replace(
            "'malic')", "'malic') AS BLOB)"
        )
    alter(folder, statement)
    rotten, sound = await claim(queue)
    assert rotten == Corrupt("rotten", reason)
    assert sound.id == "sound"
    assert (queue.usage.messages, queue.usage.corrupt) == (1, 1)
    [row] = corrupt_rows(folder)
    assert row[:2] == ("rotten", reason)
    assert row[2] is not None
    if name != "gone":
        assert (folder.folder / "bodies-0" / row[4]).read_bytes().endswith(LARGE)
    assert await claim(queue) == []
    again = (await folder.after_a_crash()).queue
    assert again.usage == queue.usage
    assert len(list((folder.opened[-1].owned.slot.places.folder / "bodies-0").iterdir())) == (
        name != "gone"
    )


@pytest.mark.parametrize("octets", [b"", b"short", b"\0" * 200_008])
async def test_a_rotten_body_is_set_aside_when_it_is_fetched(folder, octets):
    queue = (await folder.open()).queue
    await queue.put([new("a", body=LARGE)])
    [entry] = await claim(queue)
    [body] = (folder.folder / "bodies-0").iterdir()
    body.write_bytes(octets)
    assert isinstance(await queue.content("a"), Corrupt)
    assert body.read_bytes() == octets
    assert queue.usage.corrupt == 1
    assert await queue.record(entry) == Stale(0)


async def test_a_body_that_is_missing_is_damage(folder):
    queue = (await folder.open()).queue
    await queue.put([new("a", body=LARGE)])
    [body] = (folder.folder / "bodies-0").iterdir()
    body.unlink()
    damage = await queue.content("a")
    assert damage == Corrupt("a", f"its body bodies-0/{body.name} is missing")


async def test_a_content_that_is_missing_or_rotten_in_its_row_is_damage(folder):
    queue = (await folder.open()).queue
    await queue.put([new("a"), new("b")])
    alter(folder, "UPDATE messages SET content = NULL WHERE seq = 1")
    alter(folder, "UPDATE messages SET content = x'53520100' WHERE seq = 2")
    assert await queue.content("a") == Corrupt("a", "its content is missing")
    assert await queue.content("b") == Corrupt("b", "cut short")
    assert await queue.content("a") == StoreFault("a is not in the queue")
    assert queue.usage.corrupt == 2


async def test_an_attempt_that_finds_its_content_rotten_sets_the_entry_aside(folder):
    queue = (await folder.open()).queue
    await queue.put([new("a"), new("b", body=LARGE)])
    entries = await claim(queue)
    alter(folder, "UPDATE messages SET content = x'53520100' WHERE seq = 1")
    [body] = (folder.folder / "bodies-0").iterdir()
    body.unlink()
    found = [(await queue.begin(entry)).content for entry in entries]
    assert found[0] == Corrupt("a", "cut short")
    assert found[1] == Corrupt("b", f"its body bodies-0/{body.name} is missing")
    assert (queue.usage.messages, queue.usage.corrupt) == (0, 2)


async def test_a_rotten_entry_that_was_in_flight_is_set_aside_at_the_start(folder):
    first = (await folder.open()).queue
    await first.put([new("a"), new("b")])
    await claim(first)
    alter(folder, "UPDATE entries SET progress = x'00' WHERE seq = 1")
    second = (await folder.after_a_crash()).queue
    assert await second.recover(lambda entry: entry) == 0
    assert (second.usage.messages, second.usage.corrupt) == (1, 1)
    assert [one.id for one in await claim(second)] == ["b"]


async def test_a_malformed_page_is_a_fault_for_those_who_need_it(folder):
    stores = await folder.open()
    await stores.queue.put([new(f"m{number}") for number in range(200)])
    await stores.close()
    folder.opened.clear()
    path = folder.folder / "queue-0.db"
    connection = sqlite3.connect(path)
    page = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'entries_ready'"
    ).fetchone()[0]
    connection.close()
    octets = bytearray(path.read_bytes())
    octets[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(octets)
    queue = (await folder.open()).queue
    answer = await claim(queue)
    assert isinstance(answer, StoreFault)
    assert "malformed" in answer.reason
    assert queue.usage.messages == 200
    assert (await queue.content("m7")).body == b"Hello\r\n"
