import pytest
from mail_examples import fields, raws

from relay.mail.references import ID_LIMIT, IDS_LIMIT, SIZE_LIMIT, message_id, with_reference


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("Message-ID: <1@x>", b"<1@x>"),
        ("message-id:\r\n <1@x> (comment)", b"<1@x>"),
        ("Message-ID: 1@x", b"<1@x>"),
        ("Message-ID: two words", b""),
        ("Message-ID: <a b>", b""),
        ("Message-ID:", b""),
        ("Subject: <1@x>", b""),
    ],
)
def test_the_own_id_is_found(line, own):
    assert message_id(fields(line)) == own


def test_references_are_made_when_missing():
    result, changed = with_reference(fields("Subject: x"), b"<1@x>")
    assert raws(result) == [b"Subject: x\r\n", b"References: <1@x>\r\n"]
    assert [str(made) for made in changed] == ["threading: <1@x>"]


def test_the_id_is_appended_and_what_stands_there_stays():
    result, _ = with_reference(fields("references: <0@x>\r\n\t<y@z> ", "A: b"), b"<1@x>")
    assert raws(result) == [b"references: <0@x>\r\n\t<y@z>\r\n <1@x>\r\n", b"A: b\r\n"]


def test_never_twice():
    given = fields("References: <0@x> <1@x>")
    assert with_reference(given, b"<1@x>") == (given, ())
    once, _ = with_reference(fields("References: <0@x>"), b"<1@x>")
    assert with_reference(once, b"<1@x>") == (once, ())


@pytest.mark.parametrize("own", [b"", b"<" + b"x" * ID_LIMIT + b">", "<ä@x>".encode()])
def test_an_id_that_cannot_be_referred_to_is_left_alone(own):
    given = fields("Subject: x")
    assert with_reference(given, own) == (given, ())


@pytest.mark.parametrize("size", [5, 60, 700])
def test_long_threads_keep_the_first_and_the_latest(size):
    ids = [b"<%d.%s@x>" % (n, b"i" * size) for n in range(400)]
    result, _ = with_reference(fields(b"References: " + b"\r\n ".join(ids)), b"<own@x>")
    (field,) = result
    kept = field.value.split()
    assert kept[0] == ids[0]
    assert kept[-2:] == [ids[-1], b"<own@x>"]
    assert len(kept) <= IDS_LIMIT
    assert len(field.raw) <= SIZE_LIMIT
    assert max(map(len, field.raw.split(b"\r\n"))) <= 998


def test_a_huge_first_id_does_not_stay():
    ids = b"<" + b"x" * 9000 + b"> <2@x>"
    result, _ = with_reference(fields(b"References: " + ids), b"<own@x>")
    assert raws(result) == [b"References: <2@x>\r\n <own@x>\r\n"]
