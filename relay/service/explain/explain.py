"""One message's way, walked by the relay's own flow: the same policy, shaping, signing, requests.

Only the edges are other ones (`dry`): SES takes everything, the store is sound and has no mail, no
limit is reached. What the account, the queue and the counters of a running relay would add to it is
not asked.

Errors: none; a refusal is the last stage of the story.
"""

from difflib import unified_diff
from typing import assert_never

from relay.delivery.answer import Sending
from relay.delivery.requests import email, raw_email
from relay.delivery.ses import chosen
from relay.flow.snapshot import Snapshot
from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.decision import Accept, Decision, Discard, Hold, Reject
from relay.model.message import Message, Request
from relay.model.ports import Suppression
from relay.model.settings import Api, Route
from relay.policy.rules import NeedsContent
from relay.service.explain.dry import Leaving
from relay.service.explain.told import Explanation, Planned, PlannedRequest, Settled
from relay.service.explain.walk import Attempted, Walk


async def explain(
    snapshot: Snapshot, attempted: Attempted, suppression: Suppression, clock: Clock
) -> Explanation:
    """Walk the whole way; ends where the client would be refused."""
    walk = Walk(snapshot, attempted, suppression, clock)
    stages = [stage async for stage in walk.stages()]
    routes = snapshot.settings.routes
    return Explanation(
        listener=walk.listener_name,
        user=walk.user or "-",
        stages=stages,
        recipients=[_settled(who, said) for who, said in walk.policy.said.items()],
        left_out=walk.heard.left_out,
        messages=[
            _planned(leaving, routes[leaving.message.route], walk.octets)
            for leaving in walk.exit.leaving
        ],
        faults=walk.heard.faults,
    )


def _settled(recipient: Address, said: Decision | NeedsContent) -> Settled:
    word, rules, redirect = _words(said)
    return Settled(
        recipient=str(recipient),
        decision=word,
        rules=rules,
        redirect=[str(address) for address in redirect],
    )


def _words(
    said: Decision | NeedsContent,
) -> tuple[str, tuple[str, ...], tuple[Address, ...]]:
    match said:
        case Accept(rules=rules, redirect=redirect):
            return "accept", rules, redirect
        case Hold(rule=rule, redirect=redirect):
            return "hold", _named(rule), redirect
        case Reject(rule=rule):
            return "reject", _named(rule), ()
        case Discard(rule=rule):
            return "discard", _named(rule), ()
        case NeedsContent():
            return "undecided", (), ()
        case _:
            assert_never(said)


def _named(rule: str) -> tuple[str, ...]:
    return (rule,) if rule else ()


def _planned(leaving: Leaving, route: Route, octets: bytes) -> Planned:
    message = leaving.message
    return Planned(
        route=message.route,
        region=route.region,
        lane=message.lane,
        held=leaving.held,
        diff=_diff(octets, message),
        body=_body(octets, message),
        requests=[_request(route, message, request) for request in leaving.requests],
    )


def _request(route: Route, message: Message, request: Request) -> PlannedRequest:
    sending, nothing = Sending(message, request), b""
    size = f"<{message.content.size} octets>"
    if chosen(route.api, message) is Api.V1:
        return PlannedRequest(
            operation="SendRawEmail",
            parameters={**raw_email(sending, nothing), "RawMessage": {"Data": size}},
        )
    return PlannedRequest(
        operation="SendEmail",
        parameters={**email(sending, nothing), "Content": {"Raw": {"Data": size}}},
    )


def _diff(octets: bytes, message: Message) -> str:
    header, _, _ = octets.partition(b"\r\n\r\n")
    lines = unified_diff(
        _lines(header), _lines(message.content.header), "as received", "as sent", lineterm="", n=1
    )
    return "\n".join(lines)


def _lines(header: bytes) -> list[str]:
    return [line.decode("utf-8", "replace") for line in header.split(b"\r\n") if line]


def _body(octets: bytes, message: Message) -> str:
    received, sent = octets.partition(b"\r\n\r\n")[2], message.content.body
    if sent == received:
        return f"as received, {len(sent)} octets"
    return f"encoded anew, {len(received)} octets became {len(sent)}"
