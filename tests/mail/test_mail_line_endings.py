import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.line_endings import LineFault, fault, mend

LINES = st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"\0", b"a", b".", b" "])).map(b"".join)


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"", None),
        (b"a\r\nb\r\n", None),
        (b"a\nb", LineFault.BARE_LF),
        (b"a\rb", LineFault.BARE_CR),
        (b"a\r", LineFault.BARE_CR),
        (b"a\r\r\n", LineFault.BARE_CR),
        (b"\r\n\n", LineFault.BARE_LF),
        (b"a\0b\r", LineFault.NUL),
    ],
)
def test_the_worst_fault_is_named(octets, found):
    assert fault(octets) is found


def test_a_fault_has_a_permanent_reply():
    assert all(found.reply.permanent for found in LineFault)


def test_clean_octets_are_not_copied():
    octets = b"a\r\nb\r\n"
    assert mend(octets) is octets


@given(LINES)
def test_mending_leaves_no_bare_lf_and_changes_nothing_else(octets):
    mended = mend(octets)
    assert fault(mended) is not LineFault.BARE_LF
    assert mended.replace(b"\r\n", b"\n") == octets.replace(b"\r\n", b"\n")
    assert mend(mended) is mended


@given(LINES.filter(lambda octets: b"\r" not in octets.replace(b"\r\n", b"")))
def test_after_mending_only_nul_can_be_wrong(octets):
    assert fault(mend(octets)) in (None, LineFault.NUL)
