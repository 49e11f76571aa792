"""Answers in HTTP/1.1, whole and torn, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.aws.http_answer import BODY_LIMIT, HEAD_LIMIT, AnswerReader, NotHttp

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amzn-RequestId:  R \r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
)
TRAILED = CHUNKED[:-2] + b"X-Trailer: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH


def read(pieces):
    reader = AnswerReader()
    answers = [answer for piece in pieces if (answer := reader.feed(piece)) is not None]
    assert len(answers) == 1
    return answers[0]


@pytest.mark.parametrize("octets", [LENGTH, CHUNKED, TRAILED, INTERIM])
@given(data=st.data())
def test_an_answer_is_the_same_however_it_is_torn(octets, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(octets) - 1), max_size=8)))
    pieces = [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    answer = read(pieces)
    assert (answer.status, answer.body, answer.last) == (200, b"hello", False)


@pytest.mark.parametrize("octets", [LENGTH, CHUNKED, TRAILED, INTERIM])
def test_no_part_of_an_answer_is_one(octets):
    for cut in range(len(octets)):
        reader = AnswerReader()
        assert reader.feed(octets[:cut]) is None
        assert reader.end() is None


def test_names_are_lower_case_and_values_without_blanks():
    assert read([LENGTH]).headers["x-amzn-requestid"] == "R"


def test_an_answer_may_last_until_the_connection_ends():
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") is None
    assert reader.feed(b"lo") is None
    answer = reader.end()
    assert answer is not None
    assert (answer.body, answer.last) == (b"hello", True)


@pytest.mark.parametrize(
    "octets",
    [
        LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n"),
        LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"),
        LENGTH + b"more than was asked for",
        CHUNKED + b"more than was asked for",
    ],
)
def test_the_last_one_on_a_connection(octets):
    assert read([octets]).last


def test_no_content_has_no_body():
    assert read([b"HTTP/1.1 204 No Content\r\n\r\n"]).body == b""


@pytest.mark.parametrize(
    "octets",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"2",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2xx Fine\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-6\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhe\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        b"x" * (HEAD_LIMIT + 1),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BODY_LIMIT + 1),
    ],
)
def test_what_is_no_answer(octets):
    with pytest.raises(NotHttp):
        AnswerReader().feed(octets)
