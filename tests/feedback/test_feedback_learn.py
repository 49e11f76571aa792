"""What one event changes, however often and in whatever order it comes."""

import itertools
from datetime import timedelta

import pytest
import said
from fakes import START
from feedback_world import ON, World, X

from relay.feedback.events import Unreadable
from relay.model.address import Address
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.ports import StoreFault, Suppressed
from relay.model.settings import Suppression

EVENT = START + timedelta(seconds=30)


def kinds(world):
    return [name for name, _ in world.log if name.startswith(("feedback", "suppression"))]


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path / "store") as world:
        yield world


async def test_a_hard_bounce_suppresses_is_told_and_counted(world):
    await world.relayed(ses_id=said.SES_ID)
    await world.learn(said.bounce())
    assert await world.listed() == [
        Suppressed(
            address="x@example.org",
            reason="bounce",
            since=EVENT,
            note=f"Permanent/General, SES message {said.SES_ID}",
        )
    ]
    [line] = world.log.named("feedback.bounce")
    assert line == {
        "queue_id": "q1",
        "user": "tickets",
        "route": "default",
        "ses_message_id": said.SES_ID,
        "kind": "Permanent/General",
        "detail": "smtp; 550 5.1.1 nobody here",
        "recipients": ["x@example.org"],
    }
    assert {(t.subject, t.name, t.bounced) for t in await world.tallied()} == {
        ("user", "tickets", 1),
        ("route", "default", 1),
    }


async def test_the_tags_attribute_an_event_where_the_history_was_lost(world):
    await world.learn(
        said.bounce(tags={"relay-queue-id": "q7", "relay-user": "web_shop", "app": "a"})
    )
    [line] = world.log.named("feedback.bounce")
    assert (line["queue_id"], line["user"]) == ("q7", "web shop")
    tallied = {(t.subject, t.name) for t in await world.tallied()}
    assert tallied == {("user", "web shop"), ("tag", "app=a")}


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        (said.bounce("Permanent/Suppressed"), ("ses_global_list", EVENT + timedelta(days=14))),
        (said.bounce("Permanent/OnAccountSuppressionList"), ("ses_account_list", None)),
        (said.bounce("Permanent/EmailValidationSuppressed"), None),
        (said.bounce("Permanent/UnsubscribedRecipient"), None),
        (said.bounce("Transient/General"), None),
        (said.bounce("Transient/MailboxFull"), None),
        (said.bounce("Undetermined/Undetermined"), None),
        (said.complaint(), ("complaint", None)),
        (said.complaint(feedback="not-spam"), None),
        (said.complaint(subtype="OnAccountSuppressionList"), ("complaint", None)),
        (said.complaint(subtype="OnTenantSuppressionList"), None),
        (said.complaint("x@example.org", "y@example.org"), None),
        (said.delivery(), None),
        (said.event("Reject", {"reason": "Bad content"}), None),
    ],
)
async def test_each_kind_suppresses_as_its_row_says(world, text, listed):
    await world.learn(text)
    assert [(one.reason, one.until) for one in await world.listed()] == ([listed] if listed else [])


async def test_full_mailboxes_suppress_where_the_operator_wants_it(world):
    world.change(suppression=Suppression(soft_bounces=2))
    await world.learn(said.bounce("Transient/MailboxFull", feedback_id="A"))
    assert await world.listed() == []
    await world.learn(said.bounce("Transient/MailboxFull", feedback_id="B", at=said.SENT))
    [one] = await world.listed()
    assert (one.reason, one.until) == ("mailbox_full", EVENT + timedelta(days=30))
    assert world.log.named("suppression.added") == [
        {"reason": "mailbox_full", "by": "feedback", "recipients": ["x@example.org"]}
    ]


async def test_nothing_is_suppressed_where_the_list_is_off(world):
    world.change(suppression=Suppression(enabled=False, soft_bounces=1))
    await world.learn(said.bounce(), said.bounce("Transient/MailboxFull", feedback_id="B"))
    assert await world.listed() == []
    assert len(world.log.named("feedback.bounce")) == 2


