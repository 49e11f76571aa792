"""SNS's address takes what SNS signed, on its path and by POST alone."""

import asyncio
import io
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest
from fake_relay import FakeRelay
from smtp_fakes import certificate_files, write_certificate

from relay.feedback.sns import NotFetched
from relay.model.settings import Feedback, SnsEndpoint, TcpBind, Tls
from relay.service.snapshot import Unusable
from relay.service.sns import open_sns

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
HERE = SnsEndpoint(bind=TcpBind("127.0.0.1", 0), topics=(TOPIC,))


async def nowhere(_url):
    return NotFetched("no network")


@pytest.mark.parametrize("secure", [True, False])
async def test_junk_is_refused_over_http_and_https(tmp_path, secure):
    tls = {"tls": certificate_files()} if secure else {}
    async with (
        FakeRelay(tmp_path, feedback=Feedback(sns=HERE), **tls) as relay,
        AsyncExitStack() as stack,
    ):
        url = await open_sns(relay.settings, relay.feedback, stack, nowhere)
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
        url = await open_sns(relay.settings, relay.feedback, stack)
        for name in ("new.example.com", "newer.example.com"):
            write_certificate(tmp_path, name)
            assert await shown(url) == certificate.read_text()
        good = certificate.read_text()
        certificate.write_text("half a file")
        for _ in range(2):
            assert await shown(url) == good
        assert len(relay.log.named("relay.fault")) == 1


async def test_without_an_address_nothing_listens(tmp_path):
    async with FakeRelay(tmp_path) as relay, AsyncExitStack() as stack:
        assert await open_sns(relay.settings, relay.feedback, stack) == ""


async def test_an_address_that_cannot_be_had_is_told(tmp_path):
    async with (
        FakeRelay(tmp_path, feedback=Feedback(sns=HERE)) as relay,
        AsyncExitStack() as stack,
    ):
        url = await open_sns(relay.settings, relay.feedback, stack)
        port = int(url.split(":")[2].split("/")[0])
        taken = SnsEndpoint(bind=TcpBind("127.0.0.1", port), topics=(TOPIC,))
        settings = replace(relay.settings, feedback=Feedback(sns=taken))
        with pytest.raises(Unusable, match=r"feedback\.sns\.bind"):
            await open_sns(settings, relay.feedback, stack)
