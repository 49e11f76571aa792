"""Who accepts for a worker that does not, with posts that say what the test wants."""

import pytest

from relay.service.supervisor.deputies import LOOK_EACH, PATIENCE, Deputies

OWN = {"127.0.0.1:25": 1}
NONE = {}


class StandIn:
    """A post that remembers what it was told, and whose sockets came with it."""

    def __init__(self, number):
        self.number = number
        self.up = True
        self.accepted_at = 0.0
        self.heard = []

    def say(self, word, sockets=()):
        self.heard.append((word.number, word.sockets, list(sockets)))


class Sockets:
    """Names in the place of sockets."""

    def __init__(self):
        self.own = dict(OWN)

    def told_of_own(self):
        return dict(self.own)

    def of(self, number, told):
        return [f"{bind} of {number}" for bind in told]


class World:
    def __init__(self, clock, workers=3):
        self.clock = clock
        self.posts = [StandIn(number) for number in range(workers)]
        self.sockets = Sockets()
        self.deputies = Deputies(self.posts, self.sockets, clock)

    async def pass_by(self, seconds, *, accepting):
        """Let time go by in which only some of the workers say that they accept."""
        for _ in range(int(seconds / LOOK_EACH)):
            await self.clock.sleep(LOOK_EACH)
            for number in accepting:
                self.posts[number].accepted_at = self.clock.monotonic()
            self.deputies.look()

    @property
    def heard(self):
        return [post.heard for post in self.posts]


@pytest.fixture
def world(clock):
    made = World(clock)
    for post in made.posts:
        post.accepted_at = clock.monotonic()
    return made


COVERS_ONE = (1, OWN, ["127.0.0.1:25 of 1"])
ONE_IS_BACK = (1, NONE, [])


async def test_a_worker_that_is_soon_followed_needs_no_deputy(world):
    await world.pass_by(PATIENCE, accepting=(0, 2))
    await world.pass_by(10, accepting=(0, 1, 2))
    assert world.heard == [[], [], []]


async def test_another_accepts_until_it_is_back(world):
    await world.pass_by(10, accepting=(0, 2))
    assert world.heard == [[], [], [COVERS_ONE]]
    await world.pass_by(10, accepting=(0, 1, 2))
    assert world.heard == [[], [], [COVERS_ONE, ONE_IS_BACK]]


async def test_a_deputy_that_fails_too_is_followed_by_another(world):
    await world.pass_by(10, accepting=(0, 2))
    await world.pass_by(10, accepting=(0,))
    assert world.heard[2] == [COVERS_ONE, ONE_IS_BACK]  # it may only stand still
    assert sorted(word[0] for word in world.heard[0]) == [1, 2]


async def test_a_deputy_that_was_started_anew_is_told_anew(world):
    await world.pass_by(10, accepting=(0, 2))
    world.posts[2].heard.clear()
    world.deputies.gone(2)
    await world.pass_by(2, accepting=(0, 2))
    assert world.heard == [[], [], [COVERS_ONE]]


async def test_who_has_just_died_is_nobodys_deputy(world):
    await world.pass_by(PATIENCE, accepting=(0, 2))
    world.posts[2].up = False
    await world.pass_by(1, accepting=(0,))
    assert world.heard == [[COVERS_ONE], [], []]


async def test_who_is_alone_has_nobody(world):
    await world.pass_by(10, accepting=())
    assert world.heard == [[], [], []]
    await world.pass_by(1, accepting=(0,))
    assert [word[0] for word in world.heard[0]] == [1, 2]


async def test_a_reload_hands_over_what_there_is_then(world):
    await world.pass_by(10, accepting=(0, 2))
    world.sockets.own["127.0.0.1:587"] = 1
    world.deputies.hand_over()
    assert world.heard[2][1:] == [
        (1, {**OWN, "127.0.0.1:587": 1}, ["127.0.0.1:25 of 1", "127.0.0.1:587 of 1"])
    ]


@pytest.mark.fake_time
async def test_workers_are_looked_at_each_second(world, monkeypatch):
    looks = []

    class EnoughError(Exception):
        pass

    def look():
        looks.append(world.clock.monotonic())
        if len(looks) == 3:
            raise EnoughError

    monkeypatch.setattr(world.deputies, "look", look)
    with pytest.raises(EnoughError):
        await world.deputies.run()
    assert [later - looks[0] for later in looks] == [0, LOOK_EACH, 2 * LOOK_EACH]
