"""What AWS says, asked of the simulated account: every finding there can be."""

import pytest
from check_world import FREE, account, collect, faulty, fine, settings, user, warned

from relay.model.address import Address
from relay.model.settings import (
    AccountList,
    Actions,
    AuthMode,
    Bounces,
    BounceTo,
    Conditions,
    DkimKey,
    DkimSigner,
    Feedback,
    Glob,
    Listener,
    Route,
    Rule,
    Secret,
    SqsQueue,
    Suppression,
    TlsMode,
)
from relay.service.check.senders import needed
from relay.service.dkim import make_key
from relay.simulator import ConfigurationSet, Denial, Enforcement, Fail, Fault, Tenant, TenantStatus

ABOUT = "routes.default"
IDENTITY = "users.app.senders *@example.com"


async def test_a_healthy_account_gives_no_cause_to_act():
    async with account() as checked:
        found = await checked()
    assert fine(found[f"{ABOUT} credentials"], "arn:aws:iam::123456789012:user/simulator")
    assert fine(found[f"{ABOUT} clock"])
    assert fine(found[f"{ABOUT} account"], "14 recipients/s, 0 of 50,000")
    assert fine(found[IDENTITY], "example.com is verified in eu-west-1")
    assert {finding.state for finding in found.values()} == {"ok"}


async def test_without_credentials_nothing_more_is_asked(aws):
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    async with account() as checked:
        found = await checked()
    assert faulty(found[f"{ABOUT} credentials"], "Unable to locate credentials", "role")
    assert f"{ABOUT} account" not in found


async def test_wrong_credentials_are_told_in_the_words_of_aws(aws):
    aws.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    async with account() as checked:
        found = await checked()
    assert faulty(found[f"{ABOUT} credentials"], "SignatureDoesNotMatch")


async def test_sts_that_cannot_be_reached_is_no_verdict_on_the_credentials():
    async with account() as checked:
        refusal = Fail(code="ServiceUnavailable", message="not now", status=503)
        checked.simulator.faults.add(Fault(operation="GetCallerIdentity", times=1, then=refusal))
        found = await checked()
    assert warned(found[f"{ABOUT} credentials"], "not now")
    assert fine(found[f"{ABOUT} account"])


@pytest.mark.parametrize(
    ("seconds", "verdict", "word"),
    [(0, fine, "agrees"), (-60, warned, "behind"), (60, warned, "ahead"), (-400, faulty, "behind")],
)
async def test_the_clock_is_compared_with_aws(seconds, verdict, word):
    async with account() as checked:
        checked.clock.jump(seconds)
        assert verdict((await checked())[f"{ABOUT} clock"], word)


async def test_a_refusal_tells_the_time_too(aws):
    aws.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    async with account() as checked:
        checked.clock.jump(400)
        assert faulty((await checked())[f"{ABOUT} clock"], "ahead of AWS")


@pytest.mark.parametrize(
    ("state", "verdict", "words"),
    [
        ({"sandbox": True}, warned, ["sandbox", "production access"]),
        ({"sending_enabled": False}, faulty, ["sending enabled: False"]),
        ({"enforcement": Enforcement.PROBATION}, warned, ["PROBATION"]),
        ({"enforcement": Enforcement.SHUTDOWN}, faulty, ["SHUTDOWN"]),
        ({"max_24_hour_send": 0.0}, warned, ["0 of 0", "higher quota"]),
        ({"max_24_hour_send": -1.0}, fine, ["0 of any number"]),
        ({"denied": (Denial(action="ses:Get*"),)}, warned, ["GetAccount", "ses:GetAccount"]),
    ],
)
async def test_the_standing_of_the_account(state, verdict, words):
    async with account(**state) as checked:
        assert verdict((await checked())[f"{ABOUT} account"], *words)


@pytest.mark.parametrize(
    ("sender", "identities", "verdict", "words"),
    [
        ("*@example.com", {"example.com"}, fine, ["example.com is verified"]),
        ("a@example.com", {"a@example.com"}, warned, ["is verified (a@example.com)"]),
        ("a@sub.example.com", {"example.com"}, fine, ["example.com is verified"]),
        ("*@*.example.com", {"example.com"}, fine, ["example.com is verified"]),
        ("*", set(), fine, ["may be anything"]),
        ("*@*.com", set(), fine, ["may be anything"]),
        ("*@example.com", {"a@example.com"}, faulty, ["no identity in eu-west-1"]),
        ("a@example.com", {"b@example.com"}, faulty, ["--email-identity example.com"]),
    ],
)
async def test_senders_want_an_identity_in_the_region_of_the_route(
    sender, identities, verdict, words
):
    async with account(identities=frozenset(identities)) as checked:
        found = await checked(users=(user(sender),))
    assert verdict(found[f"users.app.senders {sender}"], *words)