async def test_delivery_delay_and_virus_are_told(world):
    await world.learn(
        said.delivery(),
        said.event(
            "DeliveryDelay",
            {
                "delayType": "MailboxFull",
                "delayedRecipients": [{"emailAddress": "x@example.org"}],
                "timestamp": said.AT,
            },
        ),
        said.event("Reject", {"reason": "Bad content"}),
    )
    assert kinds(world) == ["feedback.delivery", "feedback.delay", "feedback.reject"]
    assert world.log[-1][1]["recipients"] == ["x@example.org"]


async def test_what_concerns_nobody_and_what_is_junk_change_nothing(world):
    assert await world.learner.learn('{"eventType": "Open"}') is None
    assert isinstance(await world.learner.learn("junk"), Unreadable)
    assert world.log == []


STORY = (
    said.bounce("Permanent/Suppressed", feedback_id="1"),
    said.bounce("Permanent/General", feedback_id="2", at=said.SENT),
    said.complaint(feedback_id="3"),
    said.delivery(),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::4])
async def test_events_twice_and_in_any_order_give_the_same_state(tmp_path, order):
    async with World(tmp_path / "once") as once:
        await once.learn(*STORY)
        expected = await once.listed(), await once.tallied(), sorted(kinds(once)[-1:])
    async with World(tmp_path / "store") as world:
        for place in order:
            await world.learn(STORY[place], STORY[place])
        await world.learn(*STORY)
        assert (await world.listed(), await world.tallied()) == expected[:2]
        assert sorted(kind for kind in kinds(world) if kind.startswith("feedback")) == [
            "feedback.bounce",
            "feedback.bounce",
            "feedback.complaint",
            "feedback.delivery",
        ]


# --- Earlier than our own record -----------------------------------------------------------------


async def test_an_event_before_our_record_waits_and_is_matched_over_a_restart(tmp_path):
    async with World(tmp_path / "store") as world:
        await world.learn(said.bounce(tags=None))
        assert len(await world.listed()) == 1  # certain without knowing whose mail it was
        assert world.log.named("feedback.bounce") == []
        assert await world.tallied() == []
    async with World(tmp_path / "store") as world:
        world.clock.advance(5)
        await world.learner.look_again()
        assert world.log.named("feedback.bounce") == []
        await world.relayed(ses_id=said.SES_ID)
        await world.learner.look_again()
        assert world.log.named("feedback.bounce") == []  # it is not its time yet
        world.clock.advance(25)
        await world.learner.look_again()
        [line] = world.log.named("feedback.bounce")
        assert (line["queue_id"], line["user"]) == ("q1", "tickets")
        assert {t.bounced for t in await world.tallied()} == {1}
        world.clock.advance(9999)
        await world.learner.look_again()
        assert len(world.log.named("feedback.bounce")) == 1


async def test_a_delivery_before_our_record_waits_too_and_is_told_once(world):
    await world.learn(said.delivery(tags=None))
    await world.relayed(ses_id=said.SES_ID)
    world.clock.advance(5)
    await world.learner.look_again()
    await world.learn(said.delivery(tags=None))
    [line] = world.log.named("feedback.delivery")
    assert line["queue_id"] == "q1"


async def test_an_event_of_foreign_mail_is_told_in_the_end(world):
    await world.learn(said.bounce(tags=None))
    for seconds in (5, 25, 270, 3300):
        assert world.log.named("feedback.bounce") == []
        world.clock.advance(seconds)
        await world.learner.look_again()
    [line] = world.log.named("feedback.bounce")
    assert "queue_id" not in line
    assert await world.tallied() == []
    assert await world.shared.lessons.waiting(START.replace(year=2030), 9) == []


# --- The sender hears of it ----------------------------------------------------------------------

HEADERS = (
    ("From", "t@example.com"),
    ("Subject", "Zahlungserinnerung für\r\n dich"),
    ("Message-ID", "<1@example.com>"),
    ("Bad Name", "x"),
    ("X-Long", "x" * 2000),
)


