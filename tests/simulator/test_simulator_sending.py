import pytest

from relay.simulator import (
    Arns,
    ConfigurationSet,
    Denial,
    Enforcement,
    Tenant,
    TenantStatus,
)

RAW = b"From: a@example.com\r\n\r\nHello\r\n"
INVALID = "InvalidParameterValue/BadRequestException"
UNVERIFIED = (
    "MessageRejected/MessageRejected: Email address is not verified. "
    "The following identities failed the check in region EU-WEST-1: "
)
OTHERS = "arn:aws:ses:eu-west-1:210987654321:identity/other.example"
NOT_ALLOWED = (
    "AccessDenied/AccessDeniedException: User `arn:aws:iam::123456789012:user/simulator' "
    "is not authorized to perform `ses:SendRawEmail' on resource "
)


def raw(*fields):
    return "".join(f"{field}\r\n" for field in fields).encode() + b"\r\nHello\r\n"


@pytest.mark.parametrize(("api", "most"), [("v1", 10_485_760), ("v2", 41_943_040)])
def test_the_size_limit_is_exact(send, api, most):
    lines = (b"x" * 998 + b"\r\n") * (most // 1_000)
    body = RAW + lines[: most - len(RAW)]
    body += b"x" * (most - len(body))
    assert send.accepted(body, api=api).raw is body
    assert send.refused(body + b"x", api=api) == (
        f"{INVALID}: Message length is more than {most} bytes long: '{most + 1}'"
    )


def test_fifty_recipients_pass_and_fifty_one_do_not(send):
    assert send.accepted(destinations=("x@y.example",) * 50)
    assert send.refused(destinations=("x@y.example",) * 51) == (
        f"{INVALID}: Recipient count exceeds 50."
    )


def test_header_recipients_are_counted_where_they_count(send):
    many = ", ".join(["x@y.example"] * 30)
    headers = raw("From: a@example.com", f"To: {many}", f"Cc: {many}")
    assert send.accepted(headers)
    assert send.refused(headers, destinations=None) == f"{INVALID}: Recipient count exceeds 50."


def test_recipients_come_from_to_cc_and_bcc_with_groups(send):
    message = send.accepted(
        raw("From: a@example.com", "To: b@y.example", "Cc: g: c@y.example;", "Bcc: d@y.example"),
        destinations=None,
    )
    assert message.destinations == ("b@y.example", "c@y.example", "d@y.example")


@pytest.mark.parametrize("fields", [(), ("Cc: b@y.example",), ("To: empty:;",)])
def test_without_to_and_explicit_recipients_a_message_is_refused(send, fields):
    assert send.refused(raw("From: a@example.com", *fields), destinations=None) == (
        f"{INVALID}: Missing required header 'To'."
    )


@pytest.mark.parametrize(
    ("asked", "source"),
    [
        ({}, "a@example.com"),
        ({"source": "S <s@example.com>"}, "s@example.com"),
        ({"source": "s@example.com", "feedback_to": "f@example.com"}, "f@example.com"),
        ({"raw": raw("From: a@example.com", "Return-Path: <r@example.com>")}, "r@example.com"),
        (
            {
                "raw": raw("From: a@example.com", "Return-Path: <r@example.com>"),
                "source": "s@example.com",
            },
            "s@example.com",
        ),
    ],
)
def test_the_envelope_sender(send, asked, source):
    assert send.accepted(**asked).source == source


@pytest.mark.parametrize("source", ["", "<>", "a@example.com, b@example.com"])
def test_a_source_that_is_no_address_is_refused(send, source):
    assert send.refused(source=source) == f"{INVALID}: Illegal address"


def test_a_group_without_members_is_no_author(send):
    assert send.refused(raw("From: nobody:;")) == f"{INVALID}: Missing required header 'From'."


@pytest.mark.parametrize("name", ["From", "Sender", "Reply-To", "Return-Path", "To", "Cc", "Bcc"])
def test_every_address_header_is_read(send, name):
    fields = ["From: a@example.com"] if name != "From" else []
    assert send.refused(raw(*fields, f"{name}: nobody")) == (f"{INVALID}: Missing final '@domain'")


def test_a_program_is_refused_by_its_name(send):
    message = raw("From: a@example.com", "Content-Type: text/plain; name=a.vbs")
    assert send.refused(message) == f"{INVALID}: Illegal filename 'a.vbs'."


@pytest.mark.parametrize(
    ("fields", "asked", "failed"),
    [
        (("From: A <a@x.example>",), {}, "A <a@x.example>"),
        (("From: a@example.com",), {"source": "s@x.example"}, "s@x.example"),
        (("From: a@example.com",), {"feedback_to": "f@x.example"}, "f@x.example"),
        (("From: a@example.com", "Sender: s@x.example"), {}, "s@x.example"),
        (("From: a@example.com", "Return-Path: <r@x.example>"), {}, "<r@x.example>"),
        (
            ("From: a@x.example, b@example.com", "Sender: s@x.example"),
            {"source": "a@x.example"},
            "a@x.example, s@x.example",
        ),
    ],
)
def test_all_who_must_be_verified_are_checked(send, fields, asked, failed):
    assert send.refused(raw(*fields), **asked) == UNVERIFIED + failed


def test_reply_to_and_recipients_need_not_be_verified(send):
    assert send.accepted(raw("From: a@example.com", "Reply-To: x@y.example"))


def test_a_pending_identity_does_not_send(send):
    send.account(identities=frozenset(), unverified_identities=frozenset({"example.com"}))
    assert send.refused() == f"{UNVERIFIED}a@example.com"


def test_the_sandbox_wants_verified_recipients_but_for_the_mailbox_simulator(send):
    send.account(sandbox=True)
    assert send.accepted(destinations=("ok@example.com", "bounce+1@simulator.amazonses.com"))
    assert send.refused(destinations=("ok@example.com", "no@y.example")) == (
        f"{UNVERIFIED}no@y.example"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"sending_enabled": False},
            (
                "AccountSendingPausedException/SendingPausedException: Sending paused for this "
                "account. For more information, please check the inbox of the email address "
                "associated with your AWS account."
            ),
        ),
        (
            {"enforcement": Enforcement.SHUTDOWN},
            (
                "MessageRejected/AccountSuspendedException: Sending paused for this "
                "account. For more information, please check the inbox of the email address "
                "associated with your AWS account."
            ),
        ),
        (
            {"mail_from_failing": frozenset({"example.com"})},
            (
                "MailFromDomainNotVerifiedException/MailFromDomainNotVerifiedException: "
                "DNS setup for MAIL FROM domain is invalid."
            ),
        ),
    ],
)
def test_states_of_the_account(send, changes, text):
    send.account(**changes)
    assert send.refused() == text


