"""Mail to the mailbox simulator comes back as events: suppression, history, a late bounce.

Over real sockets: SMTP in, the simulated SES, and its queue read as SQS.
"""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from relay_world import relaying, settings, simulated, until

from relay.model.address import Address
from relay.model.clock import SystemClock
from relay.model.ports import Subject, slot_of
from relay.model.settings import Bounces, BounceTo, Feedback, Queue, SqliteStore, SqsQueue
from relay.simulator import Fate, Publishing, Scripted
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest

SIM = "simulator.amazonses.com"


def queue_of(url):
    return Feedback(sqs=(SqsQueue(queue_url=f"{url}/123456789012/events"),))


@asynccontextmanager
async def learning(folder, **changes):
    """A relay that reads the simulator's queue."""
    async with simulated() as ses:
        given = {
            "feedback": queue_of(ses.url),
            "queue": Queue(store=SqliteStore(folder), wait=5.0, backoff_min=0.02, backoff_max=0.1),
        }
        async with relaying(settings(ses.url, **{**given, **changes})) as world:
            yield ses, world


async def trace(folder, what):
    """Look back as `ses-relay trace` does."""
    shared = await open_guest(folder, Crew.inline(Files(), SystemClock()))
    try:
        return {event.event for event in await shared.history.trace(what, 100)}
    finally:
        await shared.close()


async def report(folder):
    """Count as `ses-relay report` does."""
    clock = SystemClock()
    shared = await open_guest(folder, Crew.inline(Files(), clock))
    try:
        day_before = slot_of(clock.now() - timedelta(days=1))
        return await shared.tallies.summed(Subject.USER, day_before)
    finally:
        await shared.close()


TAGS, IDENTITY = "configuration_set", "identity"


@pytest.mark.parametrize(
    ("mailbox", "form", "events", "suppressed"),
    [
        ("success", TAGS, ["feedback.delivery"], None),
        ("bounce", TAGS, ["feedback.bounce"], "bounce"),
        ("bounce", IDENTITY, ["feedback.bounce"], "bounce"),
        ("complaint", TAGS, ["feedback.complaint", "feedback.delivery"], "complaint"),
        ("ooto", TAGS, ["feedback.bounce", "feedback.delivery"], None),
        ("suppressionlist", TAGS, ["feedback.bounce"], "ses_global_list"),
    ],
)
async def test_what_happens_at_ses_is_known_here(tmp_path, mailbox, form, events, suppressed):
    recipient = f"{mailbox}+x@{SIM}"
    async with learning(tmp_path / "store") as (ses, world):
        ses.simulator.service.publisher.change(
            Publishing(format=form, wrapped=form == "identity", copies=2, shuffled=True)
        )
        reply = await world.send(recipients=(recipient,))
        ses_id = reply.split()[-1]
        for event in events:
            await world.logged(event, ses_message_id=ses_id, user="local")
        await until(lambda: not len(ses.simulator.service.publisher.queue))
        assert [len(world.lines(event)) for event in events] == [1] * len(events)
        [relayed] = world.lines("message.relayed")
        assert {line["queue_id"] for name in events for line in world.lines(name)} == {
            relayed["queue_id"]
        }
        async with world.line() as line:
            await line.say("MAIL FROM:<a@example.com>")
            answer = await line.say(f"RCPT TO:<{recipient}>")
        if suppressed is None:
            assert answer.startswith("250")
        else:
            assert answer == f"550 5.1.1 {recipient} is on the suppression list ({suppressed})"
    traced = await trace(tmp_path / "store", ses_id)
    assert {"message.received", "message.relayed", *events} <= traced
    assert set(events) <= await trace(tmp_path / "store", recipient)


async def test_the_sender_hears_of_a_bounce_that_comes_late(tmp_path):
    bounces = Bounces(to=BounceTo.SENDER, from_=Address("postmaster", "example.com"))
    async with learning(tmp_path / "store", bounces=bounces) as (ses, world):
        ses.simulator.service.publisher.change(Publishing(format="configuration_set"))
        gone = Fate(
            kind="Bounce",
            type="Permanent",
            subtype="General",
            status="5.2.1",
            diagnostic="smtp; 550 5.2.1 mailbox disabled",
        )
        ses.simulator.service.publisher.fates.add(Scripted(recipient="gone@example.org", fate=gone))
        await world.send(recipients=("gone@example.org",))
        await until(lambda: len(ses.messages) == 2)
        report = ses.messages[1]
        assert (report.source, report.destinations) == (
            "postmaster@example.com",
            ("a@example.com",),
        )
        for line in (
            b"Final-Recipient: rfc822; gone@example.org",
            b"Action: failed",
            b"Status: 5.2.1",
            b"550 5.2.1 mailbox disabled",
            b"Content-Type: text/rfc822-headers",
            b"Subject: Hello",
        ):
            assert line in report.raw, line
        await until(lambda: not len(ses.simulator.service.publisher.queue))


async def test_what_came_back_is_reported_by_user(tmp_path):
    async with learning(tmp_path / "store") as (ses, world):
        ses.simulator.service.publisher.change(Publishing(format="configuration_set"))
        gone = Fate(kind="Bounce", type="Permanent", subtype="General")
        ses.simulator.service.publisher.fates.add(Scripted(recipient="gone@example.org", fate=gone))
        await world.send(recipients=("gone@example.org", "here@example.org"))
        await world.logged("feedback.bounce", user="local")
        await until(lambda: not len(ses.simulator.service.publisher.queue))
    [local] = await report(tmp_path / "store")
    assert (local.name, local.messages, local.relayed) == ("local", 1, 2)
    assert (local.bounced, local.complained) == (1, 0)
