"""Reports: golden files for what they look like, and Python's parser for what they say."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from mail_examples import HOSTNAME, NOW, read, shaped, without_trace

from relay.mail.bounce import FULL_LIMIT, Action, Report, Status, Subject, report
from relay.model.address import Address
from relay.model.envelope import Recipient, Ret
from relay.model.reply import Reply

GOLDEN = Path(__file__).parent.parent / "golden"

CONTENT = read(
    b"From: A <a@example.com>\r\nTo: b@example.org, c@example.org\r\nSubject: Invoice\r\n"
    b"Message-ID: <1@app.example.com>\r\n\r\nPlease pay.\r\n"
).content
UNKNOWN = Status(
    Recipient(Address("b", "example.org"), orcpt="rfc822;B+2Bold@example.org"),
    Reply(550, "5.1.1", "No such user"),
)
LATE = Status(
    Recipient(Address("c", "example.org")),
    Reply(451, "4.4.1", "Amazon SES cannot be reached"),
)
TAKEN = Status(Recipient(Address("c", "example.org")), Reply(250, "2.0.0", "Ok 0102-000000"))

FAILED = Report(
    id="r1",
    action=Action.FAILED,
    about=Subject(
        queue_id="q1",
        content=CONTENT,
        received_at=NOW - timedelta(days=4),
        message_id="<1@app.example.com>",
        envid="app+2B1",
    ),
    statuses=(UNKNOWN, LATE),
    sender=Address("mailer-daemon", "example.com"),
    to=Address("a", "example.com"),
    hostname=HOSTNAME,
    now=NOW,
)
DELAYED = replace(FAILED, action=Action.DELAYED, statuses=(LATE,), until=NOW + timedelta(days=3))
RELAYED = replace(FAILED, action=Action.RELAYED, statuses=(TAKEN,))


def parsed(what):
    return message_from_bytes(report(what).octets(), policy=policy.default)


def facts(what):
    """Read the second part as RFC 3464 has it: groups of fields."""
    return [dict(group.items()) for group in list(parsed(what).iter_parts())[1].get_payload()]


@pytest.mark.parametrize(
    ("name", "what"),
    [("bounce_failed", FAILED), ("bounce_delayed", DELAYED), ("bounce_relayed", RELAYED)],
)
def test_a_report_looks_like_its_golden_file(name, what):
    assert report(what).octets() == (GOLDEN / f"{name}.eml").read_bytes()


@pytest.mark.parametrize("what", [FAILED, DELAYED, RELAYED])
def test_a_report_needs_no_shaping(what):
    content = report(what)
    assert without_trace(shaped(content.octets(), threading=False).content) == content


@pytest.mark.parametrize("what", [FAILED, DELAYED, RELAYED])
def test_machines_do_not_answer_and_defects_do_not_occur(what):
    message = parsed(what)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message.get_content_type() == "multipart/report"
    assert message["Content-Type"].params["report-type"] == "delivery-status"
    assert [part.defects for part in message.walk()] == [[]] * len(list(message.walk()))


def test_the_facts_of_a_failure():
    about, first, second = facts(FAILED)
    assert about == {
        "Reporting-MTA": "dns; relay.example.com",
        "Original-Envelope-Id": "app+1",
        "Arrival-Date": "Tue, 17 Nov 2026 12:00:00 +0000",
    }
    assert first["Original-Recipient"] == "rfc822; B+old@example.org"
    assert first["Final-Recipient"] == "rfc822; b@example.org"
    assert (first["Action"], first["Status"]) == ("failed", "5.1.1")
    assert first["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert "Original-Recipient" not in second
    assert second["Final-Log-Id"] == "q1"


def test_a_delay_says_until_when():
    assert facts(DELAYED)[1]["Will-Retry-Until"] == "Tue, 24 Nov 2026 12:00:00 +0000"
    assert "Will-Retry-Until" not in facts(replace(DELAYED, until=None))[1]


def test_handing_on_is_not_called_delivery():
    assert facts(RELAYED)[1]["Action"] == "relayed"
    assert b"Action: delivered" not in report(RELAYED).octets()


def returned(what):
    part = list(parsed(what).iter_parts())[2]
    return part.get_content_type(), report(what).octets()


def about(**changed):
    return replace(FAILED, about=replace(FAILED.about, **changed))


@pytest.mark.parametrize("ret", [None, Ret.FULL])
def test_a_failure_returns_the_message(ret):
    kind, octets = returned(about(ret=ret))
    assert kind == "message/rfc822"
    assert CONTENT.octets() in octets


@pytest.mark.parametrize(
    "what",
    [
        about(ret=Ret.HEADERS),
        about(content=replace(CONTENT, body=b"x\r\n" * FULL_LIMIT)),
        replace(DELAYED, about=replace(FAILED.about, ret=Ret.FULL)),
        replace(RELAYED, about=replace(FAILED.about, ret=Ret.FULL)),
    ],
)
def test_everything_else_returns_the_header_alone(what):
    kind, octets = returned(what)
    assert kind == "text/rfc822-headers"
    assert CONTENT.header in octets
    assert len(octets) < 5000


def test_8_bit_content_is_declared():
    what = about(content=replace(CONTENT, body="Grüße\r\n".encode()))
    message = parsed(what)
    assert message["Content-Transfer-Encoding"] == "8bit"
    assert list(message.iter_parts())[2]["Content-Transfer-Encoding"] == "8bit"


def test_the_boundary_does_not_occur_in_what_is_returned():
    what = about(content=replace(CONTENT, body=b"--report-r1\r\n\r\n--report-r1x--\r\n"))
    assert parsed(what).get_boundary() == "report-r1xx"
    assert len(list(parsed(what).iter_parts())) == 3


def test_what_the_client_said_cannot_break_the_report():
    evil = replace(UNKNOWN.recipient, orcpt="x\r\nEvil: y;a+0D+0AEvil: z")
    what = replace(
        about(envid="a+0D+0AEvil: z\xe4", message_id="<1@x>\r\nBcc: evil@x"),
        statuses=(replace(UNKNOWN, recipient=evil),),
    )
    octets = report(what).octets()
    assert b"\r\nEvil" not in octets
    assert b"\r\nBcc" not in octets
