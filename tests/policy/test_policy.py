"""Who may send as whom, to whom, and what the rules make of it."""

from ipaddress import ip_address, ip_network

import pytest

from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.decision import Accept, Discard, Hold, Reject
from relay.model.envelope import Client
from relay.model.settings import (
    Actions,
    AddressPattern,
    Conditions,
    Glob,
    Lane,
    Listener,
    Route,
    Rule,
    Settings,
    TcpBind,
    User,
)
from relay.policy.policy import NOBODY, Policy
from relay.policy.question import Question, Seen
from relay.policy.rules import NeedsContent

TICKETS = User(
    name="tickets",
    senders=(AddressPattern("*@example.com"),),
    recipients=(AddressPattern("*@example.org"), AddressPattern("*@example.net")),
    tags={"app": "tickets"},
    configuration_set="tickets-set",
)


def settings(*rules):
    return Settings(
        listeners=(Listener(bind=TcpBind("127.0.0.1", 0)),),
        users=(TICKETS,),
        routes={
            "default": Route(region="eu-west-1", tags={"app": "any", "site": "a"}),
            "other": Route(region="us-east-1", configuration_set="other-set"),
        },
        rules=rules,
    )


def question(recipient="x@example.org", *, seen=None, **client):
    known = {
        "session_id": "s",
        "address": ip_address("10.0.0.1"),
        "helo": "h",
        "esmtp": True,
        "tls": None,
        "user": "tickets",
        "authenticated": True,
        "listener": "inside",
    }
    return Question(
        client=Client(**{**known, **client}),
        user="tickets",
        sender=Address("a", "example.com"),
        recipient=Address.parse(recipient),
        seen=seen,
    )


def seen(*lines, authors=("a@example.com",), size=100):
    return Seen(
        content=Content(tuple(Field(line) for line in lines), b""),
        authors=[Address.parse(author) for author in authors],
        size=size,
    )


def rule(name="r", *, then, **when):
    return Rule(name=name, when=Conditions(**when), then=Actions(**then))


def test_a_user_may_use_its_senders_and_no_others():
    policy = Policy(settings())
    assert policy.refuse_sender(TICKETS, Address("a", "EXAMPLE.com")) is None
    refused = policy.refuse_sender(TICKETS, Address("a", "example.org"))
    assert str(refused) == ("550 5.7.1 User tickets may not send as a@example.org (users: senders)")


def test_the_null_sender_must_be_allowed_by_name():
    policy = Policy(settings())
    assert policy.refuse_sender(TICKETS, None).code == 550
    assert policy.refuse_sender(NOBODY, None) is None


def test_every_author_is_checked():
    policy = Policy(settings())
    good, bad = Address("a", "example.com"), Address("b", "example.org")
    assert policy.refuse_authors(TICKETS, [good]) is None
    assert "b@example.org in From or Sender" in policy.refuse_authors(TICKETS, [good, bad]).text


def test_a_recipient_outside_the_users_patterns_is_rejected():
    decision = Policy(settings()).recipient(question("x@elsewhere.test"))
    assert isinstance(decision, Reject)
    assert decision.reply.code == 550


def test_the_nearer_tag_wins_and_the_users_configuration_set_stands():
    decision = Policy(settings()).recipient(question())
    assert isinstance(decision, Accept)
    assert dict(decision.changes.tags) == {"app": "tickets", "site": "a"}
    assert decision.changes.configuration_set == "tickets-set"
    assert decision.changes.lane is Lane.TRANSACTIONAL


def test_rules_change_what_passes_and_the_first_final_action_ends():
    rules = (
        rule("slow", then={"lane": Lane.BULK, "tags": {"app": "slow"}}),
        rule("stop", then={"reject": "no more"}, recipient=(AddressPattern("*@example.net"),)),
        rule("late", then={"discard": True}, recipient=(AddressPattern("*@example.net"),)),
    )
    policy = Policy(settings(*rules))
    passed = policy.recipient(question())
    assert passed.changes.lane is Lane.BULK
    assert dict(passed.changes.tags)["app"] == "slow"
    assert passed.rules == ("slow",)
    refused = policy.recipient(question("x@example.net"))
    assert str(refused.reply) == "550 5.7.1 no more"
    assert refused.rule == "stop"


