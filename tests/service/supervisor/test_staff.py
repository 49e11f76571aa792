"""Who is asked, and who drains the slot of a worker that does not start."""

import pytest

from relay.service.supervisor.post import Gone
from relay.service.supervisor.staff import Staff
from relay.service.supervisor.words import Adopt, Drain, GiveBack, Keep, Looked, TakeOver


class StandIn:
    """A post that answers as it is told to."""

    def __init__(self, number):
        self.number = number
        self.trouble = None
        self.answers = {}
        self.heard = []

    @property
    def up(self):
        return self.trouble is None

    def say(self, word):
        self.heard.append(word)

    async def ask(self, asked, sockets):
        self.heard.append(asked.word)
        self.handed = list(sockets)
        return self.answers.get(type(asked.word))


@pytest.fixture
def posts():
    return [StandIn(number) for number in range(3)]


async def test_a_slot_is_drained_by_another_until_it_is_given_back(posts):
    staff = Staff(posts)
    posts[1].trouble = "was ended by SIGKILL"
    await staff.adopt(1)
    [by] = [post for post in posts if post.heard]
    assert by.number != 1
    assert by.heard == [Adopt(1)]
    assert staff.drained_by(by.number) == [1]
    by.answers[GiveBack] = False  # some of it is in work
    assert not await staff.give_back(1)
    by.answers[GiveBack] = True
    assert await staff.give_back(1)
    assert staff.drained_by(by.number) == []
    assert await staff.give_back(1)  # nobody has it


async def test_a_slot_whose_drainer_has_died_is_free(posts):
    staff = Staff(posts)
    posts[1].trouble = "was ended by SIGKILL"
    await staff.adopt(1)
    [by] = [post for post in posts if post.heard]
    by.answers[GiveBack] = Gone("worker 0 was ended by SIGKILL")
    assert await staff.give_back(1)


async def test_nobody_drains_a_slot_where_nobody_is_at_work(posts):
    staff = Staff(posts)
    for post in posts:
        post.trouble = "was ended by SIGKILL"
    await staff.adopt(1)
    assert await staff.give_back(1)
    assert not any(post.heard for post in posts)


async def test_settings_are_taken_over_by_all_who_are_at_work(posts):
    staff = Staff(posts)
    word = TakeOver(settings=None, sockets={})
    posts[0].trouble = "is starting"
    posts[1].answers[TakeOver] = "listeners: 127.0.0.1:25: Permission denied"
    posts[2].answers[TakeOver] = Gone("worker 2 was ended by SIGKILL")  # meanwhile
    answers = await staff.take_over(word, lambda number: [f"socket of {number}"])
    assert answers == {1: "listeners: 127.0.0.1:25: Permission denied"}
    assert posts[0].heard == []
    assert posts[1].handed == ["socket of 1"]
    staff.replace_all_but(answers.keys())
    assert posts[0].heard == [Drain()]
    assert posts[1].heard == [word]


async def test_what_feedback_causes_is_kept_by_whoever_is_at_work(posts):
    staff = Staff(posts)
    posts[0].trouble = "is starting"
    assert await staff.keep(Keep(())) is None
    assert posts[1].heard == [Keep(())]
    for post in posts:
        post.trouble = "is starting"
    assert await staff.keep(Keep(())) == Gone("no worker is at work")


def test_all_are_told_and_all_troubles_are_named(posts):
    staff = Staff(posts)
    staff.say(Looked("default", None))
    assert all(post.heard == [Looked("default", None)] for post in posts)
    posts[2].trouble = "is starting"
    assert list(staff.troubles) == ["worker 2 is starting"]


def test_what_one_says_is_passed_on_to_the_others(posts):
    staff = Staff(posts)
    posts[2].trouble = "is starting"
    staff.say_to_others(0, Looked("default", None))
    assert [post.heard for post in posts] == [[], [Looked("default", None)], []]
