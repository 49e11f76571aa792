"""A folder that an older relay has left is taken over as it is: every entry, every count.

The first schema of a queue had its counts written by the relay, beside each entry; the second has
them kept by the file itself. The state had taken three steps by then.
"""

import sqlite3
from dataclasses import replace

from stored import AT, KEY, later, new

from relay.model.custody import Selection
from relay.model.entry import Held, RequestState
from relay.model.ports import QueueKey
from relay.model.settings import Lane
from relay.stores.sqlite import counts, rows
from relay.stores.sqlite.incoming import small_rows
from relay.stores.sqlite.schema import QUEUE, STATE, Schema

BULK = QueueKey("default", Lane.BULK, "letters")


def changed(one, **changes):
    return replace(one, entry=replace(one.entry, **changes))


def in_flight(one):
    requests = tuple(replace(known, state=RequestState.IN_FLIGHT) for known in one.entry.requests)
    return changed(one, requests=requests, lease_until=later(900))


WAITING, LEASED = new("waiting"), in_flight(new("leased"))
HELD = changed(new("held"), held=Held(reason="a test", until=None))
LEASED_AND_HELD = changed(in_flight(new("both")), held=HELD.entry.held)
LETTER = new("letter", BULK)


def made(path, schema, steps):
    """Make a file as a relay with so few steps did."""
    connection = sqlite3.connect(path, isolation_level=None)
    Schema(schema.mark, schema.steps[:steps]).migrate(connection)
    return connection


def old_folder(folder):
    """Make a folder as the relay of the first schema of a queue left it, killed at its work."""
    folder.mkdir()
    queue = made(folder / "queue-0.db", QUEUE, 1)
    for key, entries, (waiting, leased, held) in (
        (KEY, [WAITING, LEASED, HELD, LEASED_AND_HELD], (1, 2, 1)),
        (BULK, [LETTER], (1, 0, 0)),
    ):
        counts.open_key(queue, key)
        rows.insert(queue, small_rows(entries))
        octets = sum(one.content.size for one in entries)
        queue.execute(
            "UPDATE keys SET waiting = ?, leased = ?, held = ?, octets = ? WHERE user = ?",
            (waiting, leased, held, octets, key.user),
        )
    queue.close()
    state = made(folder / "state.db", STATE, 3)
    state.execute(
        "INSERT INTO holds (kind, name, route, reason, since) VALUES ('user', 'x', '', 'why', 0)"
    )
    state.close()


def kept(folder):
    """Give what the file counts, and what really is in it, by user."""
    connection = sqlite3.connect(folder / "queue-0.db")
    counted = connection.execute(
        "SELECT user, waiting, leased, held, octets FROM keys ORDER BY user"
    ).fetchall()
    really = connection.execute(
        "SELECT user, coalesce(sum(lease_until IS NULL AND NOT entries.held), 0),"
        " count(lease_until), coalesce(sum(lease_until IS NULL AND entries.held), 0),"
        " coalesce(sum(size), 0)"
        " FROM keys LEFT JOIN entries USING (key) GROUP BY user ORDER BY user"
    ).fetchall()
    connection.close()
    return counted, really


def agreed(folder):
    counted, really = kept(folder)
    assert counted == really
    return {user: numbers[:3] for user, *numbers in counted}


async def test_a_folder_of_the_first_schema_is_counted_right_from_its_start_to_its_last_entry(
    folder,
):
    old_folder(folder.folder)
    stores = await folder.open()
    queue = stores.queue
    assert agreed(folder.folder) == {"tickets": [1, 2, 1], "letters": [1, 0, 0]}
    assert queue.usage.messages == 5
    assert await queue.recover(lambda entry: replace(entry, lease_until=None)) == 2
    assert agreed(folder.folder) == {"tickets": [2, 0, 2], "letters": [1, 0, 0]}
    lines = {line.key: (line.waiting, line.held) for line in await queue.backlog()}
    assert lines == {KEY: (2, 2), BULK: (1, 0)}

    claimed = await queue.claim({KEY: 9, BULK: 9}, AT, later(900))
    assert {entry.id for entry in claimed} == {"waiting", "leased", "letter"}
    assert agreed(folder.folder) == {"tickets": [0, 2, 2], "letters": [0, 1, 0]}
    for entry in claimed:
        done = tuple(replace(known, state=RequestState.RELAYED) for known in entry.requests)
        await queue.record(replace(entry, requests=done, lease_until=None), [new(f"{entry.id}-2")])
    assert agreed(folder.folder) == {"tickets": [3, 0, 2], "letters": [0, 0, 0]}
    assert queue.usage.messages == 5
    assert [hold.scope.name for hold in await stores.shared.holds.holds(AT)] == ["x"]


async def test_a_folder_of_the_first_schema_is_counted_right_for_an_operator(folder):
    old_folder(folder.folder)
    stores = await folder.open()
    guest = await folder.guest()
    everything = Selection()
    assert len(await guest.control.select(everything, later(1_000), 9)) == 5
    released = await guest.control.release(everything, later(1_000))
    assert set(released.ids) == {"held", "both"}
    assert agreed(folder.folder) == {"tickets": [3, 1, 0], "letters": [1, 0, 0]}
    assert set((await guest.control.drop(everything, later(1_000))).ids) == {
        "waiting",
        "leased",
        "held",
        "both",
        "letter",
    }
    assert agreed(folder.folder) == {"tickets": [0, 0, 0], "letters": [0, 0, 0]}
    assert await stores.queue.put([new("again")]) is None
    assert agreed(folder.folder) == {"tickets": [1, 0, 0], "letters": [0, 0, 0]}