def test_staging_redirects_everything():
    qa = Address("qa", "example.com")
    decision = Policy(settings(rule(then={"redirect": (qa,)}))).recipient(question())
    assert decision.redirect == (qa,)


def test_hold_and_discard_are_final():
    held = Policy(settings(rule("review", then={"hold": True}))).recipient(question())
    assert isinstance(held, Hold)
    assert held.reason == "rule review"
    dropped = Policy(settings(rule("drop", then={"discard": True}))).recipient(question())
    assert isinstance(dropped, Discard)


@pytest.mark.parametrize(
    ("when", "client"),
    [
        ({"user": (Glob("tick*"),)}, {}),
        ({"network": (ip_network("10.0.0.0/8"),)}, {}),
        ({"listener": (Glob("inside"),)}, {}),
        ({"sender": (AddressPattern("*@example.com"),)}, {}),
    ],
)
def test_each_envelope_condition_fits_at_rcpt(when, client):
    decision = Policy(settings(rule(then={"reject": "no"}, **when))).recipient(question(**client))
    assert isinstance(decision, Reject)


@pytest.mark.parametrize(
    "when",
    [
        {"user": (Glob("other"),)},
        {"network": (ip_network("192.0.2.0/24"),)},
        {"listener": (Glob("outside"),)},
        {"sender": (AddressPattern("<>"),)},
        {"recipient": (AddressPattern("*@elsewhere.test"),)},
    ],
)
def test_each_envelope_condition_that_fails_lets_pass(when):
    decision = Policy(settings(rule(then={"reject": "no"}, **when))).recipient(question())
    assert isinstance(decision, Accept)


def test_a_unix_socket_client_is_in_no_network():
    when = {"network": (ip_network("0.0.0.0/0"),)}
    policy = Policy(settings(rule(then={"reject": "no"}, **when)))
    assert isinstance(policy.recipient(question(address=None)), Accept)


@pytest.mark.parametrize(
    ("when", "fits", "fails"),
    [
        (
            {"header": {"X-Env": Glob("stag*")}},
            seen(b"x-env: staging\r\n"),
            seen(b"X-Env: live\r\n"),
        ),
        ({"larger_than": 99}, seen(size=100), seen(size=99)),
        (
            {"author": (AddressPattern("root@*"),)},
            seen(authors=["root@example.com"]),
            seen(authors=["a@example.com"]),
        ),
    ],
)
def test_conditions_on_the_content_wait_for_it(when, fits, fails):
    policy = Policy(settings(rule(then={"reject": "no"}, **when)))
    assert isinstance(policy.recipient(question()), NeedsContent)
    assert isinstance(policy.recipient(question(seen=fits)), Reject)
    assert isinstance(policy.recipient(question(seen=fails)), Accept)


def test_an_earlier_rule_on_the_content_keeps_a_later_refusal_from_rcpt():
    rules = (
        rule("capture", then={"discard": True}, header={"X-Env": Glob("*")}),
        rule("never", then={"reject": "no"}),
    )
    policy = Policy(settings(*rules))
    assert isinstance(policy.recipient(question()), NeedsContent)
    assert isinstance(policy.recipient(question(seen=seen(b"X-Env: a\r\n"))), Discard)
    assert isinstance(policy.recipient(question(seen=seen())), Reject)


def test_an_envelope_condition_settles_it_while_the_content_is_unknown():
    when = {"header": {"X-Env": Glob("*")}, "recipient": (AddressPattern("*@elsewhere.test"),)}
    decision = Policy(settings(rule(then={"reject": "no"}, **when))).recipient(question())
    assert isinstance(decision, Accept)


def test_another_route_brings_its_own_configuration_set():
    anyone = question()
    policy = Policy(settings(rule(then={"route": "other"})))
    decision = policy.recipient(
        Question(client=anyone.client, user="-", sender=None, recipient=anyone.recipient)
    )
    assert decision.changes.route == "other"
    assert decision.changes.configuration_set == "other-set"


def test_a_user_who_was_removed_meanwhile_may_send_nothing():
    policy = Policy(settings())
    gone = policy.user("dismissed")
    assert gone.name == "dismissed"
    for sender in (Address("ceo", "example.com"), None):
        refused = policy.refuse_sender(gone, sender)
        assert refused is not None
        assert refused.permanent
    assert policy.refuse_authors(gone, [Address("ceo", "example.com")]) is not None
