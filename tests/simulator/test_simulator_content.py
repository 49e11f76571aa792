import pytest

from relay.simulator import Refusal
from relay.simulator.content import Content, header_fault, read
from relay.simulator.limits import ONCE_ONLY_HEADERS


def fault(raw):
    content = read(raw)
    if isinstance(content, Refusal):
        return content.message
    found = header_fault(content)
    return found if found is None else found.message


def test_fields_are_unfolded_and_the_body_is_left_alone():
    content = read(b"From: a@b.example\r\nSubject: one\r\n\ttwo\r\n\r\n\r\nbody\r\n")
    assert isinstance(content, Content)
    assert content.values("subject") == ["one\ttwo"]
    assert bytes(content.body) == b"\r\nbody\r\n"


def test_the_first_of_repeated_fields_wins():
    content = read(b"X-SES-TENANT: one\r\nX-SES-TENANT: two\r\n\r\n")
    assert content.value("x-ses-tenant") == "one"


@pytest.mark.parametrize("name", sorted(ONCE_ONLY_HEADERS))
def test_fields_allowed_once_are_refused_twice(name):
    written = name.title()
    raw = f"X: y\r\n{written}: a\r\n{name}: b\r\n\r\n".encode()
    assert fault(raw) == f"Duplicate header '{written}'"


@pytest.mark.parametrize("name", ["To", "Cc", "Received", "X-Custom"])
def test_other_fields_may_repeat(name):
    raw = f"From: a@b.example\r\n{name}: a@b.example\r\n{name}: c@d.example\r\n\r\n".encode()
    assert fault(raw) is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"To: a@b.example\r\n\r\n", "Missing required header 'From'."),
        (b"From:\r\n\r\n", "Missing required header 'From'."),
        (b"\r\nbody", "Missing required header 'From'."),
        (b"From: a@b.example\r\nTo: \r\n\r\n", "Missing required header 'To'."),
        (b"From: a@b.example\r\n: value\r\n\r\n", "Empty header names are illegal."),
        (b"From: a@b.example\r\nno field\r\n\r\n", "Empty header names are illegal."),
        (b"From: a@b.example\r\n", "Missing blank line between header and body."),
        (b"", "Missing blank line between header and body."),
        (b"From: a@b.example\r\n\r\n\0", "Message contains a NUL octet."),
        (b"From: a@b.example\r\n\r\na\nb\r\n", "Message contains a bare CR or LF."),
        (b"From: a@b.example\r\n\r\na\rb\r\n", "Message contains a bare CR or LF."),
        (b"From: a@b.example\nX-SES-TENANT: t\r\n\r\n", "Message contains a bare CR or LF."),
        (b"From: a@b.example\r\n\r\na\r\r\n", "Message contains a bare CR or LF."),
    ],
)
def test_malformed_messages(raw, text):
    assert fault(raw) == text


@pytest.mark.parametrize("before", [b"", b"x\r\n", b"x" * 998 + b"\r\n"])
@pytest.mark.parametrize("end", [b"\r\n", b"", b"\r\nmore"])
def test_a_line_has_998_octets_at_most(before, end):
    head = b"From: a@b.example\r\n\r\n" + before
    assert fault(head + b"y" * 998 + end) is None
    assert fault(head + b"y" * 999 + end) == "Line is longer than 1000 octets including CRLF."


def test_forty_megabytes_are_read_without_a_copy():
    raw = b"From: a@b.example\r\n\r\n" + (b"x" * 76 + b"\r\n") * (40 * 1024 * 1024 // 78)
    content = read(raw)
    assert content.raw is raw
    assert len(content.body) == len(raw) - content.body_at
