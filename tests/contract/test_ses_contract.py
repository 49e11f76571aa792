"""One contract of SES as stock boto3 clients see it, over the simulator and a real account.

Against a real account (`pytest -m real_ses`) mail goes only to the mailbox simulator. Tests
that need a certain state of the account (paused, throttled, …) run over the simulator alone,
in test_simulator_contract.py.
"""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

SUCCESS = "success@simulator.amazonses.com"
V1_LIMIT = 10 * 1024 * 1024

Wire = ("v1", "v2")


def message(sender, *extra, to=SUCCESS, body="Hello"):
    lines = [f"From: {sender}", *([f"To: {to}"] if to is not None else []), "Subject: contract"]
    return "\r\n".join([*lines, *extra, "", body, ""]).encode()


def send(target, wire, raw, *, source=None, to=(SUCCESS,), **more):
    """Send over one of the two APIs; returns the MessageId."""
    if wire == "v1":
        given = {} if source is None else {"Source": source}
        given |= {"Destinations": list(to)} if to else {}
        return target.ses.send_raw_email(RawMessage={"Data": raw}, **given, **more)["MessageId"]
    given = {} if source is None else {"FromEmailAddress": source}
    given |= {"Destination": {"ToAddresses": list(to)}} if to else {}
    more = {("EmailTags" if name == "Tags" else name): value for name, value in more.items()}
    return target.sesv2.send_email(Content={"Raw": {"Data": raw}}, **given, **more)["MessageId"]


def refusal(target, wire, raw, **how):
    """The exception a send raises, with its code, text and status."""
    with pytest.raises(ClientError) as caught:
        send(target, wire, raw, **how)
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return caught.value, error["Code"], error["Message"], status


INVALID = {"v1": "InvalidParameterValue", "v2": "BadRequestException"}


@pytest.mark.parametrize("wire", Wire)
def test_a_message_is_accepted_with_an_id(target, wire):
    assert re.fullmatch(
        r"[0-9a-f]{16}-[0-9a-f-]{36}-\d{6}",
        send(target, wire, message(target.sender), source=target.sender),
    )


@pytest.mark.parametrize("wire", Wire)
def test_sender_and_recipients_come_from_the_headers_where_not_given(target, wire):
    assert send(target, wire, message(target.sender), to=())


@pytest.mark.parametrize("wire", Wire)
def test_to_may_be_missing_when_the_recipients_are_explicit(target, wire):
    assert send(target, wire, message(target.sender, to=None))


@pytest.mark.parametrize("wire", Wire)
def test_an_unverified_author_is_message_rejected_and_named(target, wire):
    raised, code, text, status = refusal(target, wire, message("nobody@unverified.invalid.example"))
    assert isinstance(raised, target.client(wire).exceptions.MessageRejected)
    assert (code, status) == ("MessageRejected", 400)
    assert re.fullmatch(
        r"Email address is not verified\. The following identities failed the check in region "
        r"[A-Z]+-[A-Z]+-\d: .*nobody@unverified\.invalid\.example.*",
        text,
    )


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize(
    ("name", "value"),
    [("Subject", "twice"), ("DKIM-Signature", "v=1"), ("Reply-To", SUCCESS)],
)
def test_a_header_allowed_once_is_refused_twice(target, wire, name, value):
    extra = [f"{name}: {value}"] * 2
    _, code, text, status = refusal(target, wire, message(target.sender, *extra))
    assert (code, text.rstrip("."), status) == (INVALID[wire], f"Duplicate header '{name}'", 400)


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize(
    ("recipient", "words"),
    [
        ("nobody", "Missing final '@domain'"),
        ("@simulator.amazonses.com", "Missing local name"),
        ("a b@simulator.amazonses.com", "Local address contains control or whitespace"),
        ("success@simulator.amazonses com", "Domain contains control or whitespace"),
    ],
)
def test_one_bad_recipient_refuses_the_whole_message(target, wire, recipient, words):
    _, code, text, status = refusal(target, wire, message(target.sender), to=(SUCCESS, recipient))
    assert (code, status) == (INVALID[wire], 400)
    assert words in text


@pytest.mark.parametrize("wire", Wire)
def test_fifty_one_recipients_are_refused(target, wire):
    many = [f"success+{number}@simulator.amazonses.com" for number in range(51)]
    _, code, text, _ = refusal(target, wire, message(target.sender), to=many)
    assert code == INVALID[wire]
    assert "50" in text


@pytest.mark.parametrize("wire", Wire)
def test_an_empty_to_header_is_refused(target, wire):
    _, code, _, status = refusal(target, wire, message(target.sender, to=""))
    assert (code, status) == (INVALID[wire], 400)


@pytest.mark.parametrize("wire", Wire)
def test_a_program_by_its_file_name_is_refused(target, wire):
    extra = [
        "MIME-Version: 1.0",
        "Content-Type: application/octet-stream",
        'Content-Disposition: attachment; filename="run.exe"',
    ]
    _, code, text, status = refusal(target, wire, message(target.sender, *extra))
    assert (code, status) == (INVALID[wire], 400)
    assert "llegal" in text  # the exact sentence is not published


