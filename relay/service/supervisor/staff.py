"""All workers together: started, spoken to, drained; and who drains whose slot meanwhile.

Errors: `Unusable` when one of them cannot start for the first time.
"""

import asyncio
import itertools
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from relay.service.supervisor.post import Gone, Post
from relay.service.supervisor.words import (
    Adopt,
    Asked,
    Drain,
    GiveBack,
    Keep,
    Order,
    Question,
    TakeOver,
)

HOPELESS = 3  # starts in a row that failed, after which another worker drains the slot


class Staff:
    """The posts of a relay."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = posts
        self._numbers = itertools.count(1)
        self._drains: dict[int, Post] = {}  # slot → who drains it for its worker

    async def start(self) -> None:
        """Have all of them up; raises `Unusable` when one of them cannot be."""
        await asyncio.gather(*(post.start() for post in self._posts))

    async def run(self) -> None:
        """See to it that all of them stay up, until `drain`."""
        await asyncio.gather(*(post.run() for post in self._posts))

    async def drain(self, patience: float) -> int:
        """Have all of them drain; gives how many had to be ended."""
        for post in self._posts:
            post.dismiss()
        ended = await asyncio.gather(*(post.ended_within(patience) for post in self._posts))
        return ended.count(False)

    async def end(self, patience: float) -> None:
        """Have all of them end now."""
        await asyncio.gather(*(post.end(patience) for post in self._posts))

    @property
    def troubles(self) -> Iterator[str]:
        """Say which of them are not at work, and why."""
        for post in self._posts:
            if post.trouble is not None:
                yield f"worker {post.number} {post.trouble}"

    def say(self, word: Order) -> None:
        """Tell all of them."""
        for post in self._posts:
            post.say(word)

    def say_to_others(self, number: int, word: Order) -> None:
        """Tell all but one of them."""
        for post in self._posts:
            if post.number != number and post.up:
                post.say(word)

    async def take_over(
        self, word: TakeOver, sockets: Callable[[int], Iterable[socket.socket]]
    ) -> Mapping[int, object]:
        """Ask all who are at work to take settings over; gives their answers.

        `sockets` gives, by a worker's number, those of its that the word tells of.
        One that ends meanwhile has no answer to give; see `replace_all_but`.
        """
        posts = [post for post in self._posts if post.up]
        answers = await asyncio.gather(
            *(self._ask(post, word, sockets(post.number)) for post in posts)
        )
        return {
            post.number: answer
            for post, answer in zip(posts, answers, strict=True)
            if not isinstance(answer, Gone)
        }

    def replace_all_but(self, numbers: Collection[int]) -> None:
        """Have those drain who began with settings that are not in force any more.

        Those who follow them begin with what is.
        """
        for post in self._posts:
            if post.number not in numbers:
                post.say(Drain())

    async def keep(self, word: Keep) -> object | Gone:
        """Have whoever is at work put something into the queue."""
        for post in self._posts:
            if post.up:
                return await self._ask(post, word)
        return Gone("no worker is at work")

    # --- slots -----------------------------------------------------------------------------------

    def drained_by(self, number: int) -> list[int]:
        """Give the slots that a worker drains for others."""
        return [slot for slot, post in self._drains.items() if post.number == number]

    async def adopt(self, slot: int) -> None:
        """Have another worker drain a slot whose own does not start."""
        able = [post for post in self._posts if post.up and post.number != slot]
        if able:
            self._drains[slot] = able[slot % len(able)]
            await self._ask(self._drains[slot], Adopt(slot))

    async def give_back(self, slot: int) -> bool:
        """Say if a worker may have its slot; asks for it back where another drains it."""
        drains = self._drains.get(slot)
        if drains is None:
            return True
        answer = await self._ask(drains, GiveBack(slot))
        free = isinstance(answer, Gone) or bool(answer)
        if free:
            del self._drains[slot]
        return free

    async def _ask(
        self, post: Post, word: Question, sockets: Iterable[socket.socket] = ()
    ) -> object | Gone:
        return await post.ask(Asked(next(self._numbers), word), sockets)
