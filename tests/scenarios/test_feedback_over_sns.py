"""Events by SNS's signed posts, through every check the relay makes in production.

Nothing in the relay is replaced: the name of SNS's host is resolved to the simulator, which speaks
TLS there with a certificate of an authority that the test trusts.
"""

import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from relay_world import relaying, settings, simulated, until

from relay.model.settings import Feedback, Http, Queue, Secret, SnsEndpoint, SqliteStore, TcpBind
from relay.simulator import Publishing, make_app

HOST = "sns.eu-west-1.amazonaws.com"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
BOUNCING = "bounce+x@simulator.amazonses.com"


def certificate(name, issuer, key, signer, *, authority):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


def authority(folder):
    """Write a certificate of SNS's host with its key, and the authority that signed it."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("Test CA", "Test CA", ca_key, ca_key, authority=True)
    leaf = certificate(HOST, "Test CA", key, ca_key, authority=False)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "sns.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))


class Resolver(aiohttp.abc.AbstractResolver):
    """Knows one host; the port of the simulator stands in for 443."""

    port = 0

    def __init__(self, loop=None):
        pass

    async def resolve(self, host, port=0, family=0):
        assert (host, port) == (HOST, 443)
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": self.port,
                "family": family,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self):
        pass


@pytest.fixture
def sns_host(tmp_path, monkeypatch):
    """Let the name of SNS's host lead to the port that is written here."""
    authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", Resolver)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    return tmp_path / "sns.pem"


@asynccontextmanager
async def at_sns(simulator, pem):
    """Serve the simulator as SNS's host, too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    runner = web.AppRunner(make_app(simulator))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    Resolver.port = runner.addresses[0][1]
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("version", ["1", "2"])
async def test_sns_is_confirmed_and_believed(tmp_path, sns_host, version):
    async with simulated() as ses, at_sns(ses.simulator, sns_host):
        publisher = ses.simulator.service.publisher
        publisher.change(Publishing(format="configuration_set", copies=2, shuffled=True))
        given = settings(
            ses.url,
            feedback=Feedback(sns=SnsEndpoint(topics=(TOPIC,))),
            http=Http(bind=TcpBind("127.0.0.1", 0), token=Secret("s3cret")),
            queue=Queue(store=SqliteStore(tmp_path / "store")),
        )
        async with relaying(given) as world, aiohttp.ClientSession() as client:
            asked = {
                "endpoint": f"{world.relay.http}/sns",
                "hosts": "sns",
                "signature_version": version,
            }
            where = f"{ses.url}/_simulator/subscriptions"
            async with client.post(where, json=asked) as answer:
                assert answer.status == 201
            [confirmed] = await world.logged("account.changed", what=f"topic {TOPIC}")
            assert confirmed["new"] == "subscription confirmed"
            reply = await world.send(recipients=(BOUNCING,))
            await world.logged("feedback.bounce", ses_message_id=reply.split()[-1], user="local")
            [subscription] = publisher.topic.subscriptions
            await until(lambda: subscription.delivered == 3)
            assert len(world.lines("feedback.bounce")) == 1
            async with world.line() as line:
                await line.say("MAIL FROM:<a@example.com>")
                answer = await line.say(f"RCPT TO:<{BOUNCING}>")
                assert answer == f"550 5.1.1 {BOUNCING} is on the suppression list (bounce)"
            async with client.delete(where) as answer:
                assert answer.status == 204
            await until(lambda: subscription.delivered == 4)
            assert "unsubscribed" in world.lines("account.changed")[-1]["new"]


async def test_a_host_that_only_says_it_is_sns_is_not_believed(tmp_path, sns_host):
    """The same simulator without the right certificate: nothing is confirmed, nothing learned."""
    other = tmp_path / "other"
    other.mkdir()
    authority(other)
    async with simulated() as ses, at_sns(ses.simulator, other / "sns.pem"):
        given = settings(ses.url, feedback=Feedback(sns=SnsEndpoint(topics=(TOPIC,))))
        async with relaying(given) as world, aiohttp.ClientSession() as client:
            asked = {"endpoint": f"{world.relay.http}/sns", "hosts": "sns"}
            async with client.post(f"{ses.url}/_simulator/subscriptions", json=asked):
                pass
            [subscription] = ses.simulator.service.publisher.topic.subscriptions
            await until(lambda: subscription.retried == 1)
            assert (subscription.last, subscription.state) == ("HTTP 503", "pending")
