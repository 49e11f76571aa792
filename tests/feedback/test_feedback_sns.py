"""Only what SNS signed is taken in, and only SNS's hosts are ever asked."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import said
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from fakes import START
from feedback_world import World

from relay.feedback import sns
from relay.feedback.sns import Answer, NotFetched, SnsReceiver, fetch
from relay.feedback.sns_message import is_sns
from relay.model.ports import StoreFault

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
CONFIRM = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
KEY = rsa.generate_private_key(65537, 2048)
CA_KEY = rsa.generate_private_key(65537, 2048)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    common="sns.amazonaws.com", key=KEY, signer=CA_KEY, start=START - timedelta(days=1), days=30
):
    made = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(name("Test CA"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


LEAF = certificate()
CA = certificate("Test CA", key=CA_KEY)


def signed(version="1", key=KEY, **changes):
    """Write a message as SNS signs it."""
    told = {
        "Type": "Notification",
        "MessageId": "22b80b92",
        "TopicArn": TOPIC,
        "Message": said.bounce(),
        "Timestamp": "2026-11-21T12:00:00.000Z",
        **changes,
    }
    confirming = told["Type"] != "Notification"
    names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
    names += ["SubscribeURL", "Token"] if confirming else ["Subject"] * ("Subject" in told)
    text = "".join(f"{one}\n{told[one]}\n" for one in sorted(names))
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    return {
        **told,
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    }


def confirmation(kind="SubscriptionConfirmation", url=CONFIRM):
    return signed(Type=kind, Message="You have chosen…", Token="t", SubscribeURL=url)


class Web:
    """What lies at which URL, and who asked."""

    def __init__(self):
        self.pages = {CERTIFICATE: LEAF, CONFIRM: b"<ok/>"}
        self.asked = []

    async def fetch(self, url):
        self.asked.append(url)
        return self.pages.get(url, NotFetched("HTTP 404"))


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path / "store") as world:
        world.web = Web()
        world.sns = SnsReceiver(
            topics=frozenset({TOPIC}),
            learn=world.learner.learn,
            fetch=world.web.fetch,
            telemetry=world.telemetry,
            clock=world.clock,
        )
        yield world


async def post(world, told):
    return await world.sns.take(told if isinstance(told, bytes) else json.dumps(told).encode())


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES"}], ids=["plain", "subject"])
async def test_what_sns_signed_is_taken_in(world, version, more):
    assert await post(world, signed(version, **more)) == Answer(200, "taken in")
    assert len(await world.listed()) == 1


async def test_the_certificate_is_fetched_once_and_again_when_it_ends(world):
    for _ in range(3):
        await post(world, signed())
    assert world.web.asked == [CERTIFICATE]
    world.clock.advance(31 * 86_400)
    late = signed(Timestamp=f"{world.clock.now():%Y-%m-%dT%H:%M:%SZ}")
    assert await post(world, late) == Answer(403, "the certificate is not in force")


async def test_nobody_waits_for_a_certificate_that_others_name(world):
    await post(world, signed())
    slow, asked = asyncio.Event(), asyncio.Event()

    async def hangs(_url):
        asked.set()
        await slow.wait()
        return NotFetched("in vain")

    world.sns.fetch = hangs
    other = signed() | {"SigningCertURL": CERTIFICATE.replace("-1.pem", "-2.pem")}
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(post(world, other))
        await asked.wait()
        assert (await post(world, signed())).status == 200
        assert not waiting.done()
        slow.set()
    assert waiting.result().status == 503


async def test_made_up_certificates_do_not_keep_every_connection_waiting(world):
    slow = asyncio.Event()

    async def hangs(_url):
        await slow.wait()
        return NotFetched("in vain")

    world.sns.fetch = hangs
    made_up = [
        signed() | {"SigningCertURL": CERTIFICATE.replace("-1.pem", f"-{n}.pem")}
        for n in range(2, 52)
    ]
    async with asyncio.TaskGroup() as tasks:
        posts = [tasks.create_task(post(world, told)) for told in made_up]
        await asyncio.sleep(0)
        late = await asyncio.wait_for(post(world, signed()), 10)
        assert late == Answer(503, "the certificate could not be fetched: too many are asked for")
        slow.set()
    assert {one.result().status for one in posts} == {503}
    world.sns.fetch = world.web.fetch
    assert (await post(world, signed())).status == 200


class Drips:
    """Serves one page over HTTP, in two parts that do not come together."""

    def __init__(self, page):
        self.page = page

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def serve(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.page)}\r\n\r\n"
        half = len(self.page) // 2
        writer.write(head.encode() + self.page[:half])
        for _ in range(50):  # the reader's turn
            await asyncio.sleep(0)
        writer.write(self.page[half:])
        writer.close()


@pytest.mark.parametrize(
    ("page", "fetched"),
    [(LEAF + CA, LEAF + CA), (b"x" * 65_537, NotFetched("more than 65536 octets"))],
    ids=["whole", "endless"],
)
async def test_a_page_is_fetched_whole_in_however_many_parts_it_comes(monkeypatch, page, fetched):
    monkeypatch.setattr(sns, "is_sns", lambda _url: True)
    async with Drips(page) as url:
        assert await fetch(url) == fetched


@pytest.mark.parametrize(
    "field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"]
)
async def test_each_field_altered_is_refused(world, field):
    told = signed(Subject="Amazon SES")
    told[field] = {
        "Message": said.bounce(feedback_id="other"),
        "Timestamp": "2026-11-21T12:00:01.000Z",
        "Type": "UnsubscribeConfirmation",
        "Signature": base64.b64encode(b"x" * 256).decode(),
    }.get(field, told[field] + "x")
    assert (await post(world, told)).status == 403
    assert await world.listed() == []


@pytest.mark.parametrize("field", sorted(set(signed()) - {"UnsubscribeURL"}))
async def test_each_field_left_out_is_refused(world, field):
    told = signed()
    del told[field]
    assert (await post(world, told)).status == 403
    assert await world.listed() == []


OTHER = {
    "Timestamp": "2026-11-21T12:00:01.000Z",
    "Type": "Notification",
    "Signature": base64.b64encode(b"x" * 256).decode(),
    "SignatureVersion": "2",
    "SigningCertURL": "https://sns.us-east-1.amazonaws.com/other.pem",
    "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
}


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
@pytest.mark.parametrize("field", sorted(set(confirmation()) - {"UnsubscribeURL"}))
async def test_each_field_of_a_confirmation_altered_is_refused(world, field, kind):
    world.web.pages[OTHER["SigningCertURL"]] = certificate(key=CA_KEY)
    told = confirmation(kind)
    told[field] = OTHER.get(field, told[field] + "x")
    assert (await post(world, told)).status == 403
    assert not [url for url in world.web.asked if "Action" in url]
    assert world.log.named("account.changed") == []


async def test_the_same_message_twice_and_backwards_gives_the_same_state(world):
    told = [
        signed(MessageId="1"),
        signed(MessageId="2", Message=said.complaint("y@example.org")),
        signed(MessageId="3", Message=said.bounce("Permanent/Suppressed", "z@example.org")),
    ]
    for one in (*told, *reversed(told)):
        assert (await post(world, one)).status == 200
    assert {one.address: one.reason for one in await world.listed()} == {
        "x@example.org": "bounce",
        "y@example.org": "complaint",
        "z@example.org": "ses_global_list",
    }
    assert len(world.log.named("feedback.bounce")) == 2


async def test_a_version_cannot_be_swapped(world):
    assert (await post(world, signed("2") | {"SignatureVersion": "1"})).status == 403
    assert (await post(world, signed() | {"SignatureVersion": "3"})).status == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://sns.s3.bucket.amazonaws.com/a.pem",
        "https://sns.s3-eu-west-1.amazonaws.com/a.pem",  # the bucket `sns`
        "https://sns.s3-website-eu-west-1.amazonaws.com/a.pem",
        "https://sns.elasticbeanstalk.amazonaws.com/a.pem",
        "https://sns.EU-WEST-1x.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.eu.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com./a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://u@sns.eu-west-1.amazonaws.com/a.pem",
        "https://xsns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1xamazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com:x/a.pem",
        "https://evil.example\\@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem.txt",
        "https://sns.eu-west-1.amazonaws.com/?a.pem",
        "https://sns.eu-west-1.amazonaws.com\n.evil.example/a.pem",
        "https://sns.ėu-west-1.amazonaws.com/a.pem",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
        "file:///etc/a.pem",
        "",
    ],
)
async def test_no_look_alike_is_asked(world, url):
    world.web.pages[url] = LEAF
    told = signed() | {"SigningCertURL": url}
    assert (await post(world, told)).reason == "the certificate is not at a host of SNS"
    assert world.web.asked == []
    assert isinstance(await fetch(url), NotFetched) or is_sns(url)


def test_hosts_of_sns_are_known():
    assert is_sns(CERTIFICATE, ".pem")
    assert is_sns("https://sns.cn-north-1.amazonaws.com.cn/a.pem", ".pem")
    assert is_sns("https://sns.eusc-de-east-1.amazonaws.eu/a.pem", ".pem")
    for region in ("us-gov-west-1", "ap-southeast-7", "mx-central-1", "us-east-2"):
        assert is_sns(f"https://sns.{region}.amazonaws.com/a.pem", ".pem")
    assert is_sns(CONFIRM)


@pytest.mark.parametrize("away", [-7201, 901])
async def test_old_and_future_messages_are_refused(world, away):
    at = (START + timedelta(seconds=away)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await post(world, signed(Timestamp=at))).reason.startswith("the timestamp")


async def test_a_foreign_topic_is_refused(world):
    told = signed(TopicArn=TOPIC.replace("123456789012", "210987654321"))
    assert await post(world, told) == Answer(403, "not a topic of feedback.sns.topics")
    assert world.web.asked == []


SMALL = rsa.generate_private_key(65537, 1024)


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"junk", "the certificate cannot be read"),
        (certificate("evil.example"), "the certificate is not for SNS"),
        (certificate("sns.amazonaws.com.evil.example"), "the certificate is not for SNS"),
        (certificate(start=START - timedelta(days=60)), "the certificate is not in force"),
        (certificate(start=START + timedelta(days=1)), "the certificate is not in force"),
        (certificate(key=SMALL), "the certificate has no RSA key of 2048 bits"),
        (LEAF + certificate("Test CA", key=KEY), "the certificate's chain does not hold"),
        (certificate(key=CA_KEY), "the signature does not fit"),
    ],
)
async def test_a_certificate_that_is_not_sns_s_is_refused(world, pem, reason):
    world.web.pages[CERTIFICATE] = pem
    assert await post(world, signed()) == Answer(403, reason)
    assert await world.listed() == []


async def test_a_chain_that_holds_is_taken(world):
    world.web.pages[CERTIFICATE] = LEAF + CA
    assert (await post(world, signed())).status == 200


async def test_a_subscription_is_confirmed_at_sns_alone(world):
    assert await post(world, confirmation()) == Answer(200, "confirmed")
    assert world.web.asked == [CERTIFICATE, CONFIRM]
    evil = confirmation(url="https://evil.example/?Action=ConfirmSubscription")
    assert (await post(world, evil)).status == 403
    assert world.web.asked == [CERTIFICATE, CONFIRM]
    assert world.log.named("account.changed")[0]["new"] == "subscription confirmed"


async def test_what_could_not_be_done_now_comes_again(world):
    del world.web.pages[CONFIRM]
    assert (await post(world, confirmation())).status == 503
    world.web.pages.clear()
    world.sns._certificates.clear()
    assert (await post(world, signed())).status == 503

    async def ill(_text):
        return StoreFault("disk full")

    world.web.pages[CERTIFICATE] = LEAF
    world.sns.learn = ill
    assert (await post(world, signed())).status == 503


async def test_an_end_of_the_subscription_is_an_alarm(world):
    assert (await post(world, confirmation("UnsubscribeConfirmation"))).status == 200
    assert "unsubscribed" in world.log.named("account.changed")[0]["new"]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"Type": "Other"}'])
async def test_junk_is_refused(world, body):
    assert (await post(world, body)).status == 403


async def test_a_signed_message_that_is_no_event_is_refused(world):
    answer = await post(world, signed(Message="hello"))
    assert answer == Answer(403, "no event of SES: no JSON object")


def test_times_of_the_test_are_sound():
    assert datetime(2026, 11, 21, 12, 0, tzinfo=UTC) == START
