import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_examples import read
from odd_messages import SHAPES

from relay.mail.mime import DEPTH_LIMIT, PART_LIMIT, Structure, structure
from relay.mail.refusal import Refusal


def of(octets):
    content = read(octets).content
    found = structure(content)
    assert isinstance(found, Structure), found
    return content, found


def leaves(octets):
    content, found = of(octets)
    return [bytes(content.body[part.start : part.end]) for part in found.parts if part.leaf]


def mixed(body, boundary=b"x"):
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


def test_a_plain_message_is_one_part():
    content, found = of(b"Subject: x\r\n\r\n--x\r\nbody")
    (part,) = found.parts
    assert (part.header, part.start, part.end) == ((0, 0), 0, len(content.body))
    assert (part.type, part.encoding, part.leaf, part.sealed) == (b"text/plain", b"", True, False)


def test_parts_and_the_text_around_them():
    content, found = of(
        mixed(b"before\r\n--x\r\nA: b\r\n\r\none\r\n--x  \r\n\r\ntwo\r\n\r\n--x--\r\nafter\r\n")
    )
    root, first, second = found.parts
    assert not root.leaf
    assert bytes(content.body[slice(*first.header)]) == b"A: b\r\n\r\n"
    assert bytes(content.body[first.start : first.end]) == b"one"
    assert bytes(content.body[second.start : second.end]) == b"two\r\n"
    assert [bytes(content.body[start:end]) for start, end in found.gaps] == [
        b"before",
        b"after\r\n",
    ]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--x\r\n\r\none", [b"one"]),
        (b"--x\r\n\r\none\r\n", [b"one\r\n"]),
        (b"--x\r\n\r\n\r\n--x\r\n\r\n--x--", [b"", b""]),
        (b"--x\r\n--x\r\n\r\ntwo\r\n--x--", [b"", b"two"]),
        (b"--x\r\nno field\r\n\r\none\r\n--x--", [b"no field\r\n\r\none"]),
        (b"--x\r\nA: b\r\n--x--", [b""]),
        (b"--xx\r\n--x\r\n\r\n--x-\r\n--y\r\n--x--", [b"--x-\r\n--y"]),
        (b" --x\r\n--x\r\n\r\none\r\n--x--\r\n--x\r\n\r\nlate", [b"one"]),
        (b"nothing", [b"nothing"]),
    ],
)
def test_boundaries(body, parts):
    assert leaves(mixed(body)) == parts


def test_an_inner_multipart_without_end_is_closed_by_the_outer():
    inner = mixed(b"--y\r\n\r\none", b"y")
    assert leaves(mixed(b"--x\r\n" + inner + b"\r\n--x\r\n\r\ntwo\r\n--x--")) == [b"one", b"two"]


def test_the_message_in_a_message_has_parts_of_its_own():
    inner = mixed(b"--y\r\nContent-Type: a/b\r\n\r\none\r\n--y--", b"y")
    assert leaves(
        mixed(b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: i\r\n" + inner + b"\r\n--x--")
    ) == [b"one"]
    assert leaves(b"Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\ninner") == [b"inner"]


def test_an_encoded_message_is_a_leaf():
    header = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert leaves(header + b"QTogYg==") == [b"QTogYg=="]


def test_a_digest_holds_messages():
    octets = b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nA: b\r\n\r\nin\r\n--x--"
    assert leaves(octets) == [b"in"]


@pytest.mark.parametrize("kind", [b"multipart/signed", b"multipart/encrypted"])
def test_what_is_within_a_seal_is_sealed(kind):
    inner = mixed(b"--y\r\n\r\ndeep\r\n--y--", b"y")
    sealed = b"Content-Type: " + kind + b"; boundary=s\r\n\r\n--s\r\n" + inner + b"\r\n--s--"
    _, found = of(mixed(b"--x\r\n" + sealed + b"\r\n--x\r\n\r\nopen\r\n--x--"))
    assert [part.sealed for part in found.parts] == [False, True, True, True, False]


def test_pkcs7_is_sealed():
    _, found = of(b"Content-Type: application/PKCS7-mime; name=smime.p7m\r\n\r\nxx")
    assert found.parts[0].sealed


def test_the_limits():
    assert len(of(mixed(b"--x\r\n\r\n" * (PART_LIMIT - 1)))[1].parts) == PART_LIMIT
    found = structure(read(mixed(b"--x\r\n\r\n" * PART_LIMIT)).content)
    assert isinstance(found, Refusal)
    nested = b"Content-Type: message/rfc822\r\n\r\n"
    assert isinstance(structure(read(nested * DEPTH_LIMIT).content), Refusal)
    assert len(of(nested * (DEPTH_LIMIT - 1))[1].parts) == DEPTH_LIMIT
    huge = mixed(b"--x\r\n" + b"A: " + b"x" * 70_000 + b"\r\n\r\n")
    assert isinstance(structure(read(huge).content), Refusal)


@pytest.mark.parametrize("octets", SHAPES.values(), ids=SHAPES)
def test_parts_never_overlap_and_cover_no_more_than_the_body(octets):
    content = read(octets).content
    found = structure(content)
    assert isinstance(found, Structure)
    position = 0
    spans = [(part.start, part.end) for part in found.parts if part.leaf]
    for start, end in sorted([*spans, *found.gaps]):
        assert position <= start <= end <= len(content.body)
        position = end


LINES = st.sampled_from(
    [
        *(b"--x", b"--x--", b"--y", b"--y--", b"", b"A: b", b"text", b"--", b"-- "),
        b"Content-Type: multipart/mixed; boundary=y",
        b"Content-Type: multipart/signed; boundary=x",
        b"Content-Type: message/rfc822",
    ]
)


@given(st.lists(LINES, max_size=30).map(b"\r\n".join))
def test_any_body_has_a_structure(body):
    test_parts_never_overlap_and_cover_no_more_than_the_body(mixed(body))


@pytest.mark.parametrize("size", [*range(4070, 4100), 60_000])
@pytest.mark.parametrize("end", [b"\r\n", b"no field at all\r\n"])
def test_part_headers_are_read_across_the_window(size, end):
    header = b"A: " + b"y" * size + b"\r\nB: c\r\n d\r\n"
    content, found = of(mixed(b"--x\r\n" + header + end + b"body\r\n--x--"))
    assert [field.raw for field in found.parts[1].fields] == [
        b"A: " + b"y" * size + b"\r\n",
        b"B: c\r\n d\r\n",
    ]
    assert bytes(content.body[found.parts[1].start :]).removeprefix(end) == b"body\r\n--x--"


@pytest.mark.parametrize(
    "line", [b"x" * 100_000, b"two words " * 10_000, b"A: b\r\n" + b"x" * 5000]
)
def test_a_long_line_that_is_no_field_begins_the_body(line):
    first = line.partition(b"A: b\r\n")
    assert leaves(mixed(b"--x\r\n" + line + b"\r\n--x--")) == [first[2] or line]
