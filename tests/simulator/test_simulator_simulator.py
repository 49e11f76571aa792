"""The simulator as one object: requests signed by botocore in, answers out, no network."""

import base64
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from sigv4_requests import form, signed, without

from relay.simulator import Answered, Cut, Delay, Denial, Drop, Fail, Fault, HttpRequest

RAW = b"From: a@example.com\r\nTo: b@y.example\r\n\r\nHello\r\n"
DATA = base64.b64encode(RAW).decode()
SEND_V1 = form(Action="SendRawEmail", **{"RawMessage.Data": DATA})
SEND_V2 = json.dumps({"Content": {"Raw": {"Data": DATA}}}).encode()
V2_PATH = "/v2/email/outbound-emails"


def v1(simulator, body):
    """(status, code or None, text of the first element that matters, answer) of a Query call."""
    answered = simulator.respond(signed("POST", "/", body))
    assert isinstance(answered, Answered)
    assert dict(answered.answer.headers)["x-amzn-RequestId"]
    root = ET.fromstring(answered.answer.body)
    space = root.tag.partition("}")[0] + "}"
    code, text = root.find(f".//{space}Code"), root.find(f".//{space}Message")
    return answered.answer.status, None if code is None else f"{code.text}: {text.text}"


def v2(simulator, method, path, document=None):
    body = b"" if document is None else json.dumps(document).encode()
    answered = simulator.respond(signed(method, path, body))
    assert isinstance(answered, Answered)
    headers = dict(answered.answer.headers)
    assert headers["Content-Type"] == "application/json"
    assert headers["x-amzn-RequestId"]
    shown = json.loads(answered.answer.body)
    return answered.answer.status, headers.get("x-amzn-ErrorType"), shown


def test_both_apis_send(simulator):
    assert v1(simulator, SEND_V1) == (200, None)
    status, error, shown = v2(simulator, "POST", V2_PATH, json.loads(SEND_V2))
    assert (status, error) == (200, None)
    first, second = simulator.mailbox.messages()
    assert (first.api, second.api) == ("v1", "v2")
    assert shown == {"MessageId": second.id}
    assert first.raw == second.raw == RAW
    assert first.region == "eu-west-1"
    assert first.caller_arn == "arn:aws:iam::123456789012:user/simulator"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (
            form(Action="SendRawEmail"),
            (
                "ValidationError: 1 validation error detected: "
                "Value null at 'rawMessage' failed to "
                "satisfy constraint: Member must not be null"
            ),
        ),
        (
            form(Action="SendRawEmail", **{"RawMessage.Data": "*"}),
            "SerializationException: RawMessage.Data is not valid base64.",
        ),
        (
            form(Action="SendRawEmail", **{"RawMessage.Data": DATA, "Tags.member.1.Name": "n"}),
            (
                "ValidationError: 1 validation error detected: "
                "Value null at 'tags.1.member.value' "
                "failed to satisfy constraint: Member must not be null"
            ),
        ),
        (
            form(Action="DescribeConfigurationSet"),
            (
                "ValidationError: 1 validation error detected: "
                "Value null at 'configurationSetName' "
                "failed to satisfy constraint: Member must not be null"
            ),
        ),
        (
            form(Action="ListIdentities", IdentityType="Person"),
            (
                "ValidationError: 1 validation error detected: "
                "Value 'Person' at 'identityType' failed "
                "to satisfy constraint: Member must satisfy enum value set: [EmailAddress, Domain]"
            ),
        ),
        (
            form(Action="ListIdentities", MaxItems="0"),
            "InvalidParameterValue: MaxItems must be between 1 and 1000.",
        ),
        (
            form(Action="ListConfigurationSets", MaxItems="1001"),
            "InvalidParameterValue: MaxItems must be between 1 and 1000.",
        ),
        (
            form(Action="ListIdentities", NextToken="x"),
            "InvalidParameterValue: Invalid NextToken.",
        ),
        (
            form(Action="Fly"),
            "InvalidAction: Could not find operation Fly for version 2010-12-01",
        ),
        (
            form("2009-01-01", Action="SendRawEmail"),
            "InvalidAction: Could not find operation SendRawEmail for version 2009-01-01",
        ),
        (b"", "InvalidAction: Could not find operation  for version "),
    ],
)
def test_wrong_calls_of_v1(simulator, body, outcome):
    assert v1(simulator, body) == (400, outcome)


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        (
            {},
            "BadRequestException",
            (
                "1 validation error detected: "
                "Value null at 'content' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            {"Content": {}},
            "BadRequestException",
            (
                "1 validation error detected: Value null at 'content.raw.data' failed to satisfy "
                "constraint: Member must not be null"
            ),
        ),
        (
            {"Content": {"Simple": {}}},
            "BadRequestException",
            "This simulator takes Content.Raw only, not Simple or Template.",
        ),
        (
            {"Content": {"Raw": {"Data": DATA}}, "EndpointId": "e"},
            "BadRequestException",
            "EndpointId is not modelled by this simulator.",
        ),
        (
            {"Content": {"Raw": {"Data": "\u00f6"}}},
            "SerializationException",
            "Content.Raw.Data is not valid base64.",
        ),
        (
            {"Content": {"Raw": {"Data": 7}}},
            "SerializationException",
            "Content.Raw.Data: expected a string, got 7",
        ),
        (
            {"Content": {"Raw": {"Data": DATA}}, "Destination": {"ToAddresses": "a@b.example"}},
            "SerializationException",
            'Destination.ToAddresses: expected a list of strings, got "a@b.example"',
        ),
    ],
)
def test_wrong_sends_of_v2(simulator, document, error, message):
    assert v2(simulator, "POST", V2_PATH, document) == (400, error, {"message": message})


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(simulator, body):
    answered = simulator.respond(signed("POST", V2_PATH, body))
    assert ("x-amzn-ErrorType", "SerializationException") in answered.answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", V2_PATH), ("GET", "/v2/email/"), ("GET", "/"), ("POST", "/v2/email/account")],
)
def test_paths_that_are_not_there(simulator, method, path):
    status, error, shown = v2(simulator, method, path)
    assert (status, error) == (404, "UnknownOperationException")
    assert shown == {"message": f"Could not find operation {path} for version 2019-09-27"}