async def test_an_identity_may_still_wait_for_its_records():
    waiting = {"identities": frozenset(), "unverified_identities": frozenset({"example.com"})}
    async with account(**waiting) as checked:
        assert faulty((await checked())[IDENTITY], "not verified", "PENDING", "DNS records")


async def test_a_mail_from_domain_that_lost_its_mx_is_a_fault():
    async with account(mail_from_failing=frozenset({"example.com"})) as checked:
        assert faulty((await checked())[IDENTITY], "no MX record")


async def test_a_role_that_may_not_ask_is_no_fault():
    async with account(denied=(Denial(action="ses:GetEmailIdentity"),)) as checked:
        assert warned((await checked())[IDENTITY], "ses:GetEmailIdentity")


async def test_an_identity_of_another_account_cannot_be_asked_about():
    arn = "arn:aws:ses:eu-west-1:210987654321:identity/example.com"
    async with account(identities=frozenset()) as checked:
        assert fine((await checked(route={"from_arn": arn}))[IDENTITY], "another account")


async def test_an_address_that_a_rule_may_rewrite_is_no_fault():
    rule = Rule(
        name="partners",
        when=Conditions(user=(Glob("app"),)),
        then=Actions(rewrite_from=Address("me", "example.com")),
    )
    async with account() as checked:
        found = await checked(users=(user("*@partner.example"),), rules=(rule,))
    assert warned(found["users.app.senders *@partner.example"], "rule partners may rewrite it")
    assert fine(found["rules.partners.then.rewrite_from me@example.com"])


async def test_every_address_that_the_relay_puts_in_itself_is_asked_about():
    elsewhere = Address("a", "elsewhere.example")
    rule = Rule(name="r", then=Actions(rewrite_sender=Address("b", "elsewhere.example")))
    async with account() as checked:
        found = await checked(
            route={"null_sender": elsewhere},
            users=(user("*@example.com", default_from=Address("c", "elsewhere.example")),),
            bounces=Bounces(to=BounceTo.SENDER, from_=Address("d", "elsewhere.example")),
            rules=(rule,),
        )
    for about in (
        "routes.default.null_sender a@elsewhere.example",
        "rules.r.then.rewrite_sender b@elsewhere.example",
        "users.app.default_from c@elsewhere.example",
        "bounces.from d@elsewhere.example",
    ):
        assert faulty(found[about], "elsewhere.example")


async def test_mail_of_nobody_in_particular_is_thought_of():
    bounces = Bounces(to=BounceTo.SENDER, from_=Address("d", "elsewhere.example"))
    about = "bounces.from d@elsewhere.example"
    open_door = Listener(bind=FREE, tls=TlsMode.OFF, auth=AuthMode.OFF)
    async with account() as checked:
        found = await checked(users=(), bounces=bounces, listeners=(open_door,))
        assert faulty(found[about], "elsewhere.example")
        assert fine(found["users.-.senders *"], "may be anything")
        assert "users.-.senders *" not in await checked()  # AUTH is required there


async def test_mail_that_nobody_signs_is_told():
    async with account(identities=frozenset({"a@example.com"})) as checked:
        users = (user("a@example.com"),)  # SES signs for domains alone
        assert warned((await checked(users=users))["users.app.senders a@example.com"], "neither")
        key = DkimKey(domain="example.com", selector="s1", key=Secret(make_key(1024).decode()))
        found = await checked(route={"dkim": DkimSigner.RELAY}, users=users, dkim=(key,))
        assert fine(found["users.app.senders a@example.com"])


async def test_configuration_sets_of_route_user_and_rule_are_asked_about():
    sets = {"there": ConfigurationSet(), "paused": ConfigurationSet(sending_enabled=False)}
    rule = Rule(name="r", then=Actions(configuration_set="absent"))
    async with account(configuration_sets=sets) as checked:
        found = await checked(
            route={"configuration_set": "there"},
            users=(user("*@example.com", configuration_set="paused"),),
            rules=(rule,),
        )
    assert fine(found[f"{ABOUT} configuration set there"])
    assert faulty(found[f"{ABOUT} configuration set paused"], "paused")
    assert faulty(found[f"{ABOUT} configuration set absent"], "does not exist in eu-west-1")


