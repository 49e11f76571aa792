"""One worker's place, with a process that does as the test says."""

import asyncio
import socket
from dataclasses import replace

import pytest

from relay.service.snapshot import Unusable
from relay.service.supervisor.post import LONGEST, SILENT, Gone, Post, _Hired
from relay.service.supervisor.wire import Wire
from relay.service.supervisor.words import Adopt, Answered, Asked, Drain, Hurry, Told, Unfit, Up
from relay.telemetry import Metrics
from relay.web import Readiness


class Process:
    """Ends when it is told to."""

    def __init__(self):
        self.code = asyncio.get_running_loop().create_future()
        self.end = None  # the worker's end of the wire

    async def wait(self):
        return await asyncio.shield(self.code)

    def kill(self):
        self.ends(-9)

    def ends(self, code):
        if not self.code.done():
            self.code.set_result(code)
            self.hung_up = asyncio.ensure_future(self.end.close())


class Place(Post):
    """A post whose processes are the test's."""

    def __init__(self, employer, clock):
        super().__init__(3, employer, clock)
        self.hired = asyncio.Queue()
        self.processes = []

    async def _hire(self):
        words, hatch = socket.socketpair(), socket.socketpair()
        process = Process()
        process.end = await Wire.on(words[1], hatch[1])
        self.hired.put_nowait(process)
        self.processes.append(process)
        return _Hired(process, await Wire.on(words[0], hatch[0]))


class Employer:
    """Remembers what it heard."""

    def __init__(self):
        self.heard = []
        self.failures = []
        self.gone_count = 0
        self.free = True

    def told(self, number, told):
        self.heard.append((number, told))

    def gone(self, number):
        self.gone_count += 1

    async def failed(self, number, failure):
        self.failures.append(failure)

    async def may_start(self, number):
        return self.free


@pytest.fixture
def employer():
    return Employer()


@pytest.fixture
async def post(employer, clock):
    place = Place(employer, clock)
    yield place
    await place.end(1.0)
    for process in place.processes:
        process.kill()
        await process.hung_up


async def started(post):
    starting = asyncio.create_task(post.start())
    process = await post.hired.get()
    process.end.say(Up())
    await starting
    return process


TOLD = Told(accepts=True, report=Metrics().report(), readiness=Readiness(), happened=())


@pytest.mark.fake_time
async def test_who_is_up_is_heard_asked_and_told(post, employer):
    process = await started(post)
    assert post.up
    process.end.say(TOLD)
    asking = asyncio.create_task(post.ask(Asked(7, Adopt(1))))
    assert await process.end.hear() == Asked(7, Adopt(1))
    process.end.say(Answered(7, None))
    assert await asking is None
    assert employer.heard == [(3, TOLD)]
    process.kill()


@pytest.mark.fake_time
async def test_the_last_sign_that_connections_are_accepted_is_remembered(post, employer, clock):
    process = await started(post)
    await clock.sleep(5)
    process.end.say(TOLD)
    while len(employer.heard) < 1:
        await clock.sleep(0.1)
    then = post.accepted_at
    assert clock.monotonic() - then < 1
    await clock.sleep(5)
    process.end.say(replace(TOLD, accepts=False))  # it drains
    while len(employer.heard) < 2:
        await clock.sleep(0.1)
    assert post.accepted_at == then
    process.kill()


@pytest.mark.fake_time
async def test_who_cannot_start_says_why(post):
    starting = asyncio.create_task(post.start())
    process = await post.hired.get()
    process.end.say(Unfit("queue.store: slot 3 is in use by another process"))
    await process.end.said()
    process.ends(2)
    with pytest.raises(Unusable, match="slot 3 is in use"):
        await starting
    assert not post.up


@pytest.mark.fake_time
async def test_who_dies_is_followed_at_once_and_then_after_growing_pauses(post, employer, clock):
    process = await started(post)
    running = asyncio.create_task(post.run())
    asking = asyncio.create_task(post.ask(Asked(1, Adopt(1))))
    await process.end.hear()
    process.kill()
    assert await asking == Gone("worker 3 was ended by SIGKILL")
    for _ in range(9):
        follower = await post.hired.get()
        follower.ends(1)
    process = await post.hired.get()
    process.end.say(Up())
    pauses = [failure.pause for failure in employer.failures]
    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, LONGEST, LONGEST, LONGEST]
    assert [failure.in_a_row for failure in employer.failures] == list(range(1, 11))
    assert employer.failures[0].reason == "was ended by SIGKILL"
    assert employer.failures[1].reason == "ended with code 1 while it started"
    assert employer.gone_count == 10
    # One that has lived for long begins anew.
    for _ in range(5):
        await clock.sleep(20)
        process.end.say(TOLD)
    assert post.up
    process.kill()
    process = await post.hired.get()
    assert employer.failures[-1].in_a_row == 1
    await clock.sleep(1)  # until it is hired whole
    running.cancel()
    process.kill()


@pytest.mark.fake_time
async def test_who_says_nothing_for_long_is_ended(post, employer, clock):
    await started(post)
    running = asyncio.create_task(post.run())
    began = clock.monotonic()
    process = await post.hired.get()
    assert clock.monotonic() - began >= SILENT
    assert employer.failures[0].reason == "said nothing for 60 s and was ended"
    await clock.sleep(1)  # until it is hired whole
    running.cancel()
    process.kill()


