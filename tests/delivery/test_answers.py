"""Every row of the table, from the octets on the wire to the outcome, by both APIs."""

import dataclasses

import pytest
from wire import accepted, address, mail, page, refused

from relay.delivery.answer import Answer
from relay.delivery.answers import BY_STATUS, TABLE
from relay.model.outcome import Cause, Deferred, Failed, Relayed, Scope, ScopeKind, Unknown
from relay.model.settings import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1, V2 = Api.V1, Api.V2
MESSAGE = Scope(ScopeKind.MESSAGE, "Q1")
ROUTE = Scope(ScopeKind.ROUTE, "default")
CONFIGURATION_SET = Scope(ScopeKind.CONFIGURATION_SET, "app-a", "default")
TENANT = Scope(ScopeKind.TENANT, "acme", "default")
DOMAIN = Scope(ScopeKind.IDENTITY, "example.com", "default")
SENDER = Scope(ScopeKind.IDENTITY, "a@example.com", "default")

RATE = "Maximum sending rate exceeded."
QUOTA = "Daily message quota exceeded."
PAUSED = "Sending paused for this account. For more information, please check the inbox."
SET_PAUSED = "Email sending is paused for configuration set app-a."
CREDENTIALS = "The security token included in the request is invalid."
DENIED = "User `arn:aws:sts::1:assumed-role/r/s' is not authorized to perform `ses:SendRawEmail' "

