"""The rest of the contract: states of an account that only the simulator can be put into.

Every error that the service models declare for the sending operations must parse, in a stock
boto3 client, into the modelled exception; those that SES sends without declaring them into
their code.
"""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from test_ses_contract import message, refusal, send

from relay.simulator import (
    ConfigurationSet,
    Denial,
    Drop,
    Enforcement,
    Fail,
    Fault,
    Tenant,
    TenantStatus,
)

OUTSIDE = "someone@elsewhere.example"
RAW = message("a@example.com", to=OUTSIDE)


@pytest.fixture
def account(served):
    """Change the account: account(sandbox=True)."""

    def change(**changes):
        served.simulator.account = replace(served.simulator.account, **changes)

    return change


PAUSED = {
    "paused by its owner": (
        {"sending_enabled": False},
        ("AccountSendingPausedException", "AccountSendingPausedException"),
        ("SendingPausedException", "SendingPausedException"),
        "Sending paused for this account",
    ),
    "shut down": (
        {"enforcement": Enforcement.SHUTDOWN},
        ("MessageRejected", "MessageRejected"),
        ("AccountSuspendedException", "AccountSuspendedException"),
        "Sending paused for this account",
    ),
    "MAIL FROM failing": (
        {"mail_from_failing": frozenset({"example.com"})},
        ("MailFromDomainNotVerifiedException", "MailFromDomainNotVerifiedException"),
        ("MailFromDomainNotVerifiedException", "MailFromDomainNotVerifiedException"),
        "DNS setup for MAIL FROM domain is invalid.",
    ),
    "sandbox": (
        {"sandbox": True},
        ("MessageRejected", "MessageRejected"),
        ("MessageRejected", "MessageRejected"),
        f"The following identities failed the check in region EU-WEST-1: {OUTSIDE}",
    ),
}


@pytest.mark.parametrize("case", PAUSED)
def test_the_state_of_the_account_parses_into_modelled_exceptions(simulated, account, case):
    changes, v1, v2, words = PAUSED[case]
    account(**changes)
    for wire, (exception, expected) in (("v1", v1), ("v2", v2)):
        raised, code, text, status = refusal(simulated, wire, RAW, to=(OUTSIDE,))
        assert isinstance(raised, getattr(simulated.client(wire).exceptions, exception))
        assert (code, status) == (expected, 400)
        assert words in text


@pytest.mark.parametrize(
    ("wire", "exception"),
    [("v1", "ConfigurationSetSendingPausedException"), ("v2", "SendingPausedException")],
)
def test_a_paused_configuration_set(simulated, account, wire, exception):
    account(configuration_sets={"app": ConfigurationSet(sending_enabled=False)})
    raised, *_ = refusal(simulated, wire, RAW, to=(OUTSIDE,), ConfigurationSetName="app")
    assert isinstance(raised, getattr(simulated.client(wire).exceptions, exception))


def test_v1_names_the_configuration_set_beside_the_message(simulated):
    raised, *_ = refusal(simulated, "v1", RAW, ConfigurationSetName="gone")
    assert raised.response["ConfigurationSetName"] == "gone"


@pytest.mark.parametrize(
    ("wire", "code", "status"),
    [("v1", "Throttling", 400), ("v2", "TooManyRequestsException", 429)],
)
def test_the_sending_rate(simulated, account, wire, code, status):
    account(max_send_rate=1.0)
    send(simulated, wire, RAW, to=[OUTSIDE] * 5)
    assert refusal(simulated, wire, RAW, to=(OUTSIDE,))[1:] == (
        code,
        "Maximum sending rate exceeded.",
        status,
    )
    simulated.wait(5)
    assert send(simulated, wire, RAW, to=(OUTSIDE,))


@pytest.mark.parametrize(("wire", "code"), [("v1", "Throttling"), ("v2", "LimitExceededException")])
def test_the_daily_quota(simulated, account, wire, code):
    account(max_24_hour_send=1.0)
    send(simulated, wire, RAW, to=(OUTSIDE,))
    assert refusal(simulated, wire, RAW, to=(OUTSIDE,))[1:] == (
        code,
        "Daily message quota exceeded.",
        400,
    )
    assert send(simulated, wire, message("a@example.com"))  # the mailbox simulator does not count


@pytest.mark.parametrize(
    ("wire", "code"), [("v1", "AccessDenied"), ("v2", "AccessDeniedException")]
)
def test_a_denied_action_names_itself_and_the_resource(simulated, account, wire, code):
    account(denied=(Denial(action="ses:SendRawEmail", resource="*:identity/example.com"),))
    _, seen, text, status = refusal(simulated, wire, RAW, to=(OUTSIDE,))
    assert (seen, status) == (code, 403)
    assert text == (
        "User `arn:aws:iam::123456789012:user/simulator' is not authorized to perform "
        "`ses:SendRawEmail' on resource `arn:aws:ses:eu-west-1:123456789012:identity/example.com'"
    )