def test_an_account_on_probation_sends(send):
    send.account(enforcement=Enforcement.PROBATION)
    assert send.accepted()


def test_configuration_sets(send):
    send.account(
        configuration_sets={
            "on": ConfigurationSet(),
            "off": ConfigurationSet(sending_enabled=False),
        }
    )
    assert send.accepted(configuration_set="on").configuration_set == "on"
    assert send.refused(configuration_set="none") == (
        "ConfigurationSetDoesNotExist/NotFoundException: Configuration set <none> does not exist."
    )
    assert send.refused(configuration_set="off").startswith(
        "ConfigurationSetSendingPausedException/SendingPausedException: "
    )


def test_control_headers_are_obeyed_first_instance_first(send):
    send.account(
        configuration_sets={"app": ConfigurationSet()},
        tenants={
            "t": Tenant(
                identities=frozenset({"example.com"}), configuration_sets=frozenset({"app"})
            )
        },
    )
    message = send.accepted(
        raw(
            "From: a@example.com",
            "X-SES-CONFIGURATION-SET: app",
            "x-ses-configuration-set: none",
            "X-SES-MESSAGE-TAGS: one=1, two=2",
            "X-SES-TENANT: t",
        )
    )
    assert message.configuration_set == "app"
    assert message.tags == (("one", "1"), ("two", "2"))
    assert message.tenant == "t"


def test_parameters_win_over_headers_and_tags_are_not_merged(send):
    send.account(configuration_sets={"app": ConfigurationSet()})
    message = send.accepted(
        raw("From: a@example.com", "X-SES-CONFIGURATION-SET: none", "X-SES-MESSAGE-TAGS: a=1"),
        configuration_set="app",
        tags=(("b", "2"),),
    )
    assert (message.configuration_set, message.tags) == ("app", (("b", "2"),))


@pytest.mark.parametrize(
    "tag", [("", "v"), ("n", ""), ("n", "a.b"), ("\u00e4", "v"), ("n" * 257, "v")]
)
def test_tags_are_narrow(send, tag):
    assert send.refused(tags=(tag,)).startswith(f"{INVALID}: Invalid tag ")
    assert send.accepted(tags=(("n" * 256, "Az-09_"),))


@pytest.mark.parametrize("field", ["X-SES-MESSAGE-TAGS: a b=c", "X-SES-MESSAGE-TAGS: alone"])
def test_tags_of_the_header_are_checked_too(send, field):
    assert send.refused(raw("From: a@example.com", field)).startswith(f"{INVALID}: Invalid tag ")