HELD = [
    # api, code, HTTP status, words, cause, scope, reply
    (V1, "Throttling", 400, RATE, Cause.RATE, MESSAGE, "451 4.4.5"),
    (V2, "TooManyRequestsException", 429, RATE, Cause.RATE, MESSAGE, "451 4.4.5"),
    (V2, "ThrottlingException", 400, RATE, Cause.RATE, MESSAGE, "451 4.4.5"),
    (V1, "Throttling", 400, QUOTA, Cause.QUOTA, ROUTE, "451 4.4.5"),
    (V1, "Throttling", 400, "Daily sending quota exceeded", Cause.QUOTA, ROUTE, "451 4.4.5"),
    (V2, "LimitExceededException", 400, QUOTA, Cause.QUOTA, ROUTE, "451 4.4.5"),
    (V2, "ThrottlingException", 400, QUOTA, Cause.QUOTA, ROUTE, "451 4.4.5"),
    (V1, "Throttling", 400, "Rate exceeded", Cause.SERVICE, MESSAGE, "451 4.3.2"),
    (V2, "TooManyRequestsException", 429, "Rate exceeded", Cause.SERVICE, MESSAGE, "451 4.3.2"),
    (V1, "InternalFailure", 500, "Oops", Cause.SERVICE, MESSAGE, "451 4.3.0"),
    (V2, "InternalServiceErrorException", 500, "Oops", Cause.SERVICE, MESSAGE, "451 4.3.0"),
    (V1, "ServiceUnavailable", 503, "Oops", Cause.SERVICE, MESSAGE, "451 4.3.0"),
    (V2, "NeverHeardOf", 503, "Oops", Cause.SERVICE, MESSAGE, "451 4.3.0"),
    (V1, "RequestTimeout", 408, "Slow", Cause.SERVICE, MESSAGE, "451 4.3.0"),
    (V2, "RequestAbortedException", 400, "Gone", Cause.SERVICE, MESSAGE, "451 4.3.0"),
    (V1, "AccountSendingPausedException", 400, "x", Cause.ACCOUNT_PAUSED, ROUTE, "451 4.3.2"),
    (V2, "SendingPausedException", 400, PAUSED, Cause.ACCOUNT_PAUSED, ROUTE, "451 4.3.2"),
    (V1, "MessageRejected", 400, PAUSED, Cause.ACCOUNT_PAUSED, ROUTE, "451 4.3.2"),
    (V2, "MessageRejected", 400, PAUSED, Cause.ACCOUNT_PAUSED, ROUTE, "451 4.3.2"),
    (
        V2,
        *("AccountSuspendedException", 400, "Account permanently restricted."),
        *(Cause.ACCOUNT_PAUSED, ROUTE, "451 4.3.2"),
    ),
    (
        V1,
        *("ConfigurationSetSendingPausedException", 400, "Paused"),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V2,
        *("SendingPausedException", 400, SET_PAUSED),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V2,
        *("BadRequestException", 400, "Configuration set app-a is disabled."),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V1,
        *("ConfigurationSetDoesNotExist", 400, "Configuration set <app-a> does not exist."),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V1,
        *("ConfigurationSetDoesNotExist", 400, "No such set."),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V2,
        *("NotFoundException", 404, "Configuration set <app-a> does not exist."),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V2,
        *("BadRequestException", 400, "Configuration set app-a not found"),
        *(Cause.CONFIGURATION_SET, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V2,
        *("SendingPausedException", 400, "Sending is paused for tenant acme."),
        *(Cause.TENANT_PAUSED, TENANT, "451 4.3.2"),
    ),
    (
        V2,
        *("BadRequestException", 400, "Tenant acme is disabled."),
        *(Cause.TENANT_PAUSED, TENANT, "451 4.3.2"),
    ),
    (
        V2,
        *("NotFoundException", 404, "Tenant acme does not exist."),
        *(Cause.TENANT_PAUSED, TENANT, "451 4.3.5"),
    ),
    (
        V2,
        *(
            "BadRequestException",
            400,
            "Identity <a@example.com> is not associated with tenant <acme>.",
        ),
        *(Cause.TENANT_PAUSED, TENANT, "451 4.3.5"),
    ),
    (
        V1,
        *("MailFromDomainNotVerifiedException", 400, "No MX"),
        *(Cause.IDENTITY, DOMAIN, "451 4.3.5"),
    ),
    (
        V2,
        *("MailFromDomainNotVerifiedException", 400, "No MX"),
        *(Cause.IDENTITY, DOMAIN, "451 4.3.5"),
    ),
    (
        V1,
        *("MessageRejected", 400, "MAIL FROM domain not verified: DNS setup is invalid."),
        *(Cause.IDENTITY, DOMAIN, "451 4.3.5"),
    ),
    (
        V1,
        *("AccessDenied", 403, DENIED + "on resource `arn:aws:ses:eu-west-1:1:identity/*'"),
        *(Cause.PERMISSION, ROUTE, "451 4.3.5"),
    ),
    (V2, "AccessDeniedException", 403, DENIED, Cause.PERMISSION, ROUTE, "451 4.3.5"),
    (V2, "NotAuthorized", 401, DENIED, Cause.PERMISSION, ROUTE, "451 4.3.5"),
    (
        V1,
        *("AccessDenied", 403, DENIED + "on `arn:aws:ses:eu-west-1:1:identity/a@example.com'"),
        *(Cause.PERMISSION, SENDER, "451 4.3.5"),
    ),
    (
        V2,
        *("AccessDeniedException", 403, DENIED + "on arn:aws:ses:eu-west-1:1:identity/example.com"),
        *(Cause.PERMISSION, DOMAIN, "451 4.3.5"),
    ),
    (
        V1,
        *("AccessDenied", 403, DENIED + "on resource: arn:aws:ses:eu:1:configuration-set/app-a"),
        *(Cause.PERMISSION, CONFIGURATION_SET, "451 4.3.5"),
    ),
    (
        V1,
        *("AccessDenied", 403, DENIED + "on arn:aws:ses:eu-west-1:1:identity/b@example.net"),
        *(Cause.PERMISSION, MESSAGE, "451 4.3.5"),
    ),
    *(
        (api, code, 403, CREDENTIALS, Cause.CREDENTIALS, ROUTE, "451 4.3.5")
        for api, code in (
            (V1, "InvalidClientTokenId"),
            (V2, "UnrecognizedClientException"),
            (V1, "SignatureDoesNotMatch"),
            (V2, "InvalidSignatureException"),
            (V1, "IncompleteSignature"),
            (V1, "ExpiredToken"),
            (V2, "ExpiredTokenException"),
            (V2, "MissingAuthenticationTokenException"),
            (V1, "OptInRequired"),
            (V1, "RequestExpired"),
        )
    ),
    *(
        (api, code, 400, "?", Cause.UNCLASSIFIED, MESSAGE, "451 4.3.0")
        for api, code in (
            (V1, "MalformedQueryString"),
            (V1, "MissingParameter"),
            (V1, "ValidationError"),
            (V1, "InvalidAction"),
            (V2, "SerializationException"),
            (V2, "UnknownOperationException"),
            (V1, "NeverHeardOf"),
            (V2, "NeverHeardOfException"),
            (V2, "BadRequestException"),
            (V1, "InvalidParameterValue"),
        )
    ),
    (
        V1,
        *("InvalidParameterValue", 400, "Recipient count exceeds 50."),
        *(Cause.UNCLASSIFIED, MESSAGE, "451 4.3.0"),
    ),
]


@pytest.mark.parametrize("case", HELD, ids=lambda case: f"{case[0]}-{case[1]}-{case[3][:20]}")
async def test_held(ses, case):
    api, code, status, words, cause, scope, reply = case
    # Refused credentials are tried once more.
    ses.script += [refused(api, code, words, status)] * (2 if cause is Cause.CREDENTIALS else 1)
    outcome = await ses.send(
        api, mail(configuration_set="app-a", tenant="acme" if api is V2 else None)
    )
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, outcome.scope) == (cause, scope)
    assert str(outcome.reply).startswith(f"{reply} Amazon SES: {words[:40].strip()}")
    assert outcome.ses_request_id == "R-1"
    assert words in outcome.detail
    assert not ses.script


