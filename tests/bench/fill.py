"""Fill a store's folder, as a relay that has run for long has: `fill.py FOLDER WHAT COUNT`.

WHAT is `queue` (entries that are due tomorrow), `history` (events of today) or `suppression`.
"""

# ruff: noqa: E402 - the script finds the package and the tests' own modules first

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from stored import KEY, an_entry, new

from relay.model.clock import SystemClock
from relay.model.ports import NewEntry, StoreFault, Suppressed
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

BODY = b"0123456789" * 400


async def queue(stores, numbers, now):
    content = new("any", body=BODY).content
    entries = [
        replace(
            an_entry(f"m{number}", KEY, now + timedelta(days=1)),
            expires_at=now + timedelta(days=4),
        )
        for number in numbers
    ]
    assert await stores.queue.put([NewEntry(entry=one, content=content) for one in entries]) is None


async def history(stores, numbers, now):
    for number in numbers:
        stores.shared.history.note(
            "message.relayed",
            now - timedelta(seconds=number % 80_000),
            {
                "queue_id": f"m{number // 2}",
                "user": "tickets",
                "sender": "alice@example.com",
                "recipients": [f"r{number // 2}@example.net"],
                "message_id": f"<m{number // 2}@example.com>",
                "ses_message_id": f"s{number // 2}",
            },
        )


async def suppression(stores, numbers, now):
    batch = [
        Suppressed(address=f"u{number}@example.org", reason="bounce", since=now)
        for number in numbers
    ]
    assert not isinstance(await stores.shared.suppression.suppress(batch), StoreFault)


async def main(folder, what, count):
    clock = SystemClock()
    fill = {"queue": queue, "history": history, "suppression": suppression}[what]
    for start in range(0, count, 1000):
        # Only so many notes of history may wait; all of them are written when the store closes.
        stores = await open_sqlite(Path(folder), 0, Crew.threads(Files(), clock), 30 * 86400.0)
        assert not isinstance(stores, StoreFault), stores
        await fill(stores, range(start, min(start + 1000, count)), clock.now())
        await stores.close()
        assert stores.shared.history.lost == 0, stores.shared.history.last_loss


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