def test_the_control_plane_takes_one_call_a_second_over_both_apis(simulated):
    simulated.ses.get_account_sending_enabled()
    with pytest.raises(simulated.sesv2.exceptions.TooManyRequestsException) as v2:
        simulated.sesv2.get_account()
    with pytest.raises(ClientError) as v1:
        simulated.ses.get_send_quota()
    assert v1.value.response["Error"]["Code"] == "Throttling"
    assert {caught.value.response["Error"]["Message"] for caught in (v1, v2)} == {"Rate exceeded"}
    simulated.wait(1)
    assert simulated.sesv2.get_account()["SendingEnabled"]


def test_tenants(simulated, account):
    account(
        tenants={
            "open": Tenant(identities=frozenset({"example.com"})),
            "paused": Tenant(status=TenantStatus.DISABLED, identities=frozenset({"example.com"})),
            "foreign": Tenant(identities=frozenset({"example.net"})),
        }
    )
    exceptions = simulated.sesv2.exceptions
    assert send(simulated, "v2", RAW, to=(OUTSIDE,), TenantName="open")
    for name, exception in (
        ("paused", exceptions.SendingPausedException),
        ("foreign", exceptions.BadRequestException),
        ("absent", exceptions.NotFoundException),
    ):
        raised, *_ = refusal(simulated, "v2", RAW, to=(OUTSIDE,), TenantName=name)
        assert isinstance(raised, exception)
    assert simulated.sesv2.get_tenant(TenantName="open")["Tenant"]["SendingStatus"] == "ENABLED"


@pytest.mark.parametrize(
    ("service", "codes"),
    [
        ("ses", ("InvalidClientTokenId", "SignatureDoesNotMatch")),
        ("sts", ("InvalidClientTokenId", "SignatureDoesNotMatch")),
        ("sesv2", ("UnrecognizedClientException", "InvalidSignatureException")),
    ],
)
def test_unknown_keys_and_wrong_secrets(served, service, codes):
    call = {"ses": "get_send_quota", "sesv2": "get_account", "sts": "get_caller_identity"}[service]
    unknown = served.client(service, access_key="AKIANOBODY")
    wrong = served.client(service, secret="guessed")
    for client, code in zip((unknown, wrong), codes, strict=True):
        with pytest.raises(ClientError) as caught:
            getattr(client, call)()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_assumed_role_may_send_over_both_apis(served):
    given = served.client("sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/relay", RoleSessionName="test-1"
    )["Credentials"]
    keys = {
        "access_key": given["AccessKeyId"],
        "secret": given["SecretAccessKey"],
        "token": given["SessionToken"],
    }
    identity = served.client("sts", **keys).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/relay/test-1"
    for service in ("ses", "sesv2"):
        client = served.client(service, **keys)
        if service == "ses":
            client.send_raw_email(RawMessage={"Data": RAW}, Destinations=[OUTSIDE])
        else:
            client.send_email(Content={"Raw": {"Data": RAW}})
    callers = {message.caller_arn for message in served.simulator.mailbox.messages()}
    assert callers == {identity["Arn"]}


def test_an_external_id_is_checked_where_the_role_has_one(served, account):
    role = "arn:aws:iam::123456789012:role/relay"
    account(roles={role: "agreed"})
    sts = served.client("sts")
    with pytest.raises(ClientError) as caught:
        sts.assume_role(RoleArn=role, RoleSessionName="test", ExternalId="guessed")
    assert caught.value.response["Error"] == {
        "Type": "Sender",
        "Code": "AccessDenied",
        "Message": "User: arn:aws:iam::123456789012:user/simulator is not authorized to "
        f"perform: sts:AssumeRole on resource: {role}",
    }
    assert sts.assume_role(RoleArn=role, RoleSessionName="test", ExternalId="agreed")


def test_the_suppression_list_round_trip(simulated, account):
    v2 = simulated.sesv2
    v2.put_suppressed_destination(EmailAddress="Dead@elsewhere.example", Reason="BOUNCE")
    simulated.wait(1)
    found = v2.get_suppressed_destination(EmailAddress="dead@elsewhere.example")
    assert found["SuppressedDestination"]["Reason"] == "BOUNCE"
    simulated.wait(1)
    listed = v2.list_suppressed_destinations(Reasons=["BOUNCE"])
    assert [one["EmailAddress"] for one in listed["SuppressedDestinationSummaries"]] == [
        "Dead@elsewhere.example"
    ]
    simulated.wait(1)
    assert not v2.list_suppressed_destinations(Reasons=["COMPLAINT"])[
        "SuppressedDestinationSummaries"
    ]
    simulated.wait(1)
    v2.delete_suppressed_destination(EmailAddress="dead@elsewhere.example")
    simulated.wait(1)
    with pytest.raises(v2.exceptions.NotFoundException):
        v2.get_suppressed_destination(EmailAddress="dead@elsewhere.example")