LENGTH = "Message length is more than 10485760 bytes long: '10485800'"
REFUSED = [
    (LENGTH, "552 5.3.4"),
    ("Message is too long.", "552 5.3.4"),
    ("Duplicate header 'Subject'.", "554 5.6.0"),
    ("Missing required header 'From'.", "554 5.6.0"),
    ("Empty header names are illegal.", "554 5.6.0"),
    ("Expected '=', got 'null'", "554 5.6.0"),
    ("Invalid MIME structure", "554 5.6.0"),
    ("Missing start boundary", "554 5.6.0"),
    ("Message has more than 500 MIME parts.", "554 5.6.0"),
    ("Line is longer than 1000 octets including CRLF.", "554 5.6.0"),
    ("Illegal filename 'a.exe'.", "554 5.6.1"),
    ("The attachment type is not supported", "554 5.6.1"),
    ("There are non-ASCII characters in the email address", "553 5.6.7"),
]


@pytest.mark.parametrize(("words", "reply"), REFUSED)
@pytest.mark.parametrize(
    ("api", "code"),
    [
        (V1, "InvalidParameterValue"),
        (V1, "MessageRejected"),
        (V2, "BadRequestException"),
        (V2, "MessageRejected"),
    ],
)
async def test_refused(ses, api, code, words, reply):
    ses.script += [refused(api, code, words)]
    outcome = await ses.send(api)
    assert isinstance(outcome, Failed)
    assert outcome.recipients is None
    assert str(outcome.reply) == f"{reply} Amazon SES: {words}"


async def test_a_gateway_of_ses_that_finds_the_request_too_large(ses):
    ses.script += [refused(V2, "RequestEntityTooLargeException", "Too large", 413)]
    outcome = await ses.send(V2)
    assert isinstance(outcome, Failed)
    assert outcome.reply.enhanced == "5.3.4"


ADDRESS_FAULTS = [
    "Missing final '@domain'",
    "Missing local name",
    "Illegal address",
    "Extra route-addr",
    "Local address contains control or whitespace",
    "Domain contains illegal character",
    "Invalid email address",
]


@pytest.mark.parametrize(
    ("api", "code"), [(V1, "InvalidParameterValue"), (V2, "BadRequestException")]
)
@pytest.mark.parametrize("words", ADDRESS_FAULTS)
async def test_a_bad_address_of_the_only_recipient(ses, api, code, words):
    ses.script += [refused(api, code, words)]
    outcome = await ses.send(api)
    assert isinstance(outcome, Failed)
    assert outcome.recipients == {address("b@example.net")}
    assert str(outcome.reply) == f"553 5.1.3 Amazon SES: {words}"


THREE = ("b@example.net", "bad@example.net", "c@example.net")


async def test_a_bad_address_among_several_that_ses_does_not_name(ses):
    ses.script += [refused(V1, "InvalidParameterValue", "Illegal address")]
    outcome = await ses.send(V1, mail(recipients=THREE))
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, outcome.scope) == (Cause.UNNAMED_RECIPIENT, MESSAGE)
    assert str(outcome.reply).startswith("451 4.3.0 ")


async def test_a_bad_address_among_several_that_ses_names(ses):
    ses.script += [refused(V2, "BadRequestException", "Illegal address: <Bad@example.net>.")]
    outcome = await ses.send(V2, mail(recipients=THREE))
    assert isinstance(outcome, Failed)
    assert outcome.recipients == {address("bad@example.net")}
    assert outcome.reply.enhanced == "5.1.3"


