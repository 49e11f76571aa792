"""The one way a message changes between client and SES: every step, in order.

Rules of the operator come first, so that nothing they add escapes what follows. Then hidden fields
go, syntax is mended, authors are settled and what is missing is added. Received and the signature
come last: what is signed is what is sent.

Every change is one of `relay.mail.changes.CHANGES`; all other octets stay as they came, and a body
that needs no encoding is never copied. Shaping takes time in proportion to the octets, and no step
of it holds the interpreter for long: run it in a thread for messages beyond `THREAD_ABOVE`, and the
event loop goes on (40 ms at most for 30 MB in a single line, 10 ms for other bodies of that size).

Standards: RFC 6409 §8, RFC 5321 §4.4, §6.3, RFC 6376.
SES facts: SES Developer Guide, header-fields, quotas.
Errors: a `Refusal` where SES would refuse, or where a change would be a guess.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from relay.mail.author import Authors, read_authors, rewrite_from, set_default_from
from relay.mail.changes import Change, Changed
from relay.mail.claims import without_claims
from relay.mail.complete import complete, mend_syntax
from relay.mail.eight_bit import seven_bit
from relay.mail.headers import (
    BLIND,
    BOUNCE_ADDRESSES,
    SES_PREFIX,
    SesParameters,
    ses_parameters,
)
from relay.mail.long_lines import fold
from relay.mail.once import reduce_duplicates
from relay.mail.parts import encode_parts
from relay.mail.plain import is_plain
from relay.mail.received import loop, received
from relay.mail.references import message_id, with_reference
from relay.mail.refusal import Refusal
from relay.mail.signatures import surviving
from relay.mail.signers import Signers
from relay.mail.split import Reading
from relay.model import replies
from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.envelope import Client
from relay.model.settings import ExistingSignature, SesHeader

THREAD_ABOVE = 256 * 1024  # octets; below, shaping and signing take a few milliseconds

_Fields = tuple[Field, ...]
_Step = tuple[_Fields, tuple[Changed, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """What the transaction's snapshot and the policy's decision say about one message."""

    client: Client
    queue_id: str
    hostname: str
    now: datetime
    limit: int  # octets that the chosen API takes
    signers: Signers | None = None  # None: the route has SES sign
    threading: bool = True
    ses_headers: tuple[SesHeader, ...] = ()
    default_from: Address | None = None
    rewrite_from: Address | None = None
    add_headers: tuple[tuple[str, str], ...] = ()
    remove_headers: tuple[str, ...] = ()
    seven_bit_body: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped:
    """A message as it goes to SES, and what was learned on the way."""

    content: Content  # Received and DKIM-Signature included
    authors: Authors
    message_id: str  # the client's own, which SES replaces; ours where the client gave none
    ses: SesParameters
    changed: tuple[Changed, ...]
    signed_by: str | None = None  # `selector/domain` of our signature


@dataclass(slots=True)
class _Draft:
    """The message between two steps, and what was changed so far."""

    content: Content
    changed: list[Changed]
    plain: bool = False  # the steps that mend a header would find nothing to do

    @property
    def fields(self) -> _Fields:
        return self.content.fields

    def take(self, step: _Step | Refusal) -> Refusal | None:
        """Go on with what a step made of the header, or stop."""
        if isinstance(step, Refusal):
            return step
        if step[0] is not self.fields:
            self.content = self.content.with_fields(step[0])
        self.changed += step[1]
        return None


def shape(reading: Reading, how: Shaping) -> Shaped | Refusal:
    """Make a message fit for SES, or say why it cannot be."""
    if refusal := loop(reading.content):
        return refusal
    draft = _Draft(reading.content, list(reading.changed))
    ses = _obey_and_hide(draft, how)
    if isinstance(ses, Refusal):
        return ses
    authors = _settle_header(draft, how)
    if isinstance(authors, Refusal):
        return authors
    own_id = message_id(draft.fields)
    if refusal := _settle_lines(draft, own_id, how):
        return refusal
    draft.take(complete(draft.fields, now=how.now, queue_id=how.queue_id, hostname=how.hostname))
    shaped = Shaped(
        content=draft.content,
        authors=authors,
        message_id=(own_id or message_id(draft.fields)).decode("ascii", "replace"),
        ses=ses,
        changed=tuple(draft.changed),
    )
    return _sealed(reading, shaped, how)


def _obey_and_hide(draft: _Draft, how: Shaping) -> SesParameters | Refusal:
    """Do what the rules say, take over what the user may tell SES, remove what must not go on."""
    draft.take(without_claims(draft.fields, how.hostname))
    draft.take(_by_rule(draft.fields, how))
    draft.plain = is_plain(draft.fields)
    ses = ses_parameters(draft.fields, how.ses_headers)
    if not draft.plain:
        draft.take(_without_hidden(draft.fields))
    return ses


def _settle_header(draft: _Draft, how: Shaping) -> Authors | Refusal:
    """Mend the header until SES and receivers read it one way, and settle who writes."""
    if not draft.plain:
        draft.take(mend_syntax(draft.fields))
        if refusal := draft.take(seven_bit(draft.fields)):
            return refusal
        if refusal := draft.take(reduce_duplicates(draft.fields)):
            return refusal
    if how.default_from is not None:
        draft.take(set_default_from(draft.fields, how.default_from))
    if how.rewrite_from is not None:
        draft.take(rewrite_from(draft.fields, how.rewrite_from))
    return read_authors(draft.content)


def _settle_lines(draft: _Draft, own_id: bytes, how: Shaping) -> Refusal | None:
    """Append to References, and bring header and body within SES's length of line."""
    if how.threading:
        draft.take(with_reference(draft.fields, own_id))
    if refusal := draft.take(fold(draft.fields)):
        return refusal
    encoded = encode_parts(draft.content, seven_bit=how.seven_bit_body)
    if isinstance(encoded, Refusal):
        return encoded
    draft.content, changed = encoded
    draft.changed += changed
    return None


