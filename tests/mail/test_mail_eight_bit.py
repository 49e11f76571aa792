from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_examples import fields

from relay.mail.eight_bit import seven_bit, seven_bit_field
from relay.mail.refusal import Refusal
from relay.model.content import Field


def spelled(line):
    field = seven_bit_field(fields(line)[0])
    assert isinstance(field, Field), field
    assert field.raw.isascii()
    return field


def decoded(line):
    return str(make_header(decode_header(spelled(line).value.decode())))


@pytest.mark.parametrize(
    "text",
    [
        "Grüße",
        "Grüße aus Köln",
        "plain Grüße   Köln  plain",
        "東京" * 40,
        "ends with ü",
        "(ü)",
        "x=ü;",
    ],
)
def test_text_reads_the_same(text):
    assert decoded(f"Subject: {text}") == text


def test_words_without_8_bit_octets_stay_as_they_are():
    assert spelled("Subject: one  two drei\u00fc four  five").raw == (
        b"Subject: one  two =?utf-8?b?ZHJlacO8?= four  five\r\n"
    )


def test_latin1_is_read_as_such():
    assert decoded(b"Subject: Gr\xfc\xdfe") == "Grüße"


def test_folding_and_the_spelling_of_the_name():
    assert spelled("SUBJECT:\r\n a\r\n ü").raw == b"SUBJECT: a =?utf-8?b?w7w=?=\r\n"


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("Jörg <a@b.c>", [("Jörg", "a@b.c")]),
        ("Jörg<a@b.c>", [("Jörg", "a@b.c")]),
        ('"Müller, Jörg" <a@b.c>', [("Müller, Jörg", "a@b.c")]),
        ('"A \\"Ä\\"" <a@b.c>', [('A "Ä"', "a@b.c")]),
        ("Jörg Über Ärger <a@b.c>", [("Jörg Über Ärger", "a@b.c")]),
        ("Jörg B Ö <a@b.c>, C <d@e.f>", [("Jörg B Ö", "a@b.c"), ("C", "d@e.f")]),
        ("Ä <a@b.c>,Ö <d@e.f>", [("Ä", "a@b.c"), ("Ö", "d@e.f")]),
        ("a@bücher.example", [("", "a@xn--bcher-kva.example")]),
        ("Ä <a@bücher.example>", [("Ä", "a@xn--bcher-kva.example")]),
        ("a@b.c (Jörg)", [("", "a@b.c")]),
        ("a@b.c (Jörg Ö), d@e.f", [("", "a@b.c"), ("", "d@e.f")]),
    ],
)
def test_address_lists_read_the_same(value, boxes):
    field = spelled(f"To: {value}")
    message = message_from_bytes(field.raw + b"\r\n", policy=policy.default)
    assert [(box.display_name, box.addr_spec) for box in message["To"].addresses] == boxes


@pytest.mark.parametrize(
    "value", ["jörg@example.com", "<jörg@b.c>", '"jörg"@b.c', "a@" + "ü" * 70, "a@\u00a0"]
)
def test_addresses_without_a_7_bit_spelling_are_refused(value):
    found = seven_bit(fields("Subject: x", f"To: {value}"))
    assert isinstance(found, Refusal)
    assert str(found.reply).startswith("553 5.6.7")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('Content-Disposition: attachment; filename="Übersicht ä.pdf"', "Übersicht ä.pdf"),
        ("Content-Disposition: attachment; filename=Übersicht.pdf; size=1", "Übersicht.pdf"),
        ('Content-Disposition: attachment; x="a"; filename="Ü\\".pdf"', 'Ü".pdf'),
    ],
)
def test_file_names_read_the_same(line, name):
    message = message_from_bytes(spelled(line).raw + b"\r\n", policy=policy.default)
    assert message.get_filename() == name
    assert message.get_content_disposition() == "attachment"


def test_octets_outside_parameters_become_question_marks():
    assert spelled(b"Content-Type: text/\xfcber; charset=x").value == b"text/?ber; charset=x"


def test_7_bit_fields_are_the_same():
    given = fields("Subject: x", "To: a@b.c")
    assert seven_bit(given) == (given, ())


def test_changes_name_the_fields():
    result = seven_bit(fields("Subject: ü", "To: a@b.c", "X-Über: x"))
    assert not isinstance(result, Refusal)
    assert [str(made) for made in result[1]][:1] == ["eight-bit-header: Subject"]


NAMES = st.sampled_from(["Subject", "From", "To", "Content-Type", "Content-Disposition", "X-A"])
MARKS = st.sampled_from([*b'"\\()<>,:;@=*. \t\xe4\xc3\xa4a'])


@given(NAMES, st.lists(MARKS, max_size=40).map(bytes))
def test_nothing_raises_and_the_result_is_7_bit(name, value):
    field = Field(name.encode() + b": " + value + b"\r\n")
    result = seven_bit_field(field)
    if isinstance(result, Field):
        assert result.raw.isascii()
        assert seven_bit_field(result) is result
