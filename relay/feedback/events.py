"""Events of SES as values, whichever of its formats and wrappers they come in.

SES facts (SES Developer Guide, notification-contents, event-publishing-retrieving-sns-contents):
an identity notification has `notificationType` and no tags; a configuration set's event has
`eventType`, and the tags of the request as lists under `mail.tags`. Fields and types are added at
any time. `mail.destination` names every recipient of the request. SNS wraps an event as a text in
`Message` (unless raw delivery is on), EventBridge as an object in `detail`. A topic that becomes
SES's destination gets one message that is plain text.

Errors: none; what is no event is `Unreadable`, with a reason for the log.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from relay.feedback.fields import Fields
from relay.model.address import Address
from relay.model.message import TAG_QUEUE_ID, TAG_USER

_GREETING = "Successfully validated SNS topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The request that an event is about, in SES's words."""

    ses_message_id: str
    sent_at: datetime
    source: str = ""  # the envelope's sender as SES had it; may have a display name
    destinations: tuple[str, ...] = ()  # all recipients of the request
    tags: Mapping[str, tuple[str, ...]]  # empty in identity notifications
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def queue_id(self) -> str:
        """Our own id of the message, where the request's tags came back."""
        return "".join(self.tags.get(TAG_QUEUE_ID, ())[:1])

    @property
    def user(self) -> str:
        """Our user as the tag has it: characters that a tag cannot have are underscores."""
        return "".join(self.tags.get(TAG_USER, ())[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One recipient that an event names."""

    address: Address
    status: str = ""  # enhanced code (RFC 3463)
    diagnostic: str = ""  # the receiver's words, as `smtp; 550 5.1.1 …`


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happened:
    key: str  # the same for each delivery of the same event
    at: datetime
    mail: Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce(_Happened):
    """A receiver, or SES itself, refused. `type` and `subtype` are SES's words."""

    type: str
    subtype: str
    recipients: tuple[Affected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint(_Happened):
    """Somebody reported spam. Providers hide who: `recipients` are all it may have been."""

    feedback: str = ""  # abuse, not-spam, …; empty: not said
    subtype: str = ""
    recipients: tuple[Affected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(_Happened):
    """A receiver's server took it; a bounce can still follow."""

    recipients: tuple[Affected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(_Happened):
    """SES has not got it through yet, and tries on."""

    type: str
    recipients: tuple[Affected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(_Happened):
    """SES took it and then found a virus in it: nobody gets it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """An event that changes nothing here: Send, Open, Click, and types to come."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No event of SES; `reason` quotes nothing of it."""

    reason: str


About: TypeAlias = Bounce | Complaint | Delivery | Delay | Reject
Event: TypeAlias = About | Other


def unwrap(body: str) -> str | Unreadable:
    """Take an event out of what carried it: SNS's envelope, EventBridge's, or nothing."""
    fields = Fields.parse(body)
    if fields is None:
        return Unreadable("the body is no JSON object")
    if fields.text("Type") == "Notification" and "Message" in fields:
        # Some emulators of SNS put the event there as an object.
        return fields.text("Message") or fields.inner("Message").written()
    return fields.inner("detail").written() if fields.text("source") == "aws.ses" else body


def read(text: str) -> Event | Unreadable:
    """Read one event."""
    fields = Fields.parse(text)
    if fields is None:
        greeting = text.startswith(_GREETING)
        return Other(kind="topic validated") if greeting else Unreadable("no JSON object")
    kind = fields.text("eventType") or fields.text("notificationType")
    if not kind:
        return Unreadable("neither eventType nor notificationType")
    read_one = _READERS.get(kind)
    if read_one is None:
        return Other(kind=kind)
    mail = _mail(fields.inner("mail"))
    return mail if isinstance(mail, Unreadable) else read_one(fields, mail)


def _mail(fields: Fields) -> Mail | Unreadable:
    sent_at, ses_message_id = fields.time("timestamp"), fields.text("messageId")
    if not ses_message_id:
        return Unreadable("mail.messageId is missing")
    if sent_at is None:
        return Unreadable("mail.timestamp is no time")
    return Mail(
        ses_message_id=ses_message_id,
        sent_at=sent_at,
        source=fields.text("source"),
        destinations=fields.texts("destination"),
        tags=fields.inner("tags").lists(),
        headers=tuple((one.text("name"), one.text("value")) for one in fields.inners("headers")),
    )


def _bounce(fields: Fields, mail: Mail) -> Bounce:
    said = fields.inner("bounce")
    recipients = _affected(said, "bouncedRecipients", mail)
    return Bounce(
        key=_key("bounce", said, mail, recipients),
        at=said.time("timestamp") or mail.sent_at,
        mail=mail,
        type=said.text("bounceType"),
        subtype=said.text("bounceSubType"),
        recipients=recipients,
    )


def _complaint(fields: Fields, mail: Mail) -> Complaint:
    said = fields.inner("complaint")
    recipients = _affected(said, "complainedRecipients", mail)
    return Complaint(
        key=_key("complaint", said, mail, recipients),
        at=said.time("timestamp") or mail.sent_at,
        mail=mail,
        feedback=said.text("complaintFeedbackType"),
        subtype=said.text("complaintSubType"),
        recipients=recipients,
    )


def _delivery(fields: Fields, mail: Mail) -> Delivery:
    said = fields.inner("delivery")
    words = said.text("smtpResponse")
    recipients = tuple(
        Affected(address=address, diagnostic=words)
        for address in _addresses(said.texts("recipients"))
    )
    return Delivery(
        key=_key("delivery", said, mail, recipients),
        at=said.time("timestamp") or mail.sent_at,
        mail=mail,
        recipients=recipients,
    )


def _delay(fields: Fields, mail: Mail) -> Delay:
    said = fields.inner("deliveryDelay")
    recipients = _affected(said, "delayedRecipients", mail)
    return Delay(
        key=_key("delay", said, mail, recipients),
        at=said.time("timestamp") or mail.sent_at,
        mail=mail,
        type=said.text("delayType"),
        recipients=recipients,
    )


def _reject(fields: Fields, mail: Mail) -> Reject:
    said = fields.inner("reject")
    return Reject(
        key=_key("reject", said, mail, ()), at=mail.sent_at, mail=mail, reason=said.text("reason")
    )


_READERS: Mapping[str, Callable[[Fields, Mail], About]] = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "DeliveryDelay": _delay,
    "Reject": _reject,
}


def _affected(said: Fields, name: str, mail: Mail) -> tuple[Affected, ...]:
    found = tuple(
        Affected(
            address=address,
            status=one.text("status"),
            diagnostic=one.text("diagnosticCode"),
        )
        for one in said.inners(name)
        for address in _addresses((one.text("emailAddress"),))
    )
    if len(found) != 1 or len(mail.destinations) != 1:
        return found
    # Receivers report an address as they rewrote it; of a request with one, that one is meant.
    return tuple(replace(found[0], address=address) for address in _addresses(mail.destinations))


def _addresses(texts: tuple[str, ...]) -> tuple[Address, ...]:
    """Read addresses; a receiver's report may have anything in their place, which says nothing."""
    found = (address_of(text) for text in texts)
    return tuple(address for address in found if address is not None)


def address_of(text: str) -> Address | None:
    """Read one address, which may stand in angle brackets behind a display name."""
    bare = text.rpartition("<")[2].rstrip("> ").strip()
    address = Address.parse(bare)
    return address if isinstance(address, Address) else None


def _key(kind: str, said: Fields, mail: Mail, recipients: tuple[Affected, ...]) -> str:
    """Name an event by SES's feedback id, or by what it says where it has none."""
    # Identity notifications and configuration sets tell of one incident with one feedback id.
    whom = sorted(one.address.key for one in recipients)
    incident = said.text("feedbackId") or f"{mail.ses_message_id} {said.text('timestamp')}"
    parts = [kind, incident, *whom]
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
