"""What a request says to SES, read from the wire."""

import base64
import dataclasses
import json
from urllib.parse import parse_qs

import pytest
from wire import accepted, address, mail, signature

from relay.model.settings import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYTHING = {
    "configuration_set": "app-a",
    "tags": (("queue", "Q1"), ("user", "tickets")),
    "from_arn": "arn:aws:ses:eu-west-1:1:identity/from",
    "source_arn": "arn:aws:ses:eu-west-1:1:identity/source",
    "return_path_arn": "arn:aws:ses:eu-west-1:1:identity/return",
}


async def v1(ses, message):
    ses.script += [accepted(Api.V1)]
    await ses.send(Api.V1, message)
    (seen,) = ses.seen
    assert (seen.method, seen.path) == ("POST", "/")
    fields = parse_qs(seen.body.decode(), strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return seen, {name: values[0] for name, values in fields.items()}


async def v2(ses, message):
    ses.script += [accepted(Api.V2)]
    await ses.send(Api.V2, message)
    (seen,) = ses.seen
    assert (seen.method, seen.path) == ("POST", "/v2/email/outbound-emails")
    return seen, json.loads(seen.body)


async def test_v1_says_the_envelope_and_the_octets_and_nothing_else(ses):
    message = mail(recipients=("b@example.net", "c@example.net"))
    seen, fields = await v1(ses, message)
    assert base64.b64decode(fields.pop("RawMessage.Data")) == message.content.octets()
    assert fields == {
        "Action": "SendRawEmail",
        "Version": "2010-12-01",
        "Source": "a@example.com",
        "Destinations.member.1": "b@example.net",
        "Destinations.member.2": "c@example.net",
    }
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert seen.headers["user-agent"].startswith("ses-relay ")
    assert "/eu-west-1/ses/aws4_request" in seen.headers["authorization"]


async def test_v1_parameters(ses):
    _, fields = await v1(ses, mail(**EVERYTHING))
    assert fields["ConfigurationSetName"] == "app-a"
    assert fields["Tags.member.1.Name"] == "queue"
    assert fields["Tags.member.1.Value"] == "Q1"
    assert fields["Tags.member.2.Value"] == "tickets"
    assert fields["FromArn"] == "arn:aws:ses:eu-west-1:1:identity/from"
    assert fields["SourceArn"] == "arn:aws:ses:eu-west-1:1:identity/source"
    assert fields["ReturnPathArn"] == "arn:aws:ses:eu-west-1:1:identity/return"


async def test_v2_says_the_envelope_and_the_octets_and_nothing_else(ses):
    message = mail(recipients=("b@example.net", "c@example.net"))
    seen, body = await v2(ses, message)
    assert base64.b64decode(body.pop("Content")["Raw"]["Data"]) == message.content.octets()
    assert body == {
        "FromEmailAddress": "a@example.com",
        "Destination": {"ToAddresses": ["b@example.net", "c@example.net"]},
    }
    assert seen.headers["content-type"] == "application/json"
    assert "/eu-west-1/ses/aws4_request" in seen.headers["authorization"]


async def test_v2_parameters(ses):
    _, body = await v2(ses, mail(**EVERYTHING, tenant="acme"))
    assert body["ConfigurationSetName"] == "app-a"
    assert body["EmailTags"] == [
        {"Name": "queue", "Value": "Q1"},
        {"Name": "user", "Value": "tickets"},
    ]
    assert body["FromEmailAddressIdentityArn"] == "arn:aws:ses:eu-west-1:1:identity/from"
    assert body["FeedbackForwardingEmailAddress"] == "a@example.com"
    assert body["FeedbackForwardingEmailAddressIdentityArn"] == EVERYTHING["return_path_arn"]
    assert body["TenantName"] == "acme"


async def test_v2_source_arn_serves_where_there_is_none_for_the_author(ses):
    _, body = await v2(ses, mail(source_arn="arn:aws:ses:eu-west-1:1:identity/source"))
    assert body["FromEmailAddressIdentityArn"] == "arn:aws:ses:eu-west-1:1:identity/source"


async def test_v2_bounces_go_to_the_sender_when_the_author_is_somebody_else(ses):
    message = dataclasses.replace(
        mail(sender="bounces@example.com"), authors=(address("boss@example.com"),)
    )
    _, body = await v2(ses, message)
    assert body["FromEmailAddress"] == "bounces@example.com"
    assert body["FeedbackForwardingEmailAddress"] == "bounces@example.com"


@pytest.mark.parametrize("ask", [v1, v2])
async def test_recipients_and_sender_in_the_header_count_for_nothing(ses, ask):
    message = mail(body=b"\r\nTo: x@example.org\r\nBcc: y@example.org\r\n")
    seen, _ = await ask(ses, message)
    assert b"example.org" not in seen.body


@pytest.mark.parametrize("ask", [v1, v2])
async def test_odd_octets_arrive_as_they_are(ses, ask):
    message = mail(sender="a+b&c=d/e@example.com", body=bytes(range(256)) * 50 + b"\r\n.\r\n=?+/&%")
    _, fields = await ask(ses, message)
    data = fields["RawMessage.Data"] if ask is v1 else fields["Content"]["Raw"]["Data"]
    assert base64.b64decode(data) == message.content.octets()
    sender = fields["Source"] if ask is v1 else fields["FromEmailAddress"]
    assert sender == "a+b&c=d/e@example.com"


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("ask", [v1, v2])
async def test_the_signature_holds_for_what_arrived(ses, ask, size):
    seen, _ = await ask(ses, mail(body=b"0123456789" * (size // 10)))
    said, computed = signature(seen, "secret")
    assert said == computed
    assert {"content-type", "host", "x-amz-date"} <= set(
        seen.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    )