@pytest.mark.parametrize("path", ["/", V2_PATH, "/nowhere"])
def test_nothing_is_told_to_the_unsigned(simulator, path):
    request = without(signed("POST", path, SEND_V1), "Authorization")
    answer = simulator.respond(request).answer
    assert answer.status == 403
    assert b"Request is missing Authentication Token" in answer.body


def test_signatures_of_ses_do_not_open_sts(simulator):
    status, outcome = v1(simulator, form("2011-06-15", Action="GetCallerIdentity"))
    assert (status, outcome) == (
        403,
        "SignatureDoesNotMatch: Credential should be scoped to correct service: 'sts'.",
    )


@pytest.mark.parametrize(
    ("fields", "member"),
    [
        ({}, "roleArn"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/r"}, "roleSessionName"),
        ({"RoleArn": "role", "RoleSessionName": "ok"}, "roleArn"),
        (
            {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "n"},
            "roleSessionName",
        ),
        (
            {
                "RoleArn": "arn:aws:iam::123456789012:role/r",
                "RoleSessionName": "ok",
                "DurationSeconds": "899",
            },
            "durationSeconds",
        ),
    ],
)
def test_wrong_roles_are_refused(simulator, fields, member):
    body = form("2011-06-15", Action="AssumeRole", **fields)
    answer = simulator.respond(signed("POST", "/", body, service="sts")).answer
    assert answer.status == 400
    assert f"at '{member}' failed to satisfy constraint".encode() in answer.body


def test_the_newer_paths_of_lists_are_served(simulator, clock):
    simulator.account = replace(simulator.account, identities=frozenset({"a.example", "b.example"}))
    path = "/v2/email/list-identities"
    status, _, first = v2(simulator, "POST", path, {"PageSize": 1})
    assert status == 200
    assert [one["IdentityName"] for one in first["EmailIdentities"]] == ["a.example"]
    clock.advance(seconds=1)
    _, _, second = v2(simulator, "POST", path, {"NextToken": first["NextToken"]})
    assert [one["IdentityName"] for one in second["EmailIdentities"]] == ["b.example"]
    clock.advance(seconds=1)
    assert v2(simulator, "POST", "/v2/email/list-configuration-sets", {})[2] == {
        "ConfigurationSets": []
    }


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("PageSize=0", "BadRequestException"),
        ("PageSize=1001", "BadRequestException"),
        ("NextToken=9", "InvalidNextTokenException"),
        ("NextToken=x", "InvalidNextTokenException"),
        ("Reason=OTHER", "BadRequestException"),
        ("StartDate=soon", "SerializationException"),
    ],
)
def test_wrong_pages(simulator, query, error):
    assert v2(simulator, "GET", f"/v2/email/suppression/addresses?{query}")[:2] == (400, error)


@pytest.mark.parametrize("path", ["identities", "configuration-sets"])
def test_wrong_pages_of_other_lists(simulator, path):
    seen = v2(simulator, "GET", f"/v2/email/{path}?PageSize=0")
    assert seen[:2] == (400, "BadRequestException")


@pytest.mark.parametrize(
    ("method", "path", "document", "outcome"),
    [
        ("GET", "configuration-sets/none", None, (404, "NotFoundException")),
        ("GET", "configuration-sets/none/event-destinations", None, (404, "NotFoundException")),
        ("POST", "tenants/get", {"TenantName": "none"}, (404, "NotFoundException")),
        ("POST", "tenants/get", {}, (400, "BadRequestException")),
    ],
)
def test_what_is_not_there(simulator, method, path, document, outcome):
    assert v2(simulator, method, f"/v2/email/{path}", document)[:2] == outcome


