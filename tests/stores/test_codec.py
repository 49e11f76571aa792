"""What is kept comes back as it was, and damaged octets never get further than a `Corrupt`."""

import zlib
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from stored import NOTHING, a_content, an_entry

from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.entry import EntryRequest, Held, QueueEntry, RequestState
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.message import Message, Parameters
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import Corrupt
from relay.model.reply import Reply
from relay.model.settings import Lane
from relay.stores.codec import (
    Columns,
    decode_entry,
    decode_reply,
    encode_message,
    encode_progress,
    encode_reply,
)
from relay.stores.contents import decode_content, encode_content
from relay.stores.frame import FORMAT

FRAME = 8

times = st.datetimes(timezones=st.just(UTC), max_value=datetime(9000, 1, 1))  # noqa: DTZ001 - the strategy adds UTC
counts = st.integers(0, 2**40)
words = st.text(max_size=20)
addresses = st.builds(
    Address, st.text("ab.\"@' ", min_size=1, max_size=8), st.text("ab.X-", min_size=1, max_size=8)
)
replies = st.builds(
    lambda code, text: Reply(code, f"{code // 100}.1.0", text),
    st.sampled_from([250, 451, 550]),
    st.text("ab é", max_size=8),
)
requests = st.builds(
    EntryRequest,
    number=counts,
    recipients=st.lists(addresses, max_size=3).map(tuple),
    state=st.sampled_from(RequestState),
    not_before=st.none() | times,
    unknowns=counts,
    reply=st.none() | replies,
    ses_message_id=words,
)
messages = st.builds(
    Message,
    id=words,
    session_id=words,
    user=words,
    route=words,
    lane=st.sampled_from(Lane),
    sender=st.none() | addresses,
    source=addresses,
    recipients=st.lists(
        st.builds(Recipient, addresses, st.frozensets(st.sampled_from(Notify)), st.none() | words),
        max_size=3,
    ).map(tuple),
    content=st.just(NOTHING),
    parameters=st.builds(
        Parameters,
        configuration_set=st.none() | words,
        tags=st.lists(st.tuples(words, words), max_size=3).map(tuple),
        from_arn=st.none() | words,
        source_arn=st.none() | words,
        return_path_arn=st.none() | words,
        tenant=st.none() | words,
    ),
    authors=st.lists(addresses, max_size=2).map(tuple),
    message_id=st.text(st.characters(), max_size=10),
    received_at=times,
    size=counts,
    ret=st.none() | st.sampled_from(Ret),
    envid=st.none() | words,
    reports=st.booleans(),
)


@st.composite
def entries(draw):
    message = draw(messages)
    return QueueEntry(
        id=message.id,
        version=draw(counts),
        message=message,
        requests=tuple(draw(st.lists(requests, max_size=3))),
        attempts=draw(counts),
        next_attempt_at=draw(times),
        expires_at=draw(times),
        lease_until=draw(st.none() | times),
        held=draw(st.none() | st.builds(Held, reason=words, until=st.none() | times)),
        waits_for=draw(st.none() | st.builds(Scope, st.sampled_from(ScopeKind), words, words)),
        paused_since=draw(st.none() | times),
    )


contents = st.builds(
    Content,
    st.lists(st.builds(Field, st.binary(max_size=20)), max_size=4).map(tuple),
    st.binary(max_size=50),
)


def columns_of(entry):
    return Columns(id=entry.id, version=entry.version, lease_until=entry.lease_until)


def reframed(inner):
    """A frame that fits, around whatever octets: what is in it must be checked all the same."""
    return b"SR" + bytes([FORMAT, 0]) + zlib.crc32(inner).to_bytes(4, "big") + inner


@given(entries())
def test_an_entry_comes_back_as_it_was(entry):
    back = decode_entry(columns_of(entry), encode_message(entry.message), encode_progress(entry))
    assert back == entry


def test_a_text_that_was_no_utf8_comes_back_too():
    entry = an_entry("a")
    entry = replace(entry, message=replace(entry.message, message_id="<\udcff@example.com>"))
    back = decode_entry(columns_of(entry), encode_message(entry.message), encode_progress(entry))
    assert back == entry


@given(contents)
def test_a_content_comes_back_as_it_was(content):
    assert decode_content("a", b"".join(encode_content(content))) == content


@given(replies)
def test_a_reply_comes_back_as_it_was(reply):
    assert decode_reply(encode_reply(reply)) == reply


@given(st.data())
def test_any_damage_to_an_entry_is_corrupt(data):
    entry = an_entry("a", recipients=2)
    good = [encode_message(entry.message), encode_progress(entry)]
    which = data.draw(st.integers(0, 1))
    bad = list(good)
    bad[which] = damaged(data, good[which])
    assert isinstance(decode_entry(columns_of(entry), *bad), Corrupt)


@given(st.data())
def test_any_damage_to_a_content_is_corrupt(data):
    good = b"".join(encode_content(a_content("a")))
    assert isinstance(decode_content("a", damaged(data, good)), Corrupt)


@given(st.data())
def test_any_damage_to_a_reply_is_nothing(data):
    assert decode_reply(damaged(data, encode_reply(Reply(250, "2.0.0", "Ok")))) is None


def damaged(data, good):
    """One octet changed, or the end lost, or something added."""
    match data.draw(st.sampled_from(["change", "cut", "add"])):
        case "change":
            at = data.draw(st.integers(0, len(good) - 1))
            change = data.draw(st.integers(1, 255))
            return good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
        case "cut":
            return good[: data.draw(st.integers(0, len(good) - 1))]
        case _:
            return good + data.draw(st.binary(min_size=1, max_size=4))


@given(st.data())
def test_damage_under_a_checksum_that_fits_never_raises(data):
    entry = an_entry("a", recipients=2)
    progress = encode_progress(entry)
    inner = damaged(data, encode_message(entry.message)[FRAME:])
    back = decode_entry(columns_of(entry), reframed(inner), progress)
    assert isinstance(back, QueueEntry | Corrupt)
    inner = damaged(data, b"".join(encode_content(a_content("a")))[FRAME:])
    assert isinstance(decode_content("a", reframed(inner)), Content | Corrupt)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.data())
def test_a_value_of_the_wrong_type_is_corrupt(data):
    import json

    entry = an_entry("a")
    records = [encode_message(entry.message), encode_progress(entry)]
    which = data.draw(st.integers(0, 1))
    fields = json.loads(records[which][FRAME:])
    name = data.draw(st.sampled_from(sorted(fields)))
    before = fields[name]
    fields[name] = data.draw(json_values.filter(lambda value: type(value) is not type(before)))
    records[which] = reframed(json.dumps(fields).encode())
    back = decode_entry(columns_of(entry), *records)
    assert isinstance(back, Corrupt) or fields[name] is None or before is None


def test_a_missing_value_is_corrupt_and_named():
    entry = an_entry("a")
    back = decode_entry(columns_of(entry), reframed(b"{}"), encode_progress(entry))
    assert back == Corrupt("a", "sender is missing")


def test_parts_of_different_entries_are_corrupt():
    one, other = an_entry("a"), an_entry("b")
    back = decode_entry(columns_of(one), encode_message(one.message), encode_progress(other))
    assert back == Corrupt("a", "its parts belong to different entries")


def test_a_record_of_a_newer_format_is_corrupt_and_says_so():
    newer = bytearray(encode_message(an_entry("a").message))
    newer[2] = FORMAT + 1
    back = decode_entry(columns_of(an_entry("a")), bytes(newer), encode_progress(an_entry("a")))
    assert back == Corrupt("a", f"record format {FORMAT + 1} is unknown")