@pytest.mark.fake_time
async def test_who_is_dismissed_drains_and_nobody_follows(post, employer):
    process = await started(post)
    running = asyncio.create_task(post.run())
    post.dismiss()
    assert await process.end.hear() == Drain()
    process.ends(0)
    await running
    assert await post.ended_within(1.0)
    assert employer.failures == []


@pytest.mark.fake_time
async def test_who_does_not_end_is_killed(post):
    process = await started(post)
    post.dismiss()
    assert not await post.ended_within(5.0)
    await post.end(5.0)
    assert [await process.end.hear() for _ in range(2)] == [Drain(), Hurry()]
    assert await process.wait() == -9


@pytest.mark.fake_time
async def test_a_worker_waits_for_its_slot(post, employer, clock):
    process = await started(post)
    employer.free = False
    running = asyncio.create_task(post.run())
    process.kill()
    while post.trouble != "waits for its slot, which another worker drains":
        await clock.sleep(0.1)
    assert post.hired.empty()
    employer.free = True
    process = await post.hired.get()
    await clock.sleep(1)  # until it is hired whole
    running.cancel()
    process.kill()


@pytest.mark.fake_time
async def test_an_answer_that_nobody_waits_for_any_more_hurts_nobody(post, employer):
    process = await started(post)
    asking = asyncio.create_task(post.ask(Asked(7, Adopt(1))))
    assert await process.end.hear() == Asked(7, Adopt(1))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    process.end.say(Answered(7, None))
    asking = asyncio.create_task(post.ask(Asked(8, Adopt(1))))
    assert await process.end.hear() == Asked(8, Adopt(1))
    process.end.say(Answered(8, "heard"))
    assert await asking == "heard"
    asking = asyncio.create_task(post.ask(Asked(9, Adopt(1))))
    assert await process.end.hear() == Asked(9, Adopt(1))
    asking.cancel()
    process.ends(0)
    await post._empty.wait()
    assert employer.gone_count == 1


@pytest.mark.fake_time
async def test_a_machine_that_has_no_room_for_a_process_is_asked_again_later(
    post, employer, monkeypatch
):
    process = await started(post)
    running = asyncio.create_task(post.run())
    really = post._hire
    faults = [OSError(11, "Resource temporarily unavailable")] * 2

    async def hire():
        if faults:
            raise faults.pop()
        return await really()

    monkeypatch.setattr(post, "_hire", hire)
    process.ends(1)
    again = await post.hired.get()
    again.end.say(Up())
    while not post.up:  # noqa: ASYNC110 - nobody announces it
        await asyncio.sleep(0.01)
    why = [failure.reason for failure in employer.failures]
    assert why == [
        "ended with code 1",
        *["cannot be started: Resource temporarily unavailable"] * 2,
    ]
    post.dismiss()
    again.ends(0)
    await running


@pytest.mark.fake_time
async def test_who_hangs_up_and_does_not_end_is_killed(post, employer, clock):
    process = await started(post)
    running = asyncio.create_task(post.run())
    process.hung_up = asyncio.ensure_future(process.end.close())
    await clock.sleep(1)
    assert not post.up  # and is asked nothing more
    process = await post.hired.get()
    assert employer.failures[0].reason == "was ended by SIGKILL"
    await clock.sleep(1)  # until it is hired whole
    running.cancel()
    process.kill()


@pytest.mark.fake_time
async def test_a_start_that_was_given_up_makes_nobody_deaf(post, employer, clock):
    starting = asyncio.create_task(post.start())
    process = await post.hired.get()
    await clock.sleep(1)  # until it is hired whole
    starting.cancel()
    process.end.say(Up())
    process.end.say(TOLD)
    await clock.sleep(1)
    assert employer.heard == [(3, TOLD)]
    await post.end(1.0)
    assert await process.wait() == -9


@pytest.mark.fake_time
async def test_who_says_what_cannot_be_understood_is_ended_and_followed(post, employer, clock):
    process = await started(post)
    running = asyncio.create_task(post.run())
    process.end.say("no word of a worker")
    process = await post.hired.get()
    assert employer.failures[0].reason == "was ended by SIGKILL"
    await clock.sleep(1)  # until it is hired whole
    running.cancel()
    process.kill()


@pytest.mark.fake_time
async def test_nobody_is_started_while_all_are_stopped(post, employer, clock):
    process = await started(post)
    running = asyncio.create_task(post.run())
    for _ in range(5):
        process.kill()
        process = await post.hired.get()
    process.kill()
    await clock.sleep(0.1)  # it is paused for seconds now
    post.dismiss()
    await running
    assert post.hired.empty()


@pytest.mark.fake_time
async def test_nobody_is_ended_because_all_of_us_stood_still(post, employer, clock):
    process = await started(post)
    await clock.sleep(1)
    clock.advance(10 * SILENT)
    await clock.sleep(1)
    process.end.say(TOLD)
    await clock.sleep(1)
    assert post.up
    assert employer.heard == [(3, TOLD)]
