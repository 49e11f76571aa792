"""Where the relay finds the right to send: environment, profile, and a role assumed with STS."""

from dataclasses import replace

import pytest
from relay_world import MAIL, relaying, route, settings, simulated

ROLE = "arn:aws:iam::123456789012:role/mail/relay"
ROLES = {ROLE: "tickets-4711"}


@pytest.fixture
def profiles(aws, tmp_path):
    """Give two profiles in the files of the AWS command line; the default is no good."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws.delenv(name)
    (tmp_path / "config").write_text("[profile mail]\nregion = us-west-2\n")
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = wrong\n"
        "[mail]\naws_access_key_id = second\naws_secret_access_key = second secret\n"
    )
    aws.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


async def through(ses, **changes):
    """Send one message over a route; gives the reply."""
    routes = {"default": route(ses.url, **changes)}
    async with relaying(settings(ses.url, routes=routes)) as world:
        return await world.send()


async def test_the_environment_is_used_and_the_region_is_the_routes():
    async with simulated() as ses:
        assert (await through(ses)).startswith("250 2.0.0 Ok ")
        [message] = ses.messages
        assert message.caller_arn == "arn:aws:iam::123456789012:user/simulator"
        assert message.region == "eu-west-1"


@pytest.mark.usefixtures("profiles")
async def test_a_profile_is_used_where_the_route_names_one():
    async with simulated(credentials={"second": "second secret"}) as ses:
        assert (await through(ses)).startswith("451 4.3.5 ")
        assert (await through(ses, profile="mail")).startswith("250 2.0.0 Ok ")
        [message] = ses.messages
        assert message.caller_arn.endswith(":user/second")
        assert message.region == "eu-west-1"


async def test_a_role_is_assumed_with_its_external_id(aws):
    async with simulated(roles=ROLES) as ses:
        aws.setenv("AWS_ENDPOINT_URL_STS", ses.url)
        reply = await through(ses, role_arn=ROLE, external_id="tickets-4711")
        assert reply.startswith("250 2.0.0 Ok ")
        [message] = ses.messages
        assert message.caller_arn == "arn:aws:sts::123456789012:assumed-role/relay/ses-relay"


@pytest.mark.parametrize("external_id", [None, "somebody else's"])
async def test_a_role_that_may_not_be_assumed_is_a_credentials_fault(aws, external_id):
    async with simulated(roles=ROLES) as ses:
        aws.setenv("AWS_ENDPOINT_URL_STS", ses.url)
        routes = {"default": route(ses.url, role_arn=ROLE, external_id=external_id)}
        async with relaying(settings(ses.url, routes=routes)) as world:
            assert (await world.send()).startswith("451 4.3.5 ")
            [line] = world.lines("message.deferred")
            assert line["cause"] == "credentials"
            assert "AssumeRole" in line["detail"]
        assert not ses.messages


async def test_a_key_that_was_rotated_is_taken_up_without_a_restart(aws):
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        assert (await world.send()).startswith("250 2.0.0 Ok ")
        ses.change(credentials={"rotated": "new secret"})
        aws.setenv("AWS_ACCESS_KEY_ID", "rotated")
        aws.setenv("AWS_SECRET_ACCESS_KEY", "new secret")
        assert (await world.send(MAIL + b"Again.\r\n")).startswith("250 2.0.0 Ok ")
        assert not world.lines("message.deferred")
        assert ses.messages[-1].caller_arn.endswith(":user/rotated")


async def test_each_route_has_its_own_account_and_region():
    async with simulated() as ses, simulated(account_id="210987654321") as other:
        configuration = settings(ses.url)
        [local] = configuration.users
        routes = {
            "default": route(ses.url),
            "second": replace(route(other.url), region="us-east-1"),
        }
        users = (replace(local, route="second"),)
        async with relaying(replace(configuration, routes=routes, users=users)) as world:
            assert (await world.send()).startswith("250 2.0.0 Ok ")
        assert not ses.messages
        [message] = other.messages
        assert message.region == "us-east-1"
        assert ":210987654321:" in message.caller_arn