async def test_a_set_that_may_not_be_read_is_no_fault():
    state = {
        "configuration_sets": {"there": ConfigurationSet()},
        "denied": (Denial(action="ses:GetConfigurationSet"),),
    }
    async with account(**state) as checked:
        found = await checked(route={"configuration_set": "there"})
    assert warned(found[f"{ABOUT} configuration set there"], "ses:GetConfigurationSet")


FEEDBACK = Feedback(sqs=(SqsQueue(queue_url="https://sqs.example/1/events"),))


async def test_feedback_wants_the_sets_to_tell_of_events():
    chosen, about = {"configuration_set": "there"}, f"{ABOUT} configuration set there"
    async with account() as checked:
        for events, verdict, words in (
            (ConfigurationSet().events, fine, "tells of bounces and complaints"),
            ({"BOUNCE", "SEND"}, warned, "tells nobody of COMPLAINT"),
            ((), warned, "tells nobody of BOUNCE and COMPLAINT"),
        ):
            checked.change(configuration_sets={"there": ConfigurationSet(events=frozenset(events))})
            found = await checked(route=chosen, feedback=FEEDBACK)
            assert verdict(found[about], words)
        denied = Denial(action="ses:GetConfigurationSetEventDestinations")
        checked.change(denied=(denied,))
        found = await checked(route=chosen, feedback=FEEDBACK)
        assert warned(found[about], "cannot be read")


async def test_a_tenant_is_asked_about():
    tenants = {"on": Tenant(), "off": Tenant(status=TenantStatus.DISABLED)}
    async with account(tenants=tenants) as checked:
        assert fine((await checked(route={"tenant": "on"}))[f"{ABOUT} tenant on"], "ENABLED")
        assert faulty((await checked(route={"tenant": "off"}))[f"{ABOUT} tenant off"], "paused")
        found = await checked(route={"tenant": "no"})
        assert faulty(found[f"{ABOUT} tenant no"], "does not exist")
        checked.change(denied=(Denial(action="ses:GetTenant"),))
        assert warned((await checked(route={"tenant": "on"}))[f"{ABOUT} tenant on"], "GetTenant")


async def test_the_suppression_list_is_tried_where_it_is_wanted():
    about = f"{ABOUT} suppression list"
    read, sync = (Suppression(account_list=mode) for mode in (AccountList.READ, AccountList.SYNC))
    async with account() as checked:
        assert about not in await checked()
        assert fine((await checked(suppression=read))[about])
        assert fine((await checked(suppression=sync))[about])
        checked.change(sandbox=True)
        assert fine((await checked(suppression=read))[about])
        assert warned((await checked(suppression=sync))[about], "sandbox", "account_list: read")
        checked.change(denied=(Denial(action="ses:ListSuppressedDestinations"),))
        found = (await checked(suppression=read))[about]
        assert warned(found, "ses:ListSuppressedDestinations", "ses:GetSuppressedDestination")
        assert "Put" not in found.fix
        assert warned((await checked(suppression=sync))[about], "ses:DeleteSuppressedDestination")


async def test_control_calls_are_a_second_apart_over_all_routes():
    """The simulated account refuses a second call within one second, as SES does."""
    async with account() as checked:
        routes = {
            name: Route(region="eu-west-1", endpoint_url=checked.url, dkim=DkimSigner.SES)
            for name in ("default", "other")
        }
        began = checked.clock.monotonic()
        users = (user("*@example.com"), user("*@example.com", name="b", route="other"))
        found = await collect(settings(routes=routes, users=users), checked.clock)
    assert {one.state for one in found.values()} == {"ok"}
    assert 3 <= checked.clock.monotonic() - began < 6  # four calls


async def test_a_route_that_cannot_be_opened_is_a_fault_and_the_others_are_asked():
    async with account() as checked:
        found = await checked(route={"profile": "nobody"})
    assert faulty(found["routes.default"], "nobody")


async def test_offline_asks_nobody():
    found = await collect(settings(), published=None)
    assert not [about for about in found if about.startswith("routes.")]


def test_senders_are_looked_for_in_the_account_that_stands_in_too():
    routes = {
        "default": Route(region="eu-west-1", fallback="other"),
        "other": Route(region="us-east-1"),
    }
    assert [one.route for one in needed(settings(routes=routes))] == ["default", "other"]
