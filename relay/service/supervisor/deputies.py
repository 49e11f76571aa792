"""Who accepts in the place of a worker that does not.

Connections wait in a worker's own sockets until somebody accepts them. The successor of one that
died does so within about a second. While there is none, and where a worker stands still or drains
by itself, its sockets are handed to another as well. Both accept for a moment when it is back.

Errors: none.
"""

from collections.abc import Sequence

from relay.model.clock import Clock
from relay.service.supervisor.post import Post
from relay.service.supervisor.sockets import Sockets
from relay.service.supervisor.words import Cover

PATIENCE = 3.0  # seconds without a sign that a worker accepts; there is one each second
LOOK_EACH = 1.0  # seconds


class Deputies:
    """By the number of the worker in whose place they accept."""

    def __init__(self, posts: Sequence[Post], sockets: Sockets, clock: Clock) -> None:
        self._posts = posts
        self._sockets = sockets
        self._clock = clock
        self._deputies: dict[int, Post] = {}

    async def run(self) -> None:
        """Look at all workers, for ever."""
        while True:
            await self._clock.sleep(LOOK_EACH)
            self.look()

    def look(self) -> None:
        """Find a deputy for who needs one, and let those go that are needed no more."""
        latest = self._clock.monotonic() - PATIENCE
        absent = [post for post in self._posts if post.accepted_at < latest]
        able = [post for post in self._posts if post.up and post not in absent]
        for post in self._posts:
            deputy = self._deputies.get(post.number)
            if deputy is not None and (post not in absent or deputy not in able):
                del self._deputies[post.number]
                deputy.say(Cover(number=post.number, sockets={}))
            if able and post in absent and post.number not in self._deputies:
                self._deputies[post.number] = able[post.number % len(able)]
                self._hand_over(post.number)

    def hand_over(self) -> None:
        """Give all of them the sockets that there are now."""
        for number in self._deputies:
            self._hand_over(number)

    def gone(self, number: int) -> None:
        """Know that a worker's process has ended, and with it whatever it did for others."""
        self._deputies = {
            absent: deputy for absent, deputy in self._deputies.items() if deputy.number != number
        }

    def _hand_over(self, number: int) -> None:
        told = self._sockets.told_of_own()
        self._deputies[number].say(
            Cover(number=number, sockets=told), self._sockets.of(number, told)
        )