async def test_a_late_bounce_is_reported_with_what_the_sender_asked(world):
    world.change(bounces=ON)
    dsn = {"envid": "E1", "recipients": {"x@example.org": {"notify": "FAILURE"}}}
    await world.relayed("x@example.org", "y@example.org", ses_id=said.SES_ID, dsn=dsn)
    await world.learn(said.bounce(destinations=("x@example.org", "y@example.org"), headers=HEADERS))
    [(message, refusal)] = world.post.kept
    assert refusal.recipients == (X,)
    assert str(refusal.reply) == "550 5.1.1 The address was refused: 550 5.1.1 nobody here"
    assert message.recipients == (Recipient(X, frozenset({Notify.FAILURE})),)
    assert (message.id, message.user, message.route) == ("q1", "tickets", "default")
    assert message.sender == Address("t", "example.com")
    assert (message.ret, message.envid, message.reports) == (Ret.HEADERS, "E1", True)
    assert message.message_id == "<1@example.com>"
    assert message.content.header.decode() == (
        "From: t@example.com\r\nSubject: Zahlungserinnerung für dich\r\n"
        "Message-ID: <1@example.com>\r\n"
    )
    assert await world.shared.lessons.waiting(START.replace(year=2030), 9) == []
    await world.learn(said.bounce(headers=HEADERS))
    assert len(world.post.kept) == 1


async def test_a_virus_is_reported_for_all_recipients(world):
    world.change(bounces=ON)
    await world.relayed("x@example.org", "y@example.org", ses_id=said.SES_ID)
    both = ("x@example.org", "y@example.org")
    await world.learn(said.event("Reject", {"reason": "Bad content"}, destinations=both))
    assert [str(refusal.recipients[0]) for _, refusal in world.post.kept] == list(both)
    assert world.post.kept[0][0].content.fields  # something to return, though nothing was kept


async def test_a_report_waits_for_our_record(world):
    world.change(bounces=ON)
    await world.learn(said.bounce())
    assert world.post.kept == []
    await world.relayed(ses_id=said.SES_ID)
    world.clock.advance(5)
    await world.learner.look_again()
    assert len(world.post.kept) == 1
    assert {t.bounced for t in await world.tallied()} == {1}


async def test_a_report_that_cannot_be_kept_is_tried_again_and_counts_once(world):
    world.change(bounces=ON)
    await world.relayed(ses_id=said.SES_ID)
    world.post.fault = StoreFault("disk full")
    await world.learn(said.bounce())
    world.clock.advance(60)
    await world.learner.look_again()
    assert [line["reason"] for line in world.log.named("store.fault")] == ["disk full"] * 2
    world.post.fault = None
    world.clock.advance(60)
    await world.learner.look_again()
    assert len(world.post.kept) == 1
    assert {t.bounced for t in await world.tallied()} == {1}
    assert len(world.log.named("feedback.bounce")) == 1


async def test_a_waiting_event_that_trips_a_bug_does_not_stop_the_others(world, monkeypatch):
    world.change(bounces=ON)
    for number in (1, 2):
        whom = f"x{number}@example.org"
        await world.learn(said.bounce("Permanent/General", whom, feedback_id=whom))
    await world.relayed("x1@example.org", "x2@example.org", ses_id=said.SES_ID)
    as_ever = world.post.failed

    async def trips(message, refusal):
        if "x1@example.org" in map(str, refusal.recipients):
            raise RuntimeError("a bug")
        return await as_ever(message, refusal)

    monkeypatch.setattr(world.post, "failed", trips)
    world.clock.advance(5)
    assert await world.learner.look_again() is None
    assert [str(refusal.recipients[0]) for _, refusal in world.post.kept] == ["x2@example.org"]
    monkeypatch.setattr(world.post, "failed", as_ever)
    world.clock.advance(3600)
    await world.learner.look_again()
    assert len(world.post.kept) == 2


async def test_no_report_answers_a_report(world):
    world.change(bounces=ON)
    await world.relayed(ses_id=said.SES_ID, sender="<>")
    await world.learn(said.bounce())
    assert [message.reports for message, _ in world.post.kept] == [False]


# --- The store fails -----------------------------------------------------------------------------


async def test_an_event_that_the_store_cannot_take_is_brought_again(world, monkeypatch):
    async def ill(*_given):
        return StoreFault("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(type(world.shared.lessons), "learn", ill)
        assert await world.learner.learn(said.bounce()) == StoreFault("disk full")
    with monkeypatch.context() as broken:
        broken.setattr(type(world.shared.sendings), "sent", ill)
        for text in (said.bounce(), said.delivery(tags=None)):
            assert await world.learner.learn(text) == StoreFault("disk full")
    assert world.log == []
    await world.learn(said.bounce())
    assert len(world.log.named("feedback.bounce")) == 1
