"""The reader of message data: every look-alike of the end, in every segmentation."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model import replies
from relay.smtp.data import DataReader

LOOK_ALIKES = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r.\n",
    b"\n.\r",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n.\rx",
    b"\r\n.\r\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n..\r\n",
    b"\r\n. \r\n",
    b"\r\n.\r\0\n",
    b"\r\r\n.\n",
    b"\n\r.\r\n",
    b"\r\n\n.\r\n",
    b"\r\n.\n\r\n",
]
SMUGGLED = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nx"


def read(segments, *, mend=True):
    """Feed segments; give what the message came to, and what stands behind its end."""
    reader = DataReader(mend=mend)
    segments = iter(segments)
    for segment in segments:
        behind = reader.feed(segment)
        if behind is not None:
            return reader, behind + b"".join(segments)
    return reader, None


def splits(octets, around, width):
    """Cut octets in two at each place of a range, and in three at each pair of places."""
    places = range(max(around - width, 0), min(around + width + 1, len(octets) + 1))
    for place in places:
        yield (octets[:place], octets[place:])
    for first, second in itertools.combinations(places, 2):
        yield (octets[:first], octets[first:second], octets[second:])


def meaning(reader, behind):
    return (bytes(reader.octets), reader.fault, behind)


@pytest.mark.parametrize("mend", [True, False], ids=["mend", "refuse"])
@pytest.mark.parametrize("look_alike", LOOK_ALIKES, ids=repr)
def test_a_look_alike_never_ends_the_message(look_alike, mend):
    octets = b"one" + look_alike + SMUGGLED + b"\r\n.\r\nQUIT\r\n"
    whole = meaning(*read([octets], mend=mend))
    assert whole[2] == b"QUIT\r\n"
    assert whole[1] is not None or SMUGGLED in whole[0]
    for segments in splits(octets, 3 + len(look_alike) // 2, 6):
        assert meaning(*read(segments, mend=mend)) == whole, segments


@pytest.mark.parametrize("mend", [True, False], ids=["mend", "refuse"])
def test_one_octet_at_a_time_is_the_same(mend):
    for look_alike in LOOK_ALIKES:
        octets = b".." + look_alike + b"end\r\n.\r\nNOOP\r\n"
        single = [octets[at : at + 1] for at in range(len(octets))]
        one = meaning(*read([octets], mend=mend))
        cut = meaning(*read(single, mend=mend))
        # Which of two faults is found first may depend on the segments; that there is one may not.
        assert (one[0], one[1] is None, one[2]) == (cut[0], cut[1] is None, cut[2]), look_alike


@pytest.mark.parametrize(
    ("sent", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b"a\r\n..\r\n..b\r\n.\r\n", b"a\r\n.\r\n.b\r\n"),
    ],
)
def test_dots_are_unstuffed_in_every_segmentation(sent, content):
    for segments in [[sent], *splits(sent, len(sent) // 2, len(sent))]:
        reader, behind = read(segments)
        assert (reader.fault, bytes(reader.octets), behind) == (None, content, b"")


@pytest.mark.parametrize(
    ("sent", "content"),
    [
        (b"a\nb\n\r\n.\r\n", b"a\r\nb\r\n\r\n"),
        (b"\n\n\r\n.\r\n", b"\r\n\r\n\r\n"),
        (b"a\n..b\r\n.\r\n", b"a\r\n.b\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),
        (b"\n.x\r\n.\r\n", b"\r\nx\r\n"),
    ],
)
def test_bare_lf_is_mended_in_every_segmentation(sent, content):
    for segments in [[sent], *splits(sent, len(sent) // 2, len(sent))]:
        reader, behind = read(segments)
        assert (reader.fault, bytes(reader.octets), behind) == (None, content, b"")


def test_bare_lf_is_refused_where_it_is_not_mended():
    reader, behind = read([b"a\nb\r\n.\r\n"], mend=False)
    assert reader.fault == replies.BARE_LINE_ENDING
    assert behind == b""


@pytest.mark.parametrize("mend", [True, False])
@pytest.mark.parametrize("octet", [b"a\rb", b"\r\r\n", b"a\r"])
def test_bare_cr_is_refused_always(octet, mend):
    reader, behind = read([octet + b"\r\n.\r\n"], mend=mend)
    assert reader.fault == replies.BARE_LINE_ENDING
    assert behind == b""


def test_nul_is_refused():
    reader, _ = read([b"a\0b\r\n.\r\n"])
    assert reader.fault == replies.NUL_OCTET


def test_a_refused_message_is_read_to_its_end_without_being_kept():
    reader = DataReader(mend=True)
    assert reader.feed(b"x" * 1000) is None
    reader.refuse(replies.TOO_BIG)
    reader.refuse(replies.NO_ROOM)
    assert reader.feed(b"y" * 100_000 + b"\r\n.\r") is None
    assert not reader.octets
    assert reader.feed(b"\nQUIT\r\n") == b"QUIT\r\n"
    assert reader.fault == replies.TOO_BIG
    assert not reader.octets
    assert reader.read == 1000 + 100_000 + 4 + 7


ODD = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0", b"\r\n.\r\n", b"\x80"]),
    max_size=25,
).map(b"".join)


@given(octets=ODD, cuts=st.lists(st.integers(0, 60), max_size=6), mend=st.booleans())
def test_segments_never_change_what_is_received(octets, cuts, mend):
    octets += b"\r\n.\r\n"
    places = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    segments = [octets[a:b] for a, b in itertools.pairwise(places)]
    one, cut = meaning(*read([octets], mend=mend)), meaning(*read(segments, mend=mend))
    assert (one[0], one[1] is None, one[2]) == (cut[0], cut[1] is None, cut[2])


@given(octets=ODD, mend=st.booleans())
def test_what_is_received_has_crlf_only_and_stuffs_back(octets, mend):
    reader, behind = read([octets + b"\r\n.\r\n"], mend=mend)
    content = bytes(reader.octets)
    assert b"\0" not in content
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    if reader.fault is None and content:
        # What a client would send for this content is read as this content.
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        again, rest = read([stuffed])
        assert (bytes(again.octets), rest) == (content, b"")
    assert behind is not None
