"""Questions that come together are asked together, and each hears its own answer."""

import asyncio

import pytest

from relay.stores.postgresql.batches import Batches


class Asked:
    """Remembers what was asked together, and doubles numbers but for the odd one."""

    def __init__(self):
        self.batches = []

    async def __call__(self, questions):
        self.batches.append(list(questions))
        await asyncio.sleep(0)
        if 13 in questions:
            raise ValueError("13")
        return [2 * question for question in questions]


async def test_what_comes_at_once_goes_together_and_in_bounded_batches():
    asked = Asked()
    batches = Batches(asked, int)
    answers = await asyncio.gather(*map(batches.ask, range(100, 300)))
    assert answers == list(range(200, 600, 2))
    assert [len(batch) for batch in asked.batches] == [64, 64, 64, 8]


async def test_one_that_fails_does_not_hurt_the_others():
    asked = Asked()
    batches = Batches(asked, int)
    answers = await asyncio.gather(*map(batches.ask, (12, 13, 14)), return_exceptions=True)
    assert answers[::2] == [24, 28]
    with pytest.raises(ValueError, match="13"):
        raise answers[1]
    assert asked.batches == [[12, 13, 14], [12], [13], [14]]


async def test_two_questions_about_the_same_thing_never_stand_in_one_batch():
    asked = Asked()
    batches = Batches(asked, lambda question: question % 10)
    assert await asyncio.gather(*map(batches.ask, (1, 11, 2, 21))) == [2, 22, 4, 42]
    assert asked.batches == [[1, 2], [11], [21]]


async def test_who_gives_up_is_asked_for_all_the_same():
    asked = Asked()
    batches = Batches(asked, int)
    asking = asyncio.create_task(batches.ask(7))
    await asyncio.sleep(0)
    asking.cancel()
    await batches.idle()
    assert asked.batches == [[7]]
