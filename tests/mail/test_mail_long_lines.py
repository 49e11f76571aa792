import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_examples import fields, raws

from relay.mail.long_lines import LINE_LIMIT, fold, has_long_line
from relay.mail.pieces import PIECE
from relay.mail.refusal import Refusal

LONGEST = b"x" * LINE_LIMIT


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", False),
        (LONGEST, False),
        (LONGEST + b"\r\n", False),
        (LONGEST + b"\r\n" + LONGEST, False),
        (LONGEST + b"x", True),
        (LONGEST + b"x\r\n", True),
        (b"a\r\n" * 100_000 + LONGEST + b"x", True),
        (b"a\r\n" * 100_000 + LONGEST + b"\r\n" + b"b\r\n" * 100_000, False),
        (b"x" * PIECE * 3, True),
        (b"\r\n" * PIECE, False),
    ],
)
def test_long_lines_are_found(body, found):
    assert has_long_line(body) is found
    assert has_long_line(memoryview(body)) is found


@given(st.lists(st.integers(0, 1100), max_size=12))
def test_the_search_agrees_with_counting(lengths):
    body = b"\r\n".join(b"x" * length for length in lengths)
    assert has_long_line(body) is any(length > LINE_LIMIT for length in lengths)


def folded(*lines):
    result = fold(fields(*lines))
    assert not isinstance(result, Refusal), result
    return result


def test_long_fields_are_folded_at_blanks_and_unfold_to_the_same():
    line = b"Subject: " + b"some words  and\tmore " * 100
    result, changed = folded(line, "To: a@x")
    assert [str(made) for made in changed] == ["long-header: Subject"]
    assert result[0].raw.replace(b"\r\n", b"") == line
    assert max(map(len, result[0].raw.split(b"\r\n"))) <= 100
    assert all(part.strip() for part in result[0].raw[:-2].split(b"\r\n"))
    assert raws(result)[1] == b"To: a@x\r\n"


def test_a_word_longer_than_78_stays_whole():
    word = b"y" * 900
    result, _ = folded(b"X-A: " + b" ".join([word, word, b"z"]))
    assert result[0].raw == b"X-A: " + word + b"\r\n " + word + b"\r\n z\r\n"


def test_a_line_of_998_stays():
    given = fields(b"X-A: " + b"x" * 993)
    assert fold(given) == (given, ())


@pytest.mark.parametrize("value", [b"x" * 1200, b"a " + b"x" * 1200, b"a" + b" " * 1200 + b"b"])
def test_what_has_no_place_to_fold_is_refused_by_name(value):
    found = fold(fields(b"X-Long: " + value))
    assert isinstance(found, Refusal)
    assert "X-Long" in found.reply.text


@given(st.lists(st.sampled_from([b"word", b"w" * 80, b" ", b"\t", b"  "]), max_size=300))
def test_folding_never_changes_what_is_read(parts):
    line = b"X-A: " + b"".join(parts)
    result = fold(fields(line))
    if not isinstance(result, Refusal):
        assert result[0][0].raw.replace(b"\r\n", b"") == line
        assert fold(result[0]) == (result[0], ())
