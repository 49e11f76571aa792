from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sigv4_requests import changed, form, signed, without

from relay.simulator import Caller, HttpRequest, Refusal
from relay.simulator.keyring import Keyring
from relay.simulator.sigv4 import verify

ACCOUNT = "123456789012"


@pytest.fixture
def keyring():
    return Keyring(ACCOUNT, {"simulator": "simulator"})


def seen(request, keyring, *, service="ses", now=None):
    outcome = verify(request, keyring, service, now or datetime.now(UTC))
    return outcome if isinstance(outcome, Caller) else _text(outcome)


def _text(refused: Refusal):
    assert refused.query_status == refused.rest_status == 403
    return f"{refused.query_code}/{refused.rest_code}: {refused.message}"


MISMATCH = (
    "SignatureDoesNotMatch/InvalidSignatureException: The request signature we calculated does "
    "not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)
UNKNOWN = (
    "InvalidClientTokenId/UnrecognizedClientException: "
    "The security token included in the request is invalid."
)


def test_the_example_of_aws_own_documentation():
    # AWS General Reference, Signature Version 4, the signing walk-through (IAM ListUsers).
    request = HttpRequest(
        "GET",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        (
            ("Host", "iam.amazonaws.com"),
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("X-Amz-Date", "20150830T123600Z"),
            (
                "Authorization",
                (
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                    "SignedHeaders=content-type;host;x-amz-date, Signature="
                    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
                ),
            ),
        ),
    )
    keyring = Keyring(ACCOUNT, {"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"})
    now = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    assert seen(request, keyring, service="iam", now=now) == Caller(
        arn=f"arn:aws:iam::{ACCOUNT}:user/AKIDEXAMPLE",
        account_id=ACCOUNT,
        user_id="AKIDEXAMPLE",
        region="us-east-1",
    )


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/", form(Action="GetSendQuota")),
        ("GET", "/v2/email/account", b""),
        ("GET", "/v2/email/suppression/addresses?Reason=BOUNCE&PageSize=5", b""),
        ("GET", "/v2/email/suppression/addresses?b=2&a=%20x&a=%2F", b""),
        ("GET", "/v2/email/suppression/addresses/a%2Bb%40x.example", b""),
    ],
)
def test_what_botocore_signs_is_accepted(keyring, method, target, body):
    assert isinstance(seen(signed(method, target, body), keyring), Caller)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"other"},
        {"path": "/v2/email/identities"},
        {"query": "a=1"},
        {"method": "PUT"},
    ],
)
def test_any_change_under_way_is_found_out(keyring, change):
    request = replace(signed("POST", "/", form(Action="GetSendQuota")), **change)
    assert seen(request, keyring) == MISMATCH


def test_a_changed_header_counts_if_it_was_signed(keyring):
    request = signed("GET", "/v2/email/account", **{"X-Extra": "  two   words "})
    assert isinstance(seen(changed(request, X_Extra="two words"), keyring), Caller)
    assert seen(changed(request, X_Extra="three words"), keyring) == MISMATCH
    assert seen(changed(request, Host="evil.example"), keyring) == MISMATCH


def test_wrong_secrets_and_unknown_keys(keyring):
    wrong = signed("GET", "/v2/email/account", keys=("simulator", "guessed"))
    assert seen(wrong, keyring) == MISMATCH
    unknown = signed("GET", "/v2/email/account", keys=("AKIA", "simulator"))
    assert seen(unknown, keyring) == UNKNOWN


def test_clocks_may_differ_by_five_minutes(keyring):
    request = signed("GET", "/v2/email/account")
    stamp = request.value("x-amz-date")
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    for offset in (-300, 0, 300):
        now = at + timedelta(seconds=offset)
        assert isinstance(seen(request, keyring, now=now), Caller)
    late, early = at + timedelta(seconds=301), at - timedelta(seconds=301)

    def shown(moment):
        return moment.strftime("%Y%m%dT%H%M%SZ")

    assert seen(request, keyring, now=late) == (
        f"SignatureDoesNotMatch/InvalidSignatureException: Signature expired: {stamp} is now "
        f"earlier than {shown(late - timedelta(minutes=5))} ({shown(late)} - 5 min.)"
    )
    assert seen(request, keyring, now=early) == (
        f"SignatureDoesNotMatch/InvalidSignatureException: Signature not yet current: {stamp} is "
        f"still later than {shown(early + timedelta(minutes=5))} ({shown(early)} + 5 min.)"
    )


