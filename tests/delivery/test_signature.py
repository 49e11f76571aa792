"""Signatures against AWS's own test suite for Signature Version 4, and against botocore."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.signature import Endpoint, Signer

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def signer(url="https://example.amazonaws.com/", content_type="application/x-www-form-urlencoded"):
    endpoint = Endpoint.of(url, "service", "us-east-1")
    assert endpoint is not None
    return Signer(endpoint, content_type, "agent")


def test_the_vector_of_aws_for_a_form():
    # Case post-x-www-form-urlencoded of AWS's aws-sig-v4-test-suite.
    body = b"Param1=value1"
    head = signer().head(
        ReadOnlyCredentials("AKIDEXAMPLE", SECRET, None), AT, len(body), sha256(body).hexdigest()
    )
    assert (
        b"Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        b"SignedHeaders=content-type;host;x-amz-date, "
        b"Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a\r\n" in head
    )
    assert b"\r\nContent-Length: 13\r\n\r\n" in head


def by_botocore(credentials, url, body):
    request = AWSRequest(
        method="POST",
        url=url,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        data=body,
    )
    SigV4Auth(credentials, "service", "us-east-1").add_auth(request)
    return request.headers["Authorization"], request.headers["X-Amz-Date"]


@pytest.mark.parametrize("token", [None, "a+token/with=signs"])
@pytest.mark.parametrize(
    "url",
    [
        "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails",
        "http://127.0.0.1:8026/",
        "http://[::1]:8026/",
        "https://vpce-1.email.amazonaws.com:443",
    ],
)
def test_the_same_as_botocore(url, token):
    credentials = ReadOnlyCredentials("AKID", SECRET, token)
    said, stamp = by_botocore(credentials, url, b"x=1")
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    head = signer(url).head(credentials, at, 3, sha256(b"x=1").hexdigest())
    assert f"Authorization: {said}\r\n".encode() in head


@pytest.mark.parametrize(
    "url",
    [
        "https://h/a//b",
        "https://h/a/../b",
        "https://h/%41",
        "https://h/?x=1",
        "https://h/a b",
        "nothing",
    ],
)
def test_what_would_need_rules_is_left_to_botocore(url):
    assert Endpoint.of(url, "ses", "eu-west-1") is None


def test_a_new_day_and_a_new_secret_have_keys_of_their_own():
    used = signer()
    digest = sha256(b"").hexdigest()

    def head(secret, at, by):
        return by.head(ReadOnlyCredentials("A", secret, None), at, 0, digest)

    for secret, day in (("one", 1), ("one", 2), ("two", 2), ("one", 1)):
        at = datetime(2026, 1, day, tzinfo=UTC)
        assert head(secret, at, used) == head(secret, at, signer())


@given(st.binary(max_size=64), st.text("ABCabc/+=", min_size=1, max_size=40))
def test_every_part_counts(body, secret):
    credentials = ReadOnlyCredentials("A", secret, None)
    one = signer().head(credentials, AT, len(body), sha256(body).hexdigest())
    assert one != signer().head(credentials, AT, len(body), sha256(body + b"x").hexdigest())
    assert one != signer("https://other.example/").head(
        credentials, AT, len(body), sha256(body).hexdigest()
    )
