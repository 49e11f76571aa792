"""Entries as octets, and back again, or a plain word that they are damaged.

A record is a frame around JSON, which an operator can read with a database shell. What never
changes in an entry (the message) and what each attempt changes (the progress) are two records, so
that recording an outcome does not write the message again. `version` and `lease_until` are in
neither: the store changes them without opening the records.

Errors: `Corrupt` for any octets that are not what `encode_…` made; decoding never raises.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relay.model.address import Address
from relay.model.content import Content
from relay.model.entry import EntryRequest, Held, QueueEntry, RequestState
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.message import Message, Parameters
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import Corrupt
from relay.model.reply import Reply
from relay.model.settings import Lane
from relay.stores.frame import framed, unframed
from relay.stores.plain import from_json, to_json
from relay.stores.strict import DamagedError, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOTHING = Content((), b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the store keeps of an entry outside its records."""

    id: str
    version: int
    lease_until: datetime | None


def to_number(time: datetime) -> int:
    """Give a time as microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def to_time(number: int) -> datetime:
    """Undo `to_number`. Raises OverflowError beyond the year 9999."""
    return _EPOCH + timedelta(microseconds=number)


def _dump(record: dict[str, object]) -> bytes:
    return b"".join(framed([to_json(record)]))


def _load(octets: bytes) -> Record:
    return Record.of(from_json(bytes(unframed(octets))))


# --- Entries -------------------------------------------------------------------------------------


def encode_message(message: Message) -> bytes:
    """Write everything of a message but its content."""
    chosen = message.parameters
    return _dump(
        {
            "id": message.id,
            "session_id": message.session_id,
            "user": message.user,
            "route": message.route,
            "lane": message.lane,
            "sender": _text(message.sender),
            "source": str(message.source),
            "recipients": [
                [str(known.address), sorted(known.notify), known.orcpt]
                for known in message.recipients
            ],
            "configuration_set": chosen.configuration_set,
            "tags": chosen.tags,
            "arns": [chosen.from_arn, chosen.source_arn, chosen.return_path_arn],
            "tenant": chosen.tenant,
            "authors": [str(address) for address in message.authors],
            "message_id": message.message_id,
            "received_at": to_number(message.received_at),
            "size": message.size,
            "ret": message.ret,
            "envid": message.envid,
            "reports": message.reports,
        }
    )


def encode_progress(entry: QueueEntry) -> bytes:
    """Write what attempts and operators change in an entry."""
    held = entry.held
    scope = entry.waits_for
    return _dump(
        {
            "id": entry.id,
            "attempts": entry.attempts,
            "next_attempt_at": to_number(entry.next_attempt_at),
            "expires_at": to_number(entry.expires_at),
            "held": held and [held.reason, _number(held.until)],
            "waits_for": scope and [scope.kind, scope.name, scope.route],
            "paused_since": _number(entry.paused_since),
            "requests": [
                {
                    "number": request.number,
                    "recipients": [str(address) for address in request.recipients],
                    "state": request.state,
                    "not_before": _number(request.not_before),
                    "unknowns": request.unknowns,
                    "reply": _reply_words(request.reply),
                    "ses_message_id": request.ses_message_id,
                }
                for request in entry.requests
            ],
        }
    )


def decode_entry(columns: Columns, message: bytes, progress: bytes) -> QueueEntry | Corrupt:
    """Read an entry back; all its parts must name the same queue id."""
    try:
        known = _message(_load(message))
        record = _load(progress)
        if {known.id, record.text("id")} != {columns.id}:
            raise DamagedError("its parts belong to different entries")
        return QueueEntry(
            id=columns.id,
            version=columns.version,
            message=known,
            requests=tuple(_request(part) for part in record.records("requests")),
            attempts=record.count("attempts"),
            next_attempt_at=to_time(record.integer("next_attempt_at")),
            expires_at=to_time(record.integer("expires_at")),
            lease_until=columns.lease_until,
            held=_held(record.optional_row("held", 2)),
            waits_for=_scope(record.optional_row("waits_for", 3)),
            paused_since=_time(record.optional_integer("paused_since")),
        )
    except (ValueError, OverflowError, RecursionError) as fault:
        return Corrupt(columns.id, str(fault))


def encode_reply(reply: Reply) -> bytes:
    """Write one reply."""
    return _dump({"reply": _reply_words(reply)})


def decode_reply(octets: bytes) -> Reply | None:
    """Read one reply back; None when the octets are damaged."""
    try:
        return _reply(_load(octets).optional_row("reply", 3))
    except (ValueError, RecursionError):
        return None


def _text(address: Address | None) -> str | None:
    return None if address is None else str(address)


def _number(time: datetime | None) -> int | None:
    return None if time is None else to_number(time)


def _reply_words(reply: Reply | None) -> list[int | str] | None:
    return None if reply is None else [reply.code, reply.enhanced, reply.text]


def _address(text: str) -> Address:
    local, at, domain = text.rpartition("@")
    if not at:
        raise DamagedError(f"{text!r} is not an address")
    return Address(local, domain)


def _time(number: int | None) -> datetime | None:
    return None if number is None else to_time(number)


def _reply(row: Record | None) -> Reply | None:
    return None if row is None else Reply(row.integer("0"), row.text("1"), row.text("2"))


def _held(row: Record | None) -> Held | None:
    return (
        None if row is None else Held(reason=row.text("0"), until=_time(row.optional_integer("1")))
    )


def _scope(row: Record | None) -> Scope | None:
    return None if row is None else Scope(ScopeKind(row.text("0")), row.text("1"), row.text("2"))


def _recipient(row: Record) -> Recipient:
    return Recipient(
        address=_address(row.text("0")),
        notify=frozenset(Notify(word) for word in row.texts("1")),
        orcpt=row.optional_text("2"),
    )


def _message(record: Record) -> Message:
    sender = record.optional_text("sender")
    ret = record.optional_text("ret")
    arns = record.row("arns", 3)
    return Message(
        id=record.text("id"),
        session_id=record.text("session_id"),
        user=record.text("user"),
        route=record.text("route"),
        lane=Lane(record.text("lane")),
        sender=None if sender is None else _address(sender),
        source=_address(record.text("source")),
        recipients=tuple(_recipient(row) for row in record.rows("recipients", 3)),
        content=_NOTHING,
        parameters=Parameters(
            configuration_set=record.optional_text("configuration_set"),
            tags=tuple((row.text("0"), row.text("1")) for row in record.rows("tags", 2)),
            from_arn=arns.optional_text("0"),
            source_arn=arns.optional_text("1"),
            return_path_arn=arns.optional_text("2"),
            tenant=record.optional_text("tenant"),
        ),
        authors=tuple(_address(text) for text in record.texts("authors")),
        message_id=record.text("message_id"),
        received_at=to_time(record.integer("received_at")),
        size=record.count("size"),
        ret=None if ret is None else Ret(ret),
        envid=record.optional_text("envid"),
        reports=record.truth("reports"),
    )


def _request(record: Record) -> EntryRequest:
    return EntryRequest(
        number=record.count("number"),
        recipients=tuple(_address(text) for text in record.texts("recipients")),
        state=RequestState(record.text("state")),
        not_before=_time(record.optional_integer("not_before")),
        unknowns=record.count("unknowns"),
        reply=_reply(record.optional_row("reply", 3)),
        ses_message_id=record.text("ses_message_id"),
    )
