"""SNS's address takes what SNS signed, on its path and by POST alone."""

import asyncio
import io
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest
from fake_relay import FakeRelay
from relay_world import relaying, settings
from smtp_fakes import certificate_files, write_certificate

from relay.feedback.sns import NotFetched
from relay.model.settings import Feedback, Http, Secret, SnsEndpoint, TcpBind, Tls
from relay.service.snapshot import Unusable
from relay.service.sns import open_sns, receiver_of

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
HERE = SnsEndpoint(bind=TcpBind("127.0.0.1", 0), topics=(TOPIC,))


async def nowhere(_url):
    return NotFetched("no network")


async def opened(relay, stack, sns=HERE):
    """Open SNS's own address; gives its URL."""
    signed = receiver_of(sns, relay.feedback, nowhere)
    return await open_sns(sns.bind, relay.settings.tls, signed, relay.parts.telemetry, stack)


@pytest.mark.parametrize("secure", [True, False])
async def test_junk_is_refused_over_http_and_https(tmp_path, secure):
    tls = {"tls": certificate_files()} if secure else {}
    async with (
        FakeRelay(tmp_path, feedback=Feedback(sns=HERE), **tls) as relay,
        AsyncExitStack() as stack,
    ):
        url = await opened(relay, stack)
        assert url.startswith("https://" if secure else "http://")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with aiohttp.ClientSession() as session:
            async with session.post(url, data=b"{}", ssl=context) as answer:
                assert (answer.status, await answer.text()) == (
                    403,
                    "not a type of SNS, or a signature that is not base64\n",
                )
            async with session.get(url, ssl=context) as answer:
                assert answer.status == 405
            async with session.post(f"{url}/other", ssl=context) as answer:
                assert answer.status == 404
            async with session.post(url, data=io.BytesIO(b"x" * 2_000_000), ssl=context) as answer:
                assert answer.status == 413


async def shown(url):
    """Give the certificate that a server shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = int(url.split(":")[2].split("/")[0])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    octets = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return ssl.DER_cert_to_PEM_cert(octets)


async def test_a_certificate_that_was_replaced_is_the_one_shown(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_certificate(tmp_path, "old.example.com")
    tls = Tls(certificate=(certificate,), key=(key,))
    async with (
        FakeRelay(tmp_path / "relay", feedback=Feedback(sns=HERE), tls=tls) as relay,
        AsyncExitStack() as stack,
    ):
        url = await opened(relay, stack)
        for name in ("new.example.com", "newer.example.com"):
            write_certificate(tmp_path, name)
            assert await shown(url) == certificate.read_text()
        good = certificate.read_text()
        certificate.write_text("half a file")
        for _ in range(2):
            assert await shown(url) == good
        assert len(relay.log.named("relay.fault")) == 1


async def test_an_address_that_cannot_be_had_is_told(tmp_path):
    async with (
        FakeRelay(tmp_path, feedback=Feedback(sns=HERE)) as relay,
        AsyncExitStack() as stack,
    ):
        url = await opened(relay, stack)
        port = int(url.split(":")[2].split("/")[0])
        taken = SnsEndpoint(bind=TcpBind("127.0.0.1", port), topics=(TOPIC,))
        with pytest.raises(Unusable, match=r"feedback\.sns\.bind"):
            await opened(relay, stack, taken)


@pytest.mark.parametrize("token", [None, Secret("s3cret")], ids=["no token", "token"])
async def test_without_an_address_of_its_own_it_is_on_the_one_of_http(token):
    told = SnsEndpoint(topics=(TOPIC,))
    given = settings(
        "http://127.0.0.1:9",
        feedback=Feedback(sns=told),
        http=Http(bind=TcpBind("127.0.0.1", 0), token=token),
    )
    async with relaying(given) as world, aiohttp.ClientSession() as session:
        # What SNS posts to is changed by a restart alone.
        for feedback in (given.feedback, Feedback()):
            await world.relay.reload(replace(given, feedback=feedback))
            url = f"{world.relay.http}/sns"
            large = b'{"Type": "' + b"x" * 100_000 + b'"}'
            async with session.post(url, data=large, headers={"Host": "a.example"}) as answer:
                assert (answer.status, await answer.text()) == (
                    403,
                    "not a type of SNS, or a signature that is not base64\n",
                )
            async with session.get(f"{world.relay.http}/healthz") as answer:
                assert answer.status == 200
            async with session.get(f"{world.relay.http}/", allow_redirects=False) as answer:
                assert answer.status == (200 if token is None else 303)


@pytest.mark.parametrize(
    ("bind", "own"),
    [
        (None, None),
        (TcpBind("127.0.0.1", 8080), None),
        (TcpBind("127.0.0.1", 8443), TcpBind("127.0.0.1", 8443)),
        (TcpBind("127.0.0.1", 0), TcpBind("127.0.0.1", 0)),
    ],
    ids=str,
)
def test_the_same_address_is_one_address(bind, own):
    sns = SnsEndpoint(bind=bind, topics=(TOPIC,))
    http = Http(bind=TcpBind("127.0.0.1", 0 if own == TcpBind("127.0.0.1", 0) else 8080))
    given = settings("http://127.0.0.1:9", feedback=Feedback(sns=sns), http=http)
    assert given.sns_bind == own
