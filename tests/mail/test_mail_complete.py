import pytest
from mail_examples import HOSTNAME, NOW, fields, raws

from relay.mail.complete import complete, mend_syntax


def completed(*lines):
    result, changed = complete(fields(*lines), now=NOW, queue_id="q1", hostname=HOSTNAME)
    return raws(result)[len(lines) :], [str(made) for made in changed]


def test_date_and_message_id_are_added():
    assert completed("Subject: x") == (
        [
            b"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n",
            b"Message-ID: <q1@relay.example.com>\r\n",
        ],
        ["date", "message-id"],
    )


@pytest.mark.parametrize("line", ["Content-Type: text/html", "Content-Transfer-Encoding: 8bit"])
def test_mime_fields_need_a_version(line):
    assert completed(line, "date: x", "message-id: y") == (
        [b"MIME-Version: 1.0\r\n"],
        ["mime-version"],
    )


def test_a_complete_header_stays():
    assert completed("DATE: x", "Message-Id: y", "Content-Type: z", "Mime-Version: 1.0") == ([], [])


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("Subject : x", b"Subject: x\r\n"),
        ("Subject \t: x", b"Subject: x\r\n"),
        ("Subject: x\r\n \r\n y", b"Subject: x\r\n y\r\n"),
        ("Subject: x\r\n \t ", b"Subject: x\r\n"),
        ("Subject: \x0cx\x0b", b"Subject:  x \r\n"),
    ],
)
def test_obsolete_syntax_is_mended(line, mended):
    result, changed = mend_syntax(fields(line))
    assert raws(result) == [mended]
    assert [str(made) for made in changed] == ["field-syntax: Subject"]
    assert mend_syntax(result) == (result, ())


@pytest.mark.parametrize("line", ["To:", "Cc:  ", "Reply-To:\r\n \t", "References:", "From :"])
def test_structured_fields_without_a_value_go(line):
    result, changed = mend_syntax(fields(line, "Subject:"))
    assert raws(result) == [b"Subject:\r\n"]
    assert str(changed[-1]).startswith("empty-field: ")


def test_what_needs_nothing_is_the_same():
    given = fields("Subject:", "X-Empty:", "To: a@x,\r\n b@x")
    assert mend_syntax(given)[0] is given