def test_sessions_need_their_token_and_end(keyring):
    now = datetime.now(UTC)
    role = f"arn:aws:iam::{ACCOUNT}:role/path/relay"
    access_key, key = keyring.open_session(role, "s1", now + timedelta(hours=1))
    request = signed("GET", "/v2/email/account", keys=(access_key, key.secret, key.token))
    caller = seen(request, keyring)
    assert caller.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/relay/s1"
    assert seen(without(request, "X-Amz-Security-Token"), keyring) == UNKNOWN
    assert seen(changed(request, X_Amz_Security_Token="x"), keyring) == UNKNOWN

    ended_key, ended = keyring.open_session(role, "s2", now - timedelta(seconds=1))
    request = signed("GET", "/v2/email/account", keys=(ended_key, ended.secret, ended.token))
    assert seen(request, keyring) == (
        "ExpiredToken/ExpiredTokenException: The security token included in the request is expired"
    )


def test_a_long_lived_key_has_no_token(keyring):
    request = signed("GET", "/v2/email/account", keys=("simulator", "simulator", "token"))
    assert seen(request, keyring) == UNKNOWN


def test_the_newest_sessions_are_kept(keyring, monkeypatch):
    monkeypatch.setattr("relay.simulator.keyring._MOST_SESSIONS", 1)
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    first, second = (
        keyring.open_session(f"arn:aws:iam::{ACCOUNT}:role/r", "s1", ends_at)[0] for _ in range(2)
    )
    assert keyring.find(first) is None
    assert keyring.find(second) is not None


INCOMPLETE = "IncompleteSignature/IncompleteSignatureException: "


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"Authorization": None},
            (
                "MissingAuthenticationToken/MissingAuthenticationTokenException: "
                "Request is missing Authentication Token"
            ),
        ),
        (
            {"Authorization": "AWS4-HMAC-SHA256 Credential=a"},
            (
                f"{INCOMPLETE}Authorization header requires 'Signature' parameter. "
                "Authorization header requires 'SignedHeaders' parameter."
            ),
        ),
        (
            {"X_Amz_Date": None},
            (
                f"{INCOMPLETE}Authorization header requires existence of either a 'X-Amz-Date' or "
                "a 'Date' header."
            ),
        ),
        (
            {
                "Authorization": "AWS4-HMAC-SHA256 Credential=simulator/20260101/eu-west-1/ses,"
                "SignedHeaders=host,Signature=0"
            },
            (
                f"{INCOMPLETE}Credential must have exactly 5 slash-delimited elements, e.g. "
                "keyid/date/region/service/term, got 'simulator/20260101/eu-west-1/ses'"
            ),
        ),
        (
            {"Authorization": "Basic c2ltdWxhdG9y"},
            (
                f"{INCOMPLETE}Authorization header requires 'AWS4-HMAC-SHA256' as its algorithm. "
                "Authorization header requires 'Credential' parameter. "
                "Authorization header requires 'Signature' parameter. "
                "Authorization header requires 'SignedHeaders' parameter."
            ),
        ),
        (
            {"X_Amz_Date": "yesterday"},
            (
                "SignatureDoesNotMatch/InvalidSignatureException: Date in Credential scope does "
                "not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            ),
        ),
    ],
)
def test_incomplete_signatures(keyring, change, text):
    assert seen(changed(signed("GET", "/v2/email/account"), **change), keyring).startswith(text)


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        (
            (
                "AWS4-HMAC-SHA256 Credential=simulator/20260101/eu-west-1/ses/aws4_request, "
                "SignedHeaders=x-amz-date, Signature=0"
            ),
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            (
                "AWS4-HMAC-SHA256 Credential=simulator/20260101/eu-west-1/s3/aws4_request, "
                "SignedHeaders=host, Signature=0"
            ),
            "Credential should be scoped to correct service: 'ses'.",
        ),
        (
            (
                "AWS4-HMAC-SHA256 Credential=simulator/2026/eu-west-1/ses/aws4_request, "
                "SignedHeaders=host, Signature=0"
            ),
            (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                "from HTTP: '2026' != '20260101', from '20260101T000000Z'."
            ),
        ),
    ],
)
def test_scopes_are_checked(keyring, authorization, text):
    request = HttpRequest(
        "GET", "/", "", (("Authorization", authorization), ("X-Amz-Date", "20260101T000000Z"))
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert seen(request, keyring, now=now).endswith(f"InvalidSignatureException: {text}")


def test_a_stamp_must_be_basic_iso(keyring):
    authorization = (
        "AWS4-HMAC-SHA256 Credential=simulator/2026-01-/eu-west-1/ses/aws4_request, "
        "SignedHeaders=host, Signature=0"
    )
    request = HttpRequest(
        "GET", "/", "", (("Authorization", authorization), ("X-Amz-Date", "2026-01-01T00:00:00Z"))
    )
    assert seen(request, keyring).endswith(
        "Date must be in ISO-8601 'basic format'. Got '2026-01-01T00:00:00Z'."
    )
