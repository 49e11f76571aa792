"""Events as the control paths show, script and tell them.

`/_simulator/events`: GET lists what was told; POST tells of something that happened to a message in
the mailbox: `{"message_id": …, "recipients": […], "kind": …}`; DELETE forgets the list and empties
the queue. `/_simulator/fates` scripts what shall happen to ordinary addresses:
`{"recipient": "*@example.org", "times": 6, "kind": "Bounce", …}`. What happens has kind, type,
subtype, status, diagnostic, feedback, delay_s. `/_simulator/publishing` says how events are told.
`/_simulator/subscriptions` says to which HTTP endpoints they are posted, as SNS does it:
`{"endpoint": "http://…/sns", "region": …, "signature_version": "1", "raw": false, "hosts": "sns"}`.
`hosts` says where SubscribeURL and certificate are: at this simulator, or at SNS's own host, for an
endpoint that believes no other (its resolver then leads it here).

Errors: none; what is wrong is one sentence.
"""

import json
from dataclasses import asdict, replace

from .document import Document, parse
from .envelope import VERSIONS
from .fates import KINDS, Fate, Scripted
from .mailbox import Mailbox, Message
from .publishing import FORMATS, Published, Publishing
from .topic import Subscription, topic_arn

_MOST_DELAY_S = 86_400.0
_MOST_COPIES = 10
_FATE = ("kind", "type", "subtype", "status", "diagnostic", "feedback", "delay_s")
_HARD = {"type": "Permanent", "subtype": "General"}


def shown_event(one: Published) -> dict[str, object]:
    """An event as JSON."""
    return {
        "kind": one.kind,
        "message_id": one.message_id,
        "recipients": list(one.recipients),
        "at": one.at.isoformat(),
        "event": json.loads(one.event),
    }


def shown_fate(one: Scripted) -> dict[str, object]:
    """A scripted fate as JSON, with the times it is left."""
    return {"recipient": one.recipient, "times": one.times, **asdict(one.fate)}


def shown_publishing(options: Publishing) -> dict[str, object]:
    """The options as JSON."""
    return asdict(options)


def shown_subscription(one: Subscription) -> dict[str, object]:
    """A subscription as JSON."""
    return {"arn": one.arn, **asdict(one)}


def read_subscription(body: bytes, here: str, account_id: str) -> Subscription | str:
    """Read who shall be subscribed, or say everything that is wrong with it."""
    asked = parse(body)
    if isinstance(asked, str):
        return asked
    asked.refuse_others(("endpoint", "region", "signature_version", "raw", "hosts"))
    endpoint, region = asked.text("endpoint") or "", asked.text("region") or "eu-west-1"
    if not endpoint.startswith(("http://", "https://")):
        asked.fault("endpoint", "is needed: an URL of http or https")
    written = asked.text("signature_version") or "1"
    version = next((one for one in VERSIONS if one == written), None)
    if version is None:
        asked.fault("signature_version", f"must be one of {', '.join(VERSIONS)}")
    hosts = {"simulator": here, "sns": f"https://sns.{region}.amazonaws.com"}
    base = hosts.get(asked.text("hosts") or "simulator")
    if base is None:
        asked.fault("hosts", f"must be one of {', '.join(hosts)}")
    raw = asked.truth("raw") or False
    if asked.faults or version is None or base is None:
        return "; ".join(asked.faults)
    topic = topic_arn(region, account_id)
    return Subscription(endpoint=endpoint, topic=topic, base=base, version=version, raw=raw)


def read_fate(body: bytes) -> Scripted | str:
    """Read a scripted fate, or say everything that is wrong with it."""
    asked = parse(body)
    if isinstance(asked, str):
        return asked
    asked.refuse_others(("recipient", "times", *_FATE))
    recipient, times = asked.text("recipient"), asked.number("times")
    if not recipient:
        asked.fault("recipient", "is needed: an address or a pattern such as *@example.org")
    if times is not None and (times < 1 or times != int(times)):
        asked.fault("times", "must be a whole number from 1, or left out")
    fate = _fate(asked)
    if asked.faults or fate is None:
        return "; ".join(asked.faults)
    return Scripted(
        recipient=recipient or "", fate=fate, times=None if times is None else int(times)
    )


def read_event(body: bytes, mailbox: Mailbox) -> tuple[Message, Fate, tuple[str, ...]] | str:
    """Read what shall have happened to a message, or say everything that is wrong with it."""
    asked = parse(body)
    if isinstance(asked, str):
        return asked
    asked.refuse_others(("message_id", "recipients", *_FATE))
    wanted = asked.text("message_id")
    message = next((one for one in mailbox.messages() if one.id == wanted), None)
    if message is None:
        asked.fault("message_id", "there is no such message in the mailbox")
    recipients, fate = asked.texts("recipients"), _fate(asked)
    if asked.faults or message is None or fate is None:
        return "; ".join(asked.faults)
    return message, fate, recipients or message.destinations


def read_publishing(body: bytes, now: Publishing) -> Publishing | str:
    """Read changes of the options, or say everything that is wrong with them."""
    asked = parse(body)
    if isinstance(asked, str):
        return asked
    asked.refuse_others(asdict(now))
    form = asked.text("format")
    chosen = next((one for one in FORMATS if one == form), None)
    if form is not None and chosen is None:
        asked.fault("format", f"must be one of {', '.join(FORMATS)}")
    copies, delay_s = asked.number("copies"), asked.number("delay_s")
    if copies is not None and (not 1 <= copies <= _MOST_COPIES or copies != int(copies)):
        asked.fault("copies", f"must be a whole number from 1 to {_MOST_COPIES}")
    if delay_s is not None and not 0 <= delay_s <= _MOST_DELAY_S:
        asked.fault("delay_s", f"must be from 0 to {_MOST_DELAY_S:g} seconds")
    truths = {name: asked.truth(name) for name in ("wrapped", "deliveries", "shuffled")}
    if asked.faults:
        return "; ".join(asked.faults)
    return replace(
        now,
        format=chosen or now.format,
        wrapped=_or(truths["wrapped"], now.wrapped),
        deliveries=_or(truths["deliveries"], now.deliveries),
        shuffled=_or(truths["shuffled"], now.shuffled),
        copies=now.copies if copies is None else int(copies),
        delay_s=now.delay_s if delay_s is None else delay_s,
    )


def _fate(asked: Document) -> Fate | None:
    kind = next((one for one in KINDS if one == asked.text("kind")), None)
    if kind is None:
        asked.fault("kind", f"must be one of {', '.join(KINDS)}")
        return None
    delay_s = asked.number("delay_s") or 0.0
    if not 0 <= delay_s <= _MOST_DELAY_S:
        asked.fault("delay_s", f"must be from 0 to {_MOST_DELAY_S:g} seconds")
    usual = _HARD if kind == "Bounce" else {}
    return Fate(
        kind=kind,
        type=asked.text("type") or usual.get("type", ""),
        subtype=asked.text("subtype") or usual.get("subtype", ""),
        status=asked.text("status") or "",
        diagnostic=asked.text("diagnostic") or "",
        feedback=asked.text("feedback") or "",
        delay_s=delay_s,
    )


def _or(given: bool | None, otherwise: bool) -> bool:  # noqa: FBT001 - both are one setting's values
    return otherwise if given is None else given