def test_the_suppression_list_by_time(simulator, clock):
    simulator.service.control_call = lambda *_: None
    addresses = "/v2/email/suppression/addresses"
    for number in (1, 2):
        entry = {"EmailAddress": f"{number}@x.example", "Reason": "COMPLAINT"}
        assert v2(simulator, "PUT", addresses, entry) == (200, None, {})
        clock.advance(days=1)
    for bounds, found in (
        ("StartDate=2026-01-02T00%3A00%3A00Z", ["2@x.example"]),
        ("EndDate=2026-01-01T12%3A00%3A00", ["1@x.example"]),
        ("Reason=COMPLAINT&Reason=BOUNCE", ["1@x.example", "2@x.example"]),
    ):
        listed = v2(simulator, "GET", f"{addresses}?{bounds}")[2]
        assert [one["EmailAddress"] for one in listed["SuppressedDestinationSummaries"]] == found
    assert v2(simulator, "DELETE", f"{addresses}/nobody%40x.example")[:2] == (
        404,
        "NotFoundException",
    )


@pytest.mark.parametrize(
    ("entry", "sandbox", "error"),
    [
        ({"Reason": "BOUNCE"}, False, "BadRequestException"),
        ({"EmailAddress": "a@x.example"}, False, "BadRequestException"),
        ({"EmailAddress": "nobody", "Reason": "BOUNCE"}, False, "BadRequestException"),
        ({"EmailAddress": "a@x.example", "Reason": "SPITE"}, False, "BadRequestException"),
        ({"EmailAddress": ["a@x.example"], "Reason": "BOUNCE"}, False, "SerializationException"),
        ({"EmailAddress": "a@x.example", "Reason": "BOUNCE"}, True, "BadRequestException"),
    ],
)
def test_wrong_suppressions(simulator, entry, sandbox, error):
    simulator.account = replace(simulator.account, sandbox=sandbox)
    seen = v2(simulator, "PUT", "/v2/email/suppression/addresses", entry)
    assert seen[:2] == (400, error)
    assert not simulator.account.suppressed


def test_a_suppressed_recipient_does_not_stop_the_send(simulator):
    entry = {"EmailAddress": "b@y.example", "Reason": "BOUNCE"}
    v2(simulator, "PUT", "/v2/email/suppression/addresses", entry)
    assert v1(simulator, SEND_V1) == (200, None)


def test_control_calls_may_be_denied(simulator):
    simulator.account = replace(simulator.account, denied=(Denial(action="ses:Get*"),))
    assert v1(simulator, form(Action="GetSendQuota")) == (
        403,
        (
            "AccessDenied: User `arn:aws:iam::123456789012:user/simulator' is not authorized to "
            "perform `ses:GetSendQuota' on resource `*'"
        ),
    )
    assert v2(simulator, "GET", "/v2/email/account")[:2] == (403, "AccessDeniedException")


def test_an_mx_failure_shows_on_its_identity(simulator):
    simulator.account = replace(simulator.account, mail_from_failing=frozenset({"example.com"}))
    shown = v2(simulator, "GET", "/v2/email/identities/example.com")[2]
    assert shown["MailFromAttributes"]["MailFromDomainStatus"] == "FAILED"


def test_scripted_faults(simulator):
    request = signed("POST", "/", SEND_V1)
    for then in (
        Fail("Throttling", "Maximum sending rate exceeded.", 400),
        Drop("before"),
        Drop("after"),
        Delay(9.0),
    ):
        simulator.faults.add(Fault(operation="SendRawEmail", times=1, then=then))
    assert v1(simulator, SEND_V1) == (400, "Throttling: Maximum sending rate exceeded.")
    assert simulator.respond(request) == Cut()
    assert len(simulator.mailbox) == 0
    assert simulator.respond(request) == Cut()
    assert len(simulator.mailbox) == 1
    late = simulator.respond(request)
    assert (late.delay_s, late.answer.status) == (9.0, 200)
    assert len(simulator.mailbox) == 2


def test_the_unsigned_take_no_fault(simulator):
    simulator.faults.add(Fault(operation="*", times=1, then=Drop("before")))
    simulator.respond(HttpRequest("POST", "/", body=SEND_V1))
    assert len(simulator.faults.pending()) == 1


@pytest.mark.parametrize(("path", "body"), [("/", SEND_V1), (V2_PATH, SEND_V2)])
def test_a_bug_of_ours_is_an_internal_failure_and_logged(
    simulator, monkeypatch, caplog, path, body
):
    monkeypatch.setattr("relay.simulator.service.judge", lambda *_: 1 / 0)
    answer = simulator.respond(signed("POST", path, body)).answer
    assert answer.status == 500
    assert b"The simulator failed; its log has the traceback." in answer.body
    assert "ZeroDivisionError" in caplog.text
