import re

from relay.simulator import ConfigurationSet
from relay.simulator.delivered import mail_domain

RAW = (
    b"Received: from x\r\nX-SES-CONFIGURATION-SET: app\r\nx-ses-future:\r\n folded\r\n"
    b"Message-ID: <mine@example.com>\r\nFrom: a@example.com\r\nReturn-Path: <a@example.com>\r\n"
    b"To: b@y.example\r\nBcc: c@y.example\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
    b"Subject: folded\r\n subject\r\n\r\nBody\r\n"
)


def delivered(send, **asked):
    send.account(configuration_sets={"app": ConfigurationSet()})
    return send.accepted(RAW, **asked)


def test_the_delivered_form_is_rewritten_and_the_raw_one_kept(send):
    message = delivered(send)
    own = f"<{message.id}@eu-west-1.amazonses.com>"
    assert message.raw == RAW
    assert message.delivered.decode() == (
        f"Return-Path: {own}\r\nReceived: from x\r\nMessage-ID: {own}\r\n"
        "From: a@example.com\r\nTo: b@y.example\r\nBcc: c@y.example\r\n"
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
        "Subject: folded\r\n subject\r\n\r\nBody\r\n"
    )


def test_bcc_goes_where_recipients_were_taken_from_it(send):
    message = delivered(send, destinations=None)
    assert message.destinations == ("b@y.example", "c@y.example")
    assert b"Bcc" not in message.delivered


def test_message_id_and_date_are_added_where_absent(send):
    message = send.accepted(b"From: a@example.com\r\n\r\n")
    assert message.delivered.decode() == (
        f"Return-Path: <{message.id}@eu-west-1.amazonses.com>\r\nFrom: a@example.com\r\n"
        f"Message-ID: <{message.id}@eu-west-1.amazonses.com>\r\n"
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\n"
    )


def test_ids_have_the_form_and_the_time_of_ses(send):
    ids = [send.accepted().id for _ in range(3)]
    assert len(set(ids)) == 3
    for ses_id in ids:
        assert re.fullmatch(r"0102[0-9a-f]{12}(-[0-9a-f]{4,12}){5}-000000", ses_id)
        assert int(ses_id[4:16], 16) == 1_767_225_600_000


def test_us_east_1_has_a_domain_of_its_own():
    assert mail_domain("us-east-1") == "email.amazonses.com"
    assert mail_domain("ap-south-1") == "ap-south-1.amazonses.com"