async def test_a_bad_address_that_is_the_senders(ses):
    ses.script += [refused(V1, "InvalidParameterValue", "Illegal address 'a@example.com'")]
    outcome = await ses.send(V1, mail(recipients=THREE))
    assert isinstance(outcome, Failed)
    assert outcome.recipients is None
    assert (outcome.reply.code, outcome.reply.enhanced) == (553, "5.1.7")


def not_verified(*names):
    return (
        "Email address is not verified. The following identities failed the check in region "
        f"EU-WEST-1: {', '.join(names)}"
    )


@pytest.mark.parametrize("api", [V1, V2])
async def test_a_sender_that_never_was_verified_fails_in_the_words_of_ses(ses, api):
    words = not_verified("A <a@example.com>")
    ses.script += [refused(api, "MessageRejected", words)]
    outcome = await ses.send(api)
    assert isinstance(outcome, Failed)
    assert outcome.recipients is None
    assert str(outcome.reply) == f"554 5.7.1 Amazon SES: {words}"


@pytest.mark.parametrize("api", [V1, V2])
async def test_a_sender_that_was_verified_before_is_held(ses, api):
    transport = ses.transport(api)
    ses.script += [accepted(api), refused(api, "MessageRejected", not_verified("a@example.com"))]
    assert isinstance(await ses.send(api, transport=transport), Relayed)
    outcome = await ses.send(api, transport=transport)
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, outcome.scope) == (Cause.IDENTITY, SENDER)
    assert (outcome.reply.code, outcome.reply.enhanced) == (451, "4.3.5")


async def test_an_unverified_address_in_the_header_holds_nobody(ses):
    transport = ses.transport(Api.V1)
    words = not_verified("sender-header@example.org")
    ses.script += [accepted(Api.V1), refused(Api.V1, "MessageRejected", words)]
    assert isinstance(await ses.send(Api.V1, transport=transport), Relayed)
    outcome = await ses.send(Api.V1, transport=transport)
    assert isinstance(outcome, Failed)
    assert (outcome.recipients, outcome.reply.code) == (None, 554)


@pytest.mark.parametrize("known", [False, True])
async def test_an_identity_that_ses_does_not_name_is_the_senders(ses, known):
    transport = ses.transport(Api.V1)
    if known:
        ses.script += [accepted(Api.V1)]
        assert isinstance(await ses.send(Api.V1, transport=transport), Relayed)
    ses.script += [refused(Api.V1, "MessageRejected", "Email address is not verified.")]
    outcome = await ses.send(Api.V1, transport=transport)
    assert isinstance(outcome, Deferred if known else Failed)


async def test_only_the_recipients_that_a_sandbox_refuses_fail(ses):
    words = not_verified("b@example.net", "C <c@example.net>", "...")
    ses.script += [refused(V1, "MessageRejected", words)]
    outcome = await ses.send(V1, mail(recipients=THREE))
    assert isinstance(outcome, Failed)
    assert outcome.recipients == {address("b@example.net"), address("c@example.net")}
    assert str(outcome.reply) == f"550 5.7.1 Amazon SES: {words}"


async def test_a_sender_named_beside_recipients_fails_the_message(ses):
    words = not_verified("b@example.net", "a@example.com")
    ses.script += [refused(V1, "MessageRejected", words)]
    outcome = await ses.send(V1, mail(recipients=THREE))
    assert isinstance(outcome, Failed)
    assert (outcome.recipients, outcome.reply.code) == (None, 554)


async def test_an_author_is_an_identity_too(ses):
    message = dataclasses.replace(mail(), authors=(address("Boss@example.org"),))
    ses.script += [refused(V2, "MessageRejected", not_verified("boss@example.org"))]
    outcome = await ses.send(V2, message)
    assert isinstance(outcome, Failed)
    assert (outcome.recipients, outcome.reply.code) == (None, 554)


async def test_a_default_configuration_set_holds_the_identity_that_has_it(ses):
    ses.script += [refused(V1, "ConfigurationSetDoesNotExist", "Configuration set does not exist")]
    outcome = await ses.send(V1)
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, outcome.scope) == (Cause.CONFIGURATION_SET, DOMAIN)