def test_v1_refuses_beyond_ten_mebibytes_and_says_how_much(target):
    body = "\r\n".join(itertools.repeat("x" * 998, V1_LIMIT // 1000 + 1))
    raw = message(target.sender, body=body)
    _, code, text, status = refusal(target, "v1", raw)
    assert (code, status) == ("InvalidParameterValue", 400)
    assert f"Message length is more than {V1_LIMIT} bytes long: '{len(raw)}'" in text


def test_v2_takes_what_v1_is_too_small_for(target):
    body = "\r\n".join(itertools.repeat("x" * 998, V1_LIMIT // 1000 + 1))
    assert send(target, "v2", message(target.sender, body=body))


@pytest.mark.parametrize(
    ("wire", "name", "status"),
    [("v1", "ConfigurationSetDoesNotExistException", 400), ("v2", "NotFoundException", 404)],
)
def test_an_unknown_configuration_set_has_its_own_exception(target, wire, name, status):
    raised, _, text, answered = refusal(
        target, wire, message(target.sender), ConfigurationSetName="no-such-set"
    )
    assert isinstance(raised, getattr(target.client(wire).exceptions, name))
    assert "no-such-set" in text
    assert "does not exist" in text
    assert answered == status


@pytest.mark.parametrize("wire", Wire)
def test_tags_are_letters_digits_underscore_and_dash(target, wire):
    sent = send(target, wire, message(target.sender), Tags=[{"Name": "q-1_A", "Value": "v"}])
    _, code, _, status = refusal(
        target, wire, message(target.sender), Tags=[{"Name": "q", "Value": "a b"}]
    )
    assert sent
    assert (code, status) == (INVALID[wire], 400)


def test_the_quota_reads_the_same_in_both_apis(target):
    v1 = target.ses.get_send_quota()
    target.wait(1.1)  # the control plane takes one call a second
    v2 = target.sesv2.get_account()["SendQuota"]
    assert {name: v1[name] for name in ("Max24HourSend", "MaxSendRate")} == {
        name: v2[name] for name in ("Max24HourSend", "MaxSendRate")
    }


# What AWS does not document and the simulator had to choose. Over a real account these tests
# settle the question: one that fails there is a finding, to be built into the simulator.
OPEN_QUESTIONS = {
    "a NUL octet is refused": {"body": "a\0b"},
    "a bare line feed is refused": {"body": "a\nb"},
    "a bare carriage return is refused": {"body": "a\rb"},
    "a line of 999 octets is refused": {"body": "x" * 999},
    "an empty Source is refused": {"source": ""},
    "the null reverse-path is refused": {"source": "<>"},
    "an empty Return-Path is refused": {"extra": "Return-Path: <>"},
    "a recipient without top-level domain is refused": {"to": ("a@localhost",)},
    "a colon-less header line is refused": {"extra": "no header at all"},
    "a parameter without value is refused": {"extra": "Content-Type: text/plain; charset"},
    "a multipart without parts is refused": {"extra": "Content-Type: multipart/mixed; boundary=b"},
}


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("question", OPEN_QUESTIONS)
def test_open_questions_are_answered_as_the_simulator_does(target, wire, question):
    case = dict(OPEN_QUESTIONS[question])
    raw = message(
        target.sender,
        *([case.pop("extra")] if "extra" in case else []),
        body=case.pop("body", "Hello"),
    )
    _, code, _, status = refusal(target, wire, raw, **case)
    assert (code, status) == (INVALID[wire], 400)


@pytest.mark.parametrize("wire", Wire)
def test_open_question_the_parameter_wins_over_the_configuration_set_header(target, wire):
    raw = message(target.sender, "X-SES-CONFIGURATION-SET: of-the-header")
    _, _, text, _ = refusal(target, wire, raw, ConfigurationSetName="of-the-request")
    assert "of-the-request" in text


# What is on no list, so that nothing of a real account's is read or changed by name.
NOBODY = "nobody@ses-relay-contract.invalid"


@pytest.mark.parametrize("operation", ["get", "delete"])
def test_an_address_on_no_suppression_list_is_not_found(target, operation):
    target.wait(1)
    with pytest.raises(target.sesv2.exceptions.NotFoundException):
        getattr(target.sesv2, f"{operation}_suppressed_destination")(EmailAddress=NOBODY)


def test_a_token_that_was_never_given_is_refused(target):
    target.wait(1)
    with pytest.raises(target.sesv2.exceptions.InvalidNextTokenException):
        target.sesv2.list_suppressed_destinations(NextToken="never-given")


def test_open_question_a_page_of_the_suppression_list_may_hold_a_thousand(target):
    target.wait(1)
    page = target.sesv2.list_suppressed_destinations(PageSize=1_000)
    assert len(page["SuppressedDestinationSummaries"]) <= 1_000


def test_open_question_an_empty_page_of_the_suppression_list_has_the_list(target):
    target.wait(1)
    since = datetime.now(UTC) + timedelta(days=1)
    assert (
        target.sesv2.list_suppressed_destinations(StartDate=since)["SuppressedDestinationSummaries"]
        == []
    )
