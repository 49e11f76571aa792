"""The history is cut to its length piece by piece, with room for mail between."""

import asyncio

import pytest

from relay.model.ports import StoreFault
from relay.service.forgetting import LOOK_EACH, PAUSE, Forgetting


class Past:
    """A history with so many pieces to forget."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.asked = []

    async def forget(self, now):
        self.asked.append(now)
        return self.pieces.pop(0) if self.pieces else 0


@pytest.mark.fake_time
async def test_pieces_follow_each_other_and_then_there_is_a_rest(clock):
    past = Past(2_000, 7, 0, StoreFault("disk full"), 2_000)
    running = asyncio.create_task(Forgetting(past, clock).run())
    await clock.sleep(3 * LOOK_EACH)
    running.cancel()
    began = past.asked[0]
    asked = [round((at - began).total_seconds(), 3) for at in past.asked]
    assert asked[:5] == [0, PAUSE, 2 * PAUSE, 2 * PAUSE + LOOK_EACH, 2 * PAUSE + 2 * LOOK_EACH]
