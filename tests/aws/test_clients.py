"""Clients of a route: one attempt per call, credentials from where the route says."""

import datetime as dt

import pytest
from wire import Wire, http

from relay.aws import UnusableRoute, open_clients
from relay.model.settings import Route


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(
        "[profile marketing]\naws_access_key_id = AKIDMARKETING\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


QUOTA = http(
    200,
    '<GetSendQuotaResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><GetSendQuotaResult>'
    "<SentLast24Hours>1.0</SentLast24Hours></GetSendQuotaResult></GetSendQuotaResponse>",
)


async def test_the_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    async with Wire() as wire:
        wire.script += [QUOTA]
        settings = Route(region="eu-west-1", endpoint_url=wire.url)
        async with open_clients("default", settings, 1) as clients:
            assert (await clients.ses.get_send_quota())["SentLast24Hours"] == 1.0
        assert "Credential=AKIDENV/" in wire.seen[0].headers["authorization"]


async def test_a_profile_of_its_own(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    async with Wire() as wire:
        wire.script += [QUOTA]
        settings = Route(region="eu-west-1", endpoint_url=wire.url, profile="marketing")
        async with open_clients("default", settings, 1) as clients:
            await clients.ses.get_send_quota()
        assert "Credential=AKIDMARKETING/" in wire.seen[0].headers["authorization"]


def assumed(key, seconds):
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    return http(
        200,
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>token-{key}</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}"
        "</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/"
        "relay/ses-relay</Arn><AssumedRoleId>A:ses-relay</AssumedRoleId></AssumedRoleUser>"
        "</AssumeRoleResult></AssumeRoleResponse>",
        "Content-Type: text/xml",
    )


async def test_a_role_is_assumed_with_the_external_id_and_again_before_it_ends(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    async with Wire() as sts, Wire() as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        # The first ends within botocore's ten minutes of grace, so that it is renewed at once.
        sts.script += [assumed("ASIAONE", 300), assumed("ASIATWO", 3600)]
        wire.script += [QUOTA, QUOTA, QUOTA]
        settings = Route(
            region="eu-west-1",
            endpoint_url=wire.url,
            role_arn="arn:aws:iam::123456789012:role/relay",
            external_id="E-1",
        )
        async with open_clients("default", settings, 1) as clients:
            for _ in range(3):
                await clients.ses.get_send_quota()
        assert b"ExternalId=E-1" in sts.seen[0].body
        assert b"RoleSessionName=ses-relay" in sts.seen[0].body
        assert "Credential=AKIDENV/" in sts.seen[0].headers["authorization"]
        keys = [seen.headers["authorization"].partition("Credential=")[2][:7] for seen in wire.seen]
        assert keys == ["ASIAONE", "ASIATWO", "ASIATWO"]
        assert wire.seen[1].headers["x-amz-security-token"] == "token-ASIATWO"
        assert len(sts.seen) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"profile": "nobody"}, r"routes.default: .*nobody"),
        ({"endpoint_url": "localhost:1"}, r"routes.default: .*localhost:1"),
        ({"region": "not a region"}, r"routes.default: .*not a region"),
    ],
)
async def test_a_route_that_cannot_work_says_why(settings, words):
    with pytest.raises(UnusableRoute, match=words):
        async with open_clients("default", Route(**{"region": "eu-west-1", **settings}), 1):
            pytest.fail("it opened")


async def test_a_call_is_made_once(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    async with Wire() as wire:
        wire.script += [http(503, "busy")] * 5
        settings = Route(region="eu-west-1", endpoint_url=wire.url)
        async with open_clients("default", settings, 1) as clients:
            for call in (clients.ses.get_send_quota, clients.sesv2.get_account):
                with pytest.raises(Exception, match=r"503|Unable to parse"):
                    await call()
        assert len(wire.seen) == 2


async def test_a_route_opens_without_any_credentials():
    async with open_clients("default", Route(region="eu-west-1"), 1) as clients:
        assert clients.ses.meta.endpoint_url == "https://email.eu-west-1.amazonaws.com"
        assert clients.credentials.generation == 0