def _sealed(reading: Reading, shaped: Shaped, how: Shaping) -> Shaped | Refusal:
    """Settle signatures, add Received, and sign what is then never edited again."""
    signer = None
    if how.signers is not None:
        signer = how.signers.choose(shaped.authors.authors[0].domain, how.now)
    old = list(shaped.content.named(b"dkim-signature"))
    kept = None
    if old and how.signers is not None:
        existing = signer.existing if signer else ExistingSignature.KEEP
        if existing is ExistingSignature.REFUSE:
            return Refusal.of(replies.MALFORMED, "The message has a DKIM-Signature already")
        if existing is ExistingSignature.KEEP:
            kept = surviving(reading.content, shaped.content)
    fields = tuple(
        field for field in shaped.content.fields if field.name != b"dkim-signature" or field is kept
    )
    changed = shaped.changed
    if len(old) > (kept is not None):
        changed += (Changed(Change.SIGNATURE_REMOVED),)
    trace = received(how.client, how.hostname, how.queue_id, how.now)
    content = shaped.content.with_fields((trace, *fields))
    changed += (Changed(Change.RECEIVED),)
    signed_by = None
    if signer is not None and kept is None:
        signature = signer.sign(content, how.now)
        content = content.with_fields((signature, *content.fields))
        signed_by = f"{signer.selector}/{signer.domain}"
        changed += (Changed(Change.SIGNED, signed_by),)
    if content.size > how.limit:
        return Refusal.of(
            replies.TOO_BIG, f"Message is too big: {content.size} octets of at most {how.limit}"
        )
    return replace(shaped, content=content, changed=changed, signed_by=signed_by)


def _by_rule(fields: _Fields, how: Shaping) -> _Step:
    """Do to the header what the operator's rules say."""
    changed: list[Changed] = []
    if how.remove_headers:
        names = {name.lower().encode("ascii") for name in how.remove_headers}
        gone = [field.name for field in fields if field.name in names]
        fields = tuple(field for field in fields if field.name not in names)
        changed += [Changed(Change.RULE_REMOVED, name.decode("ascii")) for name in gone]
    for name, value in how.add_headers:
        fields += (Field.of(name, value.encode("utf-8")),)
        changed.append(Changed(Change.RULE_ADDED, name))
    return fields, tuple(changed)


def _without_hidden(fields: _Fields) -> _Step:
    """Remove what nobody behind the relay may see or SES must not obey."""
    kept: list[Field] = []
    changed: list[Changed] = []
    for field in fields:
        name = field.name
        if name.startswith(SES_PREFIX):
            changed.append(Changed(Change.SES_HEADER, name.decode("ascii", "replace")))
        elif name in BLIND:
            changed.append(Changed(Change.BCC, name.decode("ascii")))
        elif name in BOUNCE_ADDRESSES:
            changed.append(Changed(Change.BOUNCE_ADDRESS, name.decode("ascii")))
        else:
            kept.append(field)
    return (tuple(kept), tuple(changed)) if changed else (fields, ())