def test_tenants_use_only_what_is_theirs(send):
    send.account(
        configuration_sets={"app": ConfigurationSet()},
        tenants={
            "t": Tenant(identities=frozenset({"example.com"})),
            "off": Tenant(identities=frozenset({"example.com"}), status=TenantStatus.DISABLED),
            "foreign": Tenant(identities=frozenset({"x.example"})),
        },
    )
    assert send.accepted(tenant="t").tenant == "t"
    assert send.refused(tenant="none").endswith("/NotFoundException: Tenant <none> does not exist.")
    assert send.refused(tenant="off").endswith(
        "/SendingPausedException: Sending paused for tenant <off>."
    )
    assert send.refused(tenant="foreign") == (
        f"{INVALID}: Identity <a@example.com> is not associated with tenant <foreign>."
    )
    assert send.refused(tenant="t", configuration_set="app") == (
        f"{INVALID}: Configuration set <app> is not associated with tenant <t>."
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"contact_list": "news"},
        {"raw": raw("From: a@example.com", "X-SES-LIST-MANAGEMENT-OPTIONS: news; topic=x")},
    ],
)
def test_contact_lists_do_not_exist(send, asked):
    assert send.refused(**asked).endswith("List with name: news doesn't exist.")


def test_denials_are_for_identities_and_for_configuration_sets(send):
    send.account(
        configuration_sets={"app": ConfigurationSet()},
        denied=(Denial(action="ses:Send*", resource="*:configuration-set/*"),),
    )
    assert send.accepted()
    assert send.refused(configuration_set="app") == (
        f"{NOT_ALLOWED}`arn:aws:ses:eu-west-1:123456789012:configuration-set/app'"
    )
    send.account(denied=(Denial(action="*"),))
    assert send.refused() == (
        f"{NOT_ALLOWED}`arn:aws:ses:eu-west-1:123456789012:identity/example.com'"
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"arns": Arns(author=OTHERS)},
        {"arns": Arns(source=OTHERS)},
        {"raw": raw("From: b@other.example", f"X-SES-FROM-ARN: {OTHERS}")},
        {"raw": raw("From: b@other.example", f"X-SES-SOURCE-ARN: {OTHERS}")},
    ],
)
def test_sending_as_another_account_needs_its_leave(send, asked):
    asked = {"raw": raw("From: b@other.example"), **asked}
    assert send.refused(**asked) == f"{NOT_ALLOWED}`{OTHERS}'"
    send.account(delegated=frozenset({OTHERS}))
    assert send.accepted(**asked)


def test_an_arn_that_does_not_cover_the_author_does_not_help(send):
    send.account(delegated=frozenset({OTHERS}))
    assert send.refused(raw("From: b@third.example"), arns=Arns(author=OTHERS)) == (
        f"{UNVERIFIED}b@third.example"
    )


def test_identities_of_other_regions_are_of_no_use(send):
    elsewhere = OTHERS.replace("eu-west-1", "us-east-1")
    send.account(delegated=frozenset({elsewhere}))
    assert send.refused(raw("From: b@other.example"), arns=Arns(author=elsewhere)) == (
        f"{NOT_ALLOWED}`{elsewhere}'"
    )


def test_an_own_identity_may_be_named_by_its_arn(send):
    own = "arn:aws:ses:eu-west-1:123456789012:identity/example.com"
    assert send.accepted(arns=Arns(source=own, return_path=own))
    assert send.refused(arns=Arns(source=own.replace("example", "absent"))).startswith(NOT_ALLOWED)


def test_the_rate_counts_recipients_and_refusals_cost_nothing(send, clock):
    send.account(max_send_rate=2.0)
    send.refused(destinations=("nobody",))
    assert send.accepted(destinations=("x@y.example",) * 4)
    throttled = "Throttling/TooManyRequestsException: Maximum sending rate exceeded."
    assert send.refused() == throttled
    clock.advance(seconds=1)
    assert send.refused() == throttled
    clock.advance(seconds=0.5)
    assert send.accepted()


def test_the_day_counts_recipients_but_for_the_mailbox_simulator(send, clock):
    send.account(max_24_hour_send=2.0)
    send.accepted(destinations=("success@simulator.amazonses.com",) * 9)
    send.accepted(destinations=("x@y.example", "success@simulator.amazonses.com"))
    send.accepted(destinations=("x@y.example",) * 3)  # one call may go beyond
    assert send.refused() == ("Throttling/LimitExceededException: Daily message quota exceeded.")
    assert send.accepted(destinations=("success@simulator.amazonses.com",))
    clock.advance(hours=24)
    assert send.accepted()


def test_lone_line_feeds_may_be_allowed(send):
    message = b"From: a@example.com\nSubject: x\n\nHello\n"
    assert send.refused(message) == f"{INVALID}: Message contains a bare CR or LF."
    send.account(bare_line_feeds=True)
    kept = send.accepted(message)
    assert kept.raw == message
    assert kept.delivered.endswith(b"\r\n\r\nHello\r\n")
