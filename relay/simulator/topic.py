"""The topic that events are published to, and the HTTP endpoints that have subscribed to it.

An endpoint gets nothing until it has fetched the SubscribeURL of the confirmation that is posted to
it. A post that is not answered 2xx to 4xx in time comes again.

SNS facts (SNS Developer Guide, sns-http-https-endpoint-as-subscriber, sns-message-delivery-retries,
SendMessageToHttp.prepare): 200 to 499 within 15 s ends a delivery; else it is tried three times
more, 20 s apart; at least once, in no promised order; raw delivery is neither wrapped nor signed.

Errors: none; what there is not is None.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode
from uuid import uuid4

from .envelope import Kind, SignatureVersion, Signer, enclosed, signed, written

TOPIC = "ses-events"
CERTIFICATE = "/SimpleNotificationService-simulator.pem"  # its path
PATIENCE_S = 15.0
RETRIES = 3
_BETWEEN = timedelta(seconds=20)
_DISORDER = 100  # how far a post may be overtaken
_MOST_DUE = 100_000  # posts that wait; beyond, the newest is dropped and counted

State = Literal["pending", "confirmed", "deleted"]


def topic_arn(region: str, account_id: str) -> str:
    """Name the topic of a Region."""
    return f"arn:aws:sns:{region}:{account_id}:{TOPIC}"


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One endpoint, and how its deliveries go."""

    endpoint: str
    topic: str
    base: str
    """Where its SubscribeURL and the certificate lie: the URL of this simulator, or of SNS."""
    version: SignatureVersion = "1"
    raw: bool = False
    state: State = "pending"
    delivered: int = 0
    retried: int = 0
    failed: int = 0
    dropped: int = 0
    last: str = ""
    """What the endpoint answered last."""
    token: str = ""
    id: str = ""

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.topic}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message on its way to one endpoint."""

    subscription: Subscription
    kind: Kind
    id: str
    body: str
    due: datetime
    tries: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """What stands above the body."""
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": self.kind,
            "x-amz-sns-message-id": self.id,
            "x-amz-sns-topic-arn": self.subscription.topic,
        }
        if self.kind != "SubscriptionConfirmation":
            headers["x-amz-sns-subscription-arn"] = self.subscription.arn
        if self.kind == "Notification" and self.subscription.raw:
            headers["x-amz-sns-rawdelivery"] = "true"
        return headers


class Topic:
    """Subscriptions, and the posts that are due to them."""

    def __init__(self) -> None:
        self.shuffled = False
        self.subscriptions: list[Subscription] = []
        self.when_put: Callable[[], None] = lambda: None
        """Called when there is something to post."""
        self._posts: list[tuple[datetime, int, Post]] = []  # a heap: the next due, the first put
        self._count = 0
        self._signer: Signer | None = None
        self._chance = random.Random(1)  # noqa: S311 - disorder that every run repeats

    def signer(self, now: datetime) -> Signer:
        """Give the key that all is signed with; it is made when it is first asked for."""
        if self._signer is None:
            self._signer = Signer.new(now)
        return self._signer

    def subscribe(self, one: Subscription, now: datetime) -> Subscription:
        """Ask an endpoint whether it wants the events."""
        one = replace(one, token=uuid4().hex, id=str(uuid4()))
        self.subscriptions.append(one)
        words = f"You have chosen to subscribe to the topic {one.topic}."
        self._ask(one, "SubscriptionConfirmation", words, now)
        return one

    def confirm(self, topic: str, token: str) -> Subscription | None:
        """An endpoint wants the events; None: nobody was asked with this token."""
        for one in self.subscriptions:
            if one.topic == topic and one.token == token:
                one.state = "confirmed"
                return one
        return None

    def unsubscribe(self, arn: str, now: datetime) -> Subscription | None:
        """End a subscription, and tell its endpoint."""
        found = next((one for one in self.subscriptions if one.arn == arn), None)
        if found is not None and found.state != "deleted":
            if found.state == "confirmed":
                words = f"You have chosen to deactivate subscription {arn}."
                self._ask(found, "UnsubscribeConfirmation", words, now)
            found.state = "deleted"
        return found

    def publish(self, event: str, topic: str, at: datetime, due: datetime, copies: int) -> None:
        """Post an event that happened at some time to all who want it, when it is due."""
        for one in self.subscriptions:
            if one.topic == topic and one.state == "confirmed":
                post = self._post(one, "Notification", {"Message": event}, at)
                for _ in range(copies):
                    self._put(replace(post, due=due))

    def waiting(self) -> bool:
        """Say if anything is to be posted, now or later."""
        return bool(self._posts)

    def take(self, most: int, now: datetime) -> Sequence[Post]:
        """Give out what is due."""
        due: list[tuple[datetime, int, Post]] = []
        while (
            self._posts
            and self._posts[0][0] <= now
            and len(due) < (_DISORDER if self.shuffled else most)
        ):
            due.append(heapq.heappop(self._posts))
        if self.shuffled:
            self._chance.shuffle(due)
        for one in due[most:]:
            heapq.heappush(self._posts, one)
        return [post for _, _, post in due[:most]]

    def answered(self, post: Post, status: int | None, words: str, now: datetime) -> None:
        """Note what an endpoint said; None: nothing, or not in time."""
        one = post.subscription
        one.last = words
        if status is not None and 200 <= status < 500:
            one.delivered += 1
        elif post.tries < RETRIES:
            one.retried += 1
            self._put(replace(post, tries=post.tries + 1, due=now + _BETWEEN))
        else:
            one.failed += 1

    def clear(self) -> None:
        """Forget what was not posted yet."""
        self._posts.clear()

    def _ask(self, one: Subscription, kind: Kind, words: str, now: datetime) -> None:
        asked = {"Action": "ConfirmSubscription", "TopicArn": one.topic, "Token": one.token}
        said = {
            "Token": one.token,
            "Message": f"{words}\nTo confirm, visit the SubscribeURL included in this message.",
            "SubscribeURL": f"{one.base}/?{urlencode(asked)}",
        }
        self._put(self._post(one, kind, said, now))

    def _post(self, one: Subscription, kind: Kind, said: dict[str, str], at: datetime) -> Post:
        message_id = str(uuid4())
        if kind == "Notification" and one.raw:
            body = said["Message"]
        else:
            ids = {"MessageId": message_id, "TopicArn": one.topic}
            envelope = enclosed(kind, {**ids, **said}, at)
            url = f"{one.base}{CERTIFICATE}"
            envelope = signed(envelope, kind, self.signer(at), one.version, url)
            if kind == "Notification":
                asked = {"Action": "Unsubscribe", "SubscriptionArn": one.arn}
                envelope["UnsubscribeURL"] = f"{one.base}/?{urlencode(asked)}"
            body = written(envelope)
        return Post(subscription=one, kind=kind, id=message_id, body=body, due=at)

    def _put(self, post: Post) -> None:
        if len(self._posts) >= _MOST_DUE:
            post.subscription.dropped += 1
            return
        self._count += 1
        heapq.heappush(self._posts, (post.due, self._count, post))
        self.when_put()