async def test_a_denied_parent_domain_holds_the_domain_in_the_message(ses):
    words = DENIED + "on resource arn:aws:ses:eu-west-1:1:identity/example.com."
    ses.script += [refused(V2, "AccessDeniedException", words, 403)]
    outcome = await ses.send(V2, mail(sender="a@shop.example.com"))
    assert isinstance(outcome, Deferred)
    assert outcome.scope == Scope(ScopeKind.IDENTITY, "shop.example.com", "default")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidParameterValue", "Duplicate header 'Sending paused for this account'"),
        ("InvalidParameterValue", "Duplicate header 'Maximum sending rate exceeded'"),
        ("MessageRejected", not_verified("paused-tenant@configuration.set", "a@example.com")),
        ("InvalidParameterValue", "Illegal address 'tenant paused'"),
        ("MessageRejected", "Illegal filename 'the configuration set is paused.exe'"),
    ],
)
async def test_words_that_a_client_chose_hold_nothing(ses, code, words):
    ses.script += [refused(V1, code, words)]
    assert isinstance(await ses.send(V1), Failed)


@pytest.mark.parametrize("api", [V1, V2])
@pytest.mark.parametrize(
    "expected",
    [
        (503, Cause.SERVICE, "451 4.3.0"),
        (500, Cause.SERVICE, "451 4.3.0"),
        (429, Cause.RATE, "451 4.4.5"),
        (408, Cause.SERVICE, "451 4.3.0"),
        (407, Cause.NETWORK, "451 4.4.1"),
        (403, Cause.UNCLASSIFIED, "451 4.3.0"),
        (400, Cause.UNCLASSIFIED, "451 4.3.0"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        "<html><body><h1>Proxy</h1></body></html>",
        "<!DOCTYPE html><p>Proxy<br></html>",
        "<html/>",
        "",
        "plain words",
    ],
)
async def test_what_is_not_ses_is_judged_by_its_status(ses, api, expected, body):
    status, cause, reply = expected
    ses.script += [page(status, body)]
    outcome = await ses.send(api)
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, outcome.scope) == (cause, MESSAGE)
    assert str(outcome.reply).startswith(f"{reply} ")


@pytest.mark.parametrize("api", [V1, V2])
async def test_a_proxy_that_finds_the_message_too_large_refuses_it(ses, api):
    ses.script += [page(413)]
    outcome = await ses.send(api)
    assert isinstance(outcome, Failed)
    assert str(outcome.reply) == "552 5.3.4 Message is too large for Amazon SES"


@pytest.mark.parametrize("api", [V1, V2])
@pytest.mark.parametrize("status", [200, 502, 504])
async def test_a_gateway_that_lost_ses_leaves_the_outcome_open(ses, api, status):
    ses.script += [page(status)]
    outcome = await ses.send(api)
    assert isinstance(outcome, Unknown)
    assert (outcome.reply.code, outcome.reply.enhanced) == (451, "4.4.2")
    assert str(status) in outcome.detail


@pytest.mark.parametrize("api", [V1, V2])
@pytest.mark.parametrize("body", ["{}", "[]", "<a/>", "{", "<SendRawEmailResponse/>", ""])
async def test_a_success_without_message_id_leaves_the_outcome_open(ses, api, body):
    ses.script += [page(200, body)]
    assert isinstance(await ses.send(api), Unknown)


async def test_an_unknown_refusal_that_speaks_of_pauses_holds_only_its_message(ses):
    words = "Unknown field 'paused': the value 'configuration set' or 'tenant' is wrong"
    ses.script += [refused(Api.V2, "BadRequestException", words)]
    outcome = await ses.send(Api.V2, mail(configuration_set="app-a", tenant="acme"))
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, outcome.scope) == (Cause.UNCLASSIFIED, MESSAGE)


@pytest.mark.parametrize("api", [V1, V2])
async def test_accepted(ses, api):
    ses.script += [accepted(api, "0108-7")]
    assert await ses.send(api) == Relayed(ses_message_id="0108-7", ses_request_id="R-1")


async def test_every_row_is_the_first_that_fits_for_some_answer_above():
    answers = [
        Answer(status=status, code=code.removesuffix("Exception"), words=words)
        for _, code, status, words, *_ in HELD
    ]
    answers += [
        Answer(status=400, code="InvalidParameterValue", words=words)
        for words in [*(words for words, _ in REFUSED), ADDRESS_FAULTS[0]]
    ]
    answers += [
        Answer(status=400, code="MessageRejected", words=not_verified("a@example.com")),
        Answer(status=413, code="RequestEntityTooLarge", words="Too large"),
    ]
    used = {
        next((number for number, row in enumerate(TABLE) if row.fits(answer)), None)
        for answer in answers
    } - {None}
    assert used == set(range(len(TABLE)))
    assert set(BY_STATUS) == {*range(200, 300), 407, 408, 413, 429, 502, 504}