def test_identities_and_configuration_sets_read_alike_in_both_apis(simulated, account):
    account(
        identities=frozenset({"example.com", "me@example.net"}),
        unverified_identities=frozenset({"new.example"}),
        configuration_sets={"app": ConfigurationSet()},
    )

    def call(client, operation, **arguments):
        simulated.wait(1)
        return getattr(client, operation)(**arguments)

    names = ["example.com", "me@example.net", "new.example"]
    v1, v2 = simulated.ses, simulated.sesv2
    assert call(v1, "list_identities")["Identities"] == names
    first = call(v1, "list_identities", MaxItems=2)
    assert first["Identities"] == names[:2]
    assert call(v1, "list_identities", NextToken=first["NextToken"])["Identities"] == names[2:]
    assert call(v1, "list_identities", IdentityType="EmailAddress")["Identities"] == names[1:2]
    listed = call(v2, "list_email_identities")["EmailIdentities"]
    assert [(one["IdentityName"], one["SendingEnabled"]) for one in listed] == [
        ("example.com", True),
        ("me@example.net", True),
        ("new.example", False),
    ]
    verified = call(v1, "get_identity_verification_attributes", Identities=[*names, "none"])
    assert {
        name: entry["VerificationStatus"]
        for name, entry in verified["VerificationAttributes"].items()
    } == {"example.com": "Success", "me@example.net": "Success", "new.example": "Pending"}
    signed = call(v1, "get_identity_dkim_attributes", Identities=names)["DkimAttributes"]
    assert signed["example.com"]["DkimEnabled"]
    assert call(v2, "get_email_identity", EmailIdentity="me@example.net")[
        "VerifiedForSendingStatus"
    ]
    with pytest.raises(v2.exceptions.NotFoundException):
        call(v2, "get_email_identity", EmailIdentity="none.example")
    assert call(v1, "list_configuration_sets")["ConfigurationSets"] == [{"Name": "app"}]
    assert call(v2, "list_configuration_sets")["ConfigurationSets"] == ["app"]
    described = call(
        v1,
        "describe_configuration_set",
        ConfigurationSetName="app",
        ConfigurationSetAttributeNames=["reputationOptions", "eventDestinations"],
    )
    assert described["ReputationOptions"] == {"SendingEnabled": True}
    assert call(v2, "get_configuration_set", ConfigurationSetName="app")["SendingOptions"] == {
        "SendingEnabled": True
    }
    [destination] = described["EventDestinations"]
    assert sorted(destination["MatchingEventTypes"]) == [
        *("bounce", "complaint", "delivery", "reject")
    ]
    destinations = call(v2, "get_configuration_set_event_destinations", ConfigurationSetName="app")
    [destination] = destinations["EventDestinations"]
    assert {"BOUNCE", "COMPLAINT", "REJECT"} < set(destination["MatchingEventTypes"])
    assert destination["SnsDestination"]["TopicArn"].endswith(":123456789012:ses-events")
    account(configuration_sets={"app": ConfigurationSet(events=frozenset())})
    none = call(v2, "get_configuration_set_event_destinations", ConfigurationSetName="app")
    assert none["EventDestinations"] == []


@pytest.mark.parametrize(("wire", "operation"), [("v1", "SendRawEmail"), ("v2", "SendEmail")])
def test_scripted_errors_keep_their_code_text_and_status(simulated, served, wire, operation):
    then = Fail("ServiceUnavailable", "Come back later", 503)
    served.simulator.faults.add(Fault(operation=operation, times=2, then=then))
    for _ in range(2):
        seen = refusal(simulated, wire, RAW, to=(OUTSIDE,))
        assert seen[1:] == ("ServiceUnavailable", "Come back later", 503)
    assert send(simulated, wire, RAW, to=(OUTSIDE,))


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("wire", ["v1", "v2"])
def test_a_cut_connection_gives_no_answer(simulated, served, wire, when, kept):
    served.simulator.faults.add(Fault(operation="*", times=1, then=Drop(when)))
    with pytest.raises(ConnectionClosedError):
        send(simulated, wire, RAW, to=(OUTSIDE,))
    assert len(served.simulator.mailbox) == kept


def test_actions_that_are_not_there_are_named(served):
    with pytest.raises(ClientError) as v1:
        served.client("ses").list_templates()
    with pytest.raises(ClientError) as v2:
        served.client("sesv2").list_email_templates()
    assert v1.value.response["Error"]["Code"] == "InvalidAction"
    assert v1.value.response["Error"]["Message"] == (
        "Could not find operation ListTemplates for version 2010-12-01"
    )
    assert v2.value.response["Error"]["Code"] == "UnknownOperationException"
