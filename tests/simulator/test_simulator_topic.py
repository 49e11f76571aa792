"""Events are posted as SNS posts them: asked for first, signed, repeated, and not in order."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from relay.feedback.sns_message import Refused, read_certificate, read_message, verify
from relay.simulator import Caller, HttpRequest, Simulator, Submission, running
from relay.simulator.topic import Subscription, Topic, topic_arn

SIM = "simulator.amazonses.com"
CALLER = Caller(
    arn="arn:aws:iam::123456789012:user/simulator",
    account_id="123456789012",
    user_id="simulator",
    region="eu-west-1",
)
ARN = topic_arn("eu-west-1", "123456789012")


class Endpoint:
    """Somebody's web server; answers what a test says, 200 in the end."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.posts = asyncio.Queue()

    async def take(self, request):
        self.posts.put_nowait((dict(request.headers), await request.text()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @asynccontextmanager
    async def served(self):
        app = web.Application()
        app.router.add_post("/sns", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/sns"
        finally:
            await runner.cleanup()

    async def got(self):
        headers, body = await asyncio.wait_for(self.posts.get(), 15)
        return headers, json.loads(body)


@asynccontextmanager
async def subscribed(endpoint, **asked):
    """Serve a simulator with one subscription; gives it, its URL and an HTTP client."""
    simulator = Simulator()
    async with (
        endpoint.served() as where,
        running(simulator) as url,
        aiohttp.ClientSession(url) as client,
    ):
        given = {"endpoint": where, **asked}
        async with client.post("/_simulator/subscriptions", json=given) as answer:
            assert answer.status == 201, await answer.text()
        yield simulator, client


async def shown(client):
    async with client.get("/_simulator/subscriptions") as answer:
        [one] = await answer.json()
        return one


def bounce(simulator):
    """Send something that bounces; gives it."""
    raw = b"From: a@example.com\r\n\r\nHello\r\n"
    asked = Submission(api="v1", raw=raw, destinations=(f"bounce@{SIM}",))
    return simulator.service.send(asked, CALLER)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_subscription_from_its_question_to_its_end(version):
    endpoint = Endpoint()
    async with subscribed(endpoint, signature_version=version) as (simulator, client):
        headers, asked = await endpoint.got()
        assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
        assert headers["Content-Type"] == "text/plain; charset=UTF-8"
        assert "x-amz-sns-subscription-arn" not in headers
        async with client.get(urlsplit(asked["SigningCertURL"]).path) as answer:
            pem = await answer.read()

        def signed_by_sns(envelope, names):
            text = "".join(f"{name}\n{envelope[name]}\n" for name in names)
            key = x509.load_pem_x509_certificate(pem).public_key()
            algorithm = SHA1() if envelope["SignatureVersion"] == "1" else SHA256()
            octets = base64.b64decode(envelope["Signature"])
            key.verify(octets, text.encode(), padding.PKCS1v15(), algorithm)
            assert envelope["SignatureVersion"] == version

        confirming = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn")
        signed_by_sns(asked, (*confirming, "Type"))
        bounce(simulator)  # nobody has confirmed
        assert not simulator.service.publisher.topic.waiting()
        async with client.get(asked["SubscribeURL"]) as answer:
            assert answer.status == 200
            assert f"<SubscriptionArn>{ARN}:" in await answer.text()
        message = bounce(simulator)
        headers, told = await endpoint.got()
        assert headers["x-amz-sns-subscription-arn"].startswith(f"{ARN}:")
        signed_by_sns(told, ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
        assert json.loads(told["Message"])["mail"]["messageId"] == message.id
        assert (await shown(client))["state"] == "confirmed"
        async with client.delete("/_simulator/subscriptions") as answer:
            assert answer.status == 204
        headers, ended = await endpoint.got()
        assert headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation"
        signed_by_sns(ended, (*confirming, "Type"))
        bounce(simulator)
        assert not simulator.service.publisher.topic.waiting()


async def test_what_is_written_at_sns_s_own_host_is_what_the_relay_believes():
    endpoint = Endpoint()
    async with subscribed(endpoint, hosts="sns", signature_version="2") as (simulator, client):
        _, asked = await endpoint.got()
        assert asked["SubscribeURL"].startswith("https://sns.eu-west-1.amazonaws.com/?Action=")
        now = simulator.service.clock()
        message = read_message(json.dumps(asked).encode(), frozenset({ARN}), now)
        assert not isinstance(message, Refused), message
        async with client.get(urlsplit(message.certificate_url).path) as answer:
            certificate = read_certificate(await answer.read(), now)
        assert verify(message, certificate) is None
        assert (await shown(client))["state"] == "pending"


async def test_raw_delivery_is_the_event_alone():
    endpoint = Endpoint()
    async with subscribed(endpoint, raw=True) as (simulator, client):
        _, asked = await endpoint.got()
        async with client.get(asked["SubscribeURL"]) as answer:
            assert answer.status == 200
        bounce(simulator)
        headers, event = await endpoint.got()
        assert headers["x-amz-sns-rawdelivery"] == "true"
        assert event["notificationType"] == "Bounce"


async def test_the_unsubscribe_url_ends_it_and_wrong_tokens_do_nothing():
    endpoint = Endpoint()
    async with subscribed(endpoint) as (simulator, client):
        _, asked = await endpoint.got()
        for token in ("wrong", ""):
            wrong = {"Action": "ConfirmSubscription", "TopicArn": ARN, "Token": token}
            async with client.get("/", params=wrong) as answer:
                assert answer.status == 400
        assert (await shown(client))["state"] == "pending"
        async with client.get(asked["SubscribeURL"]):
            pass
        bounce(simulator)
        _, told = await endpoint.got()
        async with client.get(told["UnsubscribeURL"]) as answer:
            assert answer.status == 200
        assert (await endpoint.got())[1]["Type"] == "UnsubscribeConfirmation"
        assert (await shown(client))["state"] == "deleted"


@pytest.fixture
def topic(clock):
    """A topic with one confirmed endpoint."""
    topic = Topic()
    one = Subscription(endpoint="http://x.example/sns", topic=ARN, base="http://sns.example")
    one = topic.subscribe(one, clock())
    [asked] = topic.take(10, clock())
    topic.answered(asked, 200, "HTTP 200", clock())
    assert topic.confirm(ARN, one.token) is one
    return topic


def published(topic, clock, *events, copies=1):
    for event in events:
        topic.publish(event, ARN, clock(), clock(), copies)


def test_what_is_not_taken_comes_three_times_more(topic, clock):
    [one] = topic.subscriptions
    published(topic, clock, "{}")
    for status in (None, 500, 599):
        [post] = topic.take(10, clock())
        topic.answered(post, status, "x", clock())
        assert topic.take(10, clock()) == []
        clock.advance(seconds=20)
    [post] = topic.take(10, clock())
    assert not topic.waiting()
    topic.answered(post, 503, "HTTP 503", clock())
    assert not topic.waiting()
    assert (one.delivered, one.retried, one.failed, one.last) == (1, 3, 1, "HTTP 503")


@pytest.mark.parametrize("status", [200, 204, 403, 499])
def test_a_refusal_ends_a_delivery_like_a_success(topic, clock, status):
    published(topic, clock, "{}")
    [post] = topic.take(10, clock())
    topic.answered(post, status, "x", clock())
    assert not topic.waiting()


def test_the_same_message_comes_twice_and_in_disorder_when_asked_for(topic, clock):
    events = [f'{{"n":{number}}}' for number in range(50)]
    published(topic, clock, *events, copies=2)
    topic.shuffled = True
    posts = [post for _ in range(10) for post in topic.take(10, clock())]
    told = [json.loads(post.body)["Message"] for post in posts]
    assert told != sorted(told, key=lambda text: json.loads(text)["n"])
    assert sorted(told) == sorted(events * 2)
    assert len({post.id for post in posts}) == 50


def test_another_topic_is_for_others(topic, clock):
    topic.publish("{}", topic_arn("us-east-1", "123456789012"), clock(), clock(), 1)
    assert not topic.waiting()


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({}, "endpoint: is needed"),
        ({"endpoint": "ftp://x"}, "endpoint: is needed"),
        ({"endpoint": "http://x", "signature_version": "3"}, "signature_version: must be"),
        ({"endpoint": "http://x", "hosts": "evil"}, "hosts: must be one of simulator, sns"),
        ({"endpoint": "http://x", "new": 1}, "new: unknown"),
    ],
)
def test_a_wrong_subscription_is_not_made(simulator, asked, wrong):
    body = json.dumps(asked).encode()
    answer = simulator.respond(HttpRequest("POST", "/_simulator/subscriptions", body=body)).answer
    assert answer.status == 400
    assert json.loads(answer.body)["error"].startswith(wrong)
    assert simulator.service.publisher.topic.subscriptions == []
