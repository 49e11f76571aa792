"""How what the pages show looks to programs, beside what the command line shows them too.

Errors: none.
"""

from collections.abc import Mapping, Sequence

from relay.model.account import RouteAccount
from relay.model.documents import Json, instant, moment
from relay.model.reputation import Count, Day, Kind, Record, Share
from relay.model.ses_prices import dollars
from relay.telemetry import ScrapeTime
from relay.web.inbox import InboxMessage
from relay.web.recent import Happening, Life


def account(one: RouteAccount) -> Json:
    """Give what was last heard of a route's account."""
    state = one.state
    known = {} if state is None else {name: getattr(state, name) for name in state.__slots__}
    return {
        "route": one.route,
        "region": one.region,
        "at": moment(one.at),
        "unknown": one.unknown or None,
        "account": known or None,
    }


def user(one: Record, price: float, days: Sequence[Day] | None = None) -> Json:
    """Give one user, with the mail of each day where it is asked for; costs at this price."""
    given: Json = {
        "user": one.user,
        "grade": one.grade.name.lower(),
        "last_24_hours": _count(one.day, price),
        "judged": {"since": moment(one.since), **_count(one.judged, price)},
        **{share.kind.value: _share(share) for share in one.shares},
    }
    if days is not None:
        given["days"] = [{"date": day.date.isoformat(), **_count(day.count, price)} for day in days]
    return given


def _count(count: Count, price: float) -> Json:
    return {
        "messages": count.messages,
        "recipients": count.relayed,
        "bounced": count.bounced,
        "complained": count.complained,
        "estimated_cost_dollars": round(dollars(count.billed, price), 6),
    }


def _share(share: Share) -> Json:
    return {
        "ratio": round(share.ratio, 6),
        "grade": share.grade.name.lower(),
        "warn": share.warn,
        "hold": share.hold,
        "ses_reviews": Kind(share.kind).reviewed_at,
        "ses_may_pause": Kind(share.kind).paused_at,
    }


def samples(metric: ScrapeTime, values: Mapping[tuple[str, ...], float]) -> list[Json]:
    """Give the values of a metric, each with its labels."""
    return [
        {**dict(zip(metric.labels, labels, strict=True)), "value": value}
        for labels, value in values.items()
    ]


def life(one: Life, *, all_events: bool) -> Json:
    """Give one message, with its last event or with all of them."""
    first = one.first
    given: Json = {
        "queue_id": one.queue_id,
        "state": one.state,
        "at": instant(first.at),
        "user": first.text("user"),
        "sender": first.text("sender"),
        "recipients": first.recipients,
        "last": happening(one.last),
    }
    if all_events:
        given["events"] = [happening(event) for event in one.events]
    return given


def happening(one: Happening) -> Json:
    """Give one event with its facts."""
    return {"event": one.event, "at": instant(one.at), **one.facts}


def taken(message: InboxMessage) -> Json:
    """Give one message of the inbox."""
    return {
        "id": message.id,
        "api": message.api,
        "at": instant(message.accepted_at),
        "source": message.source,
        "destinations": message.destinations,
        "configuration_set": message.configuration_set,
        "tags": dict(message.tags),
        "tenant": message.tenant,
        "size": len(message.raw),
    }
