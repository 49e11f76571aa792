"""The account's list: what SES puts there by itself, what it does, how it is read by pages."""

import json
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from sigv4_requests import signed

from relay.simulator import Fate, Scripted, Suppressed, SuppressionReason

LIST = "/v2/email/suppression/addresses"
SIM = "simulator.amazonses.com"
HARD = Fate(kind="Bounce", type="Permanent", subtype="General", status="5.1.1")


@pytest.fixture
def call(simulator, clock):
    """Make one control call, a second after the last."""

    def made(method, path=LIST, document=None, **query):
        clock.advance(seconds=1)
        body = b"" if document is None else json.dumps(document).encode()
        target = f"{path}?{urlencode(query)}" if query else path
        answer = simulator.respond(signed(method, target, body)).answer
        return answer.status, json.loads(answer.body)

    return made


@pytest.fixture
def happens(simulator, send):
    """Send to an address that something happens to."""

    def sent(recipient, fate):
        simulator.service.publisher.fates.add(Scripted(recipient=recipient, fate=fate, times=1))
        send.accepted(destinations=(recipient,))

    return sent


def listed(simulator, *addresses, reason=SuppressionReason.BOUNCE):
    entries = [Suppressed(address=address, reason=reason) for address in addresses]
    simulator.account = simulator.account.suppressing(entries)


def names(answer):
    return [one["EmailAddress"] for one in answer[1]["SuppressedDestinationSummaries"]]


def subtypes(simulator):
    events = [json.loads(one.event) for one in simulator.service.publisher.published]
    return [event["bounce"]["bounceSubType"] for event in events if "bounce" in event]


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (HARD, "BOUNCE"),
        (replace(HARD, subtype="NoEmail"), "BOUNCE"),
        (Fate(kind="Complaint", feedback="abuse"), "COMPLAINT"),
        (Fate(kind="Complaint", feedback="not-spam"), None),
        (replace(HARD, subtype="Suppressed"), None),
        (Fate(kind="Bounce", type="Transient", subtype="General"), None),
        (Fate(kind="Delivery"), None),
    ],
)
def test_hard_bounces_and_complaints_go_on_the_list(simulator, call, happens, fate, reason):
    happens("Gone@y.example", fate)
    status, shown = call("GET", f"{LIST}/gone@y.example")
    if reason is None:
        assert status == 404
        return
    entry = shown["SuppressedDestination"]
    assert (entry["EmailAddress"], entry["Reason"]) == ("Gone@y.example", reason)
    assert entry["Attributes"] == {"MessageId": simulator.mailbox.messages()[0].id}


def test_the_next_mail_to_it_is_taken_and_bounces(simulator, happens, send):
    happens("gone@y.example", HARD)
    send.accepted(destinations=("gone@y.example",))
    assert subtypes(simulator) == ["General", "OnAccountSuppressionList"]


def test_the_mailbox_simulator_puts_nobody_on_the_list(simulator, send):
    send.accepted(destinations=(f"bounce@{SIM}",))
    send.accepted(destinations=(f"complaint@{SIM}",))
    assert not simulator.account.suppressed


def test_a_reason_that_is_switched_off_is_neither_put_there_nor_heeded(simulator, happens, send):
    listed(simulator, "dead@y.example")
    send.account(suppressed_reasons=frozenset({SuppressionReason.COMPLAINT}))
    happens("gone@y.example", HARD)
    assert set(simulator.account.suppressed) == {"dead@y.example"}
    send.accepted(destinations=("dead@y.example",))
    assert subtypes(simulator) == ["General"]


def test_what_somebody_put_there_has_no_message(call):
    assert call("PUT", document={"EmailAddress": "a@y.example", "Reason": "BOUNCE"}) == (200, {})
    _, shown = call("GET", f"{LIST}/a@y.example")
    assert shown["SuppressedDestination"]["Attributes"] == {}


def test_a_page_goes_on_after_the_last_one_though_the_list_got_shorter(simulator, call):
    listed(simulator, *(f"{letter}@y.example" for letter in "abcde"))
    first = call("GET", PageSize=2)
    assert names(first) == ["a@y.example", "b@y.example"]
    assert call("DELETE", f"{LIST}/a%40y.example")[0] == 200
    second = call("GET", PageSize=2, NextToken=first[1]["NextToken"])
    assert names(second) == ["c@y.example", "d@y.example"]
    last = call("GET", PageSize=2, NextToken=second[1]["NextToken"])
    assert names(last) == ["e@y.example"]
    assert "NextToken" not in last[1]


@pytest.mark.parametrize("other", [{}, {"Reason": "COMPLAINT"}, {"StartDate": "2020-01-01"}])
def test_a_token_is_good_for_the_filters_it_was_given_for(simulator, call, other):
    listed(simulator, "a@y.example", "b@y.example")
    token = call("GET", PageSize=1, Reason="BOUNCE")[1]["NextToken"]
    assert names(call("GET", NextToken=token, Reason="BOUNCE")) == ["b@y.example"]
    status, _ = call("GET", NextToken=token, **other)
    assert status == 400


def test_the_time_of_a_change_counts(simulator, clock, call):
    began = clock().isoformat()
    call("PUT", document={"EmailAddress": "a@y.example", "Reason": "BOUNCE"})
    between = clock().isoformat()
    clock.advance(seconds=5)
    call("PUT", document={"EmailAddress": "b@y.example", "Reason": "BOUNCE"})
    assert names(call("GET", StartDate=began)) == ["a@y.example", "b@y.example"]
    assert names(call("GET", EndDate=between)) == ["a@y.example"]
    clock.advance(seconds=5)
    later = clock().isoformat()
    call("PUT", document={"EmailAddress": "a@y.example", "Reason": "COMPLAINT"})
    assert names(call("GET", StartDate=later)) == ["a@y.example"]


def test_an_address_of_any_characters_is_found(call):
    odd = "o'neil+a/b%c@y.example"
    assert call("PUT", document={"EmailAddress": odd, "Reason": "BOUNCE"})[0] == 200
    assert call("GET", f"{LIST}/{quote(odd, safe='')}")[0] == 200
    assert call("DELETE", f"{LIST}/{quote(odd, safe='')}")[0] == 200
    assert call("DELETE", f"{LIST}/{quote(odd, safe='')}")[0] == 404
