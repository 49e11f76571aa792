"""Holds what reached SES against what the client sent, without asking the relay.

Whatever differs must be explained here, field by field; everything else must be the same octets in
the same order. This is a second reading of the table of changes in README, on purpose: it shares no
code with `relay.mail`.
"""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from urllib.parse import unquote

FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
MBOX = re.compile(rb">?From ")
LONG = 998  # octets of a line without its CRLF

HIDDEN = {b"bcc", b"resent-bcc", b"return-path", b"bounces-to"}
# The odd messages write the relay's name in these ways.
OURS = re.compile(rb'(?i)(\(a \(nested\) comment\) )?"?relay\.example\.com"?( 1)?;')
NEVER_EMPTY = set(
    b"from sender reply-to to cc date message-id references in-reply-to content-type mime-version "
    b"content-transfer-encoding content-disposition content-id".split()
)
# Those of SES's once-only fields that the messages have twice.
ONCE = set(
    b"from subject mime-version references reply-to content-type message-id date sender "
    b"in-reply-to content-transfer-encoding user-agent precedence list-id list-post list-help "
    b"list-unsubscribe list-subscribe list-archive errors-to delivered-to".split()
)


def name_of(field):
    return field.partition(b":")[0].rstrip(b" \t").lower()


def value_of(field):
    return field.partition(b":")[2].strip()


def read(octets):
    """Give fields and body; the first line that is no field begins the body."""
    fields, position = [], 0
    while position < len(octets):
        found = octets.find(b"\r\n", position)
        end = len(octets) if found < 0 else found + 2
        line = octets[position:end]
        if line == b"\r\n":
            return fields, octets[end:]
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line
        elif FIELD.match(line):
            fields.append(line)
        elif position or not MBOX.match(line):
            return fields, octets[position:]
        position = end
    return fields, b""


def faults_of(sent, arrived):
    """Give everything about the arrived message that no change of the table explains."""
    before, body = read(sent)
    after, arrived_body = read(arrived)
    if b"".join(after) + b"\r\n" + arrived_body != arrived:
        return ["the header does not end with an empty line"]
    faults = [] if after and name_of(after[0]) == b"received" else ["no Received on top"]
    coded = arrived_body != body
    if coded:
        faults += _coding_faults(before, body, arrived)
    groups = _groups(before)
    after = after[1:]
    own_id = next((value_of(field) for field in before if name_of(field) == b"message-id"), b"")
    for (name, instances), field in zip(groups, after, strict=False):
        if name_of(field) != name:
            return [*faults, f"{field!r} stands where {instances!r} was"]
        if field != instances[0] and not _explained(name, instances, field, own_id, coded):
            faults.append(f"{instances!r} became {field!r}")
    faults += [f"{instances!r} is gone" for _, instances in groups[len(after) :]]
    present = {name for name, _ in groups}
    faults += [
        f"{field!r} was added"
        for field in after[len(groups) :]
        if not _may_be_added(field, present, own_id, coded)
    ]
    return faults


def _groups(fields):
    """Give what must still be there, in order: names with all their instances."""
    groups = []
    for field in fields:
        name = name_of(field)
        empty = not value_of(field).strip(b" \t\r\n\x0b\x0c")
        if name == b"authentication-results" and OURS.match(value_of(field)):
            continue
        if name in HIDDEN or name.startswith(b"x-ses-") or name == b"dkim-signature":
            continue
        if empty and name in NEVER_EMPTY:
            continue
        known = next((group for group in groups if group[0] == name and name in ONCE), None)
        if known is None:
            groups.append((name, [field]))
        else:
            known[1].append(field)
    return groups


def _explained(name, instances, field, own_id, coded):
    if name == b"references":
        return _is_thread(instances, field, own_id)
    if coded and name in (b"content-type", b"content-transfer-encoding"):
        return True
    if any(len(line) > LONG for line in field.split(b"\r\n")) or not field.isascii():
        return False
    if len(instances) > 1 and name == b"reply-to":
        return _words(field) == [word for one in instances for word in _words(one)]
    return any(_text(field) in _texts(one) for one in instances)


def _is_thread(instances, field, own_id):
    """Tell if References holds what it held and the message's own id behind it, once."""
    ids = re.findall(rb"<[^<>\s]+>", b" ".join(instances))
    wanted = list(dict.fromkeys([*ids, _bracketed(own_id)] if own_id else ids))
    got = value_of(field).split()
    if len(wanted) > 100:  # the first and the latest stay
        return got[0] == wanted[0] and got[1:] == wanted[-len(got) + 1 :]
    return got == wanted


def _may_be_added(field, present, own_id, coded):
    name = name_of(field)
    match name:
        case b"date" | b"message-id":
            return name not in present
        case b"mime-version":
            typed = {b"content-type", b"content-transfer-encoding"} & present
            return name not in present and bool(typed or coded)
        case b"references":
            return name not in present and value_of(field) == _bracketed(own_id)
        case b"content-type" | b"content-transfer-encoding":
            return coded and name not in present
        case _:
            return False


def _bracketed(own_id):
    found = re.search(rb"<[^<>\s]+>", own_id)
    return found.group() if found else b"<" + own_id + b">"


def _coding_faults(before, body, arrived):
    if all(len(line) <= LONG for line in body.split(b"\r\n")):
        return ["the body is not what was sent"]
    if any(len(line) > LONG for line in arrived.split(b"\r\n")):
        return ["a line is too long for SES"]
    sent = b"".join(before) + b"\r\n" + body
    return [] if _payloads(sent) == _payloads(arrived) else ["the body says something else"]


def _payloads(octets):
    parts = message_from_bytes(octets).walk()
    return [part.get_payload(decode=True) for part in parts if not part.is_multipart()]


def _text(field):
    """Give what a field says, whatever its folding, blanks, quotes and encoded words."""
    text = b" ".join(value_of(field).split()).decode("ascii", "replace")
    if "=?" in text:
        text = str(make_header(decode_header(text)))
    # A parameter in RFC 2231's form.
    text = re.sub(r"\*=utf-8''(\S+)", lambda found: "=" + unquote(found[1]), text)
    return re.sub(r'[\s"]', "", text)


def _texts(field):
    """Give the ways in which a field that was sent may be read."""
    value = b" ".join(value_of(field).split())
    for charset in ("utf-8", "latin-1"):
        try:
            text = value.decode(charset)
        except UnicodeDecodeError:
            continue
        text = re.sub(r"@([^\s<>,]+)", lambda found: "@" + _a_label(found[1]), text)
        yield re.sub(r'[\s"]', "", text)
    yield _text(field)


def _a_label(domain):
    return domain if domain.isascii() else domain.encode("idna").decode()


def _words(field):
    return [word.strip(",") for word in value_of(field).decode().split()]
