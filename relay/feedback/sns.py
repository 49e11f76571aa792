"""Takes events that SNS posts, once it is certain that SNS posts them.

The answer tells SNS what to do: 200, it is taken in; 503, it shall come again (SNS repeats after
5xx alone); 403, it is refused for good. Certificates are fetched from SNS over TLS, without
redirects, and kept; a subscription is confirmed at a host of SNS and nowhere else.

SNS facts (SNS Developer Guide, SendMessageToHttp.prepare): an answer has to come within 15 s; what
is answered 4xx is not repeated; a subscription begins when its SubscribeURL was fetched.

Errors: none; the answer has a reason.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

import aiohttp
from cryptography import x509

from relay.feedback.events import Unreadable
from relay.feedback.sns_message import (
    Refused,
    Type,
    is_sns,
    read_certificate,
    read_message,
    verify,
)
from relay.feedback.sqs import Learn
from relay.model.clock import Clock
from relay.model.ports import StoreFault
from relay.telemetry import Telemetry

_PATIENCE = 8.0  # seconds for a request to SNS; it waits 15 for our answer
_MOST_OCTETS = 64 * 1024
_MOST_CERTIFICATES = 20
# Anybody can name certificates that do not exist; connections are not for them alone.
_MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What SNS gets back."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class NotFetched:
    """SNS's host could not be asked, or did not give what was asked."""

    reason: str


Fetch = Callable[[str], Awaitable[bytes | NotFetched]]


async def fetch(url: str) -> bytes | NotFetched:
    """Ask a host of SNS; everything else is refused, redirects included."""
    if not is_sns(url):
        return NotFetched("not a host of SNS")
    limit = aiohttp.ClientTimeout(total=_PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                return NotFetched(f"HTTP {answer.status}")
            octets = bytearray()
            async for piece in answer.content.iter_any():  # a read() would give the first alone
                octets += piece
                if len(octets) > _MOST_OCTETS:
                    return NotFetched(f"more than {_MOST_OCTETS} octets")
            return bytes(octets)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return NotFetched(f"{type(error).__name__}: {error}")


@dataclass(slots=True, kw_only=True)
class SnsReceiver:
    """Judges what is posted, and passes events on."""

    topics: frozenset[str]
    learn: Learn
    fetch: Fetch
    telemetry: Telemetry
    clock: Clock
    _certificates: OrderedDict[str, x509.Certificate] = field(default_factory=OrderedDict)
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0

    async def take(self, body: bytes) -> Answer:
        """Take one posted message."""
        now = self.clock.now()
        message = read_message(body, self.topics, now)
        if isinstance(message, Refused):
            return Answer(403, message.reason)
        certificate = await self._certificate(message.certificate_url, now)
        if isinstance(certificate, NotFetched):
            return Answer(503, f"the certificate could not be fetched: {certificate.reason}")
        refused = certificate if isinstance(certificate, Refused) else verify(message, certificate)
        if refused is not None:
            return Answer(403, refused.reason)
        match message.type:
            case Type.NOTIFICATION:
                return await self._learn(message.message)
            case Type.SUBSCRIPTION:
                return await self._confirm(message.topic, message.subscribe_url)
            case Type.UNSUBSCRIPTION:
                self._tell(message.topic, "unsubscribed: no events come any more", alarm=True)
                return Answer(200, "noted")
            case _:
                assert_never(message.type)

    async def _learn(self, text: str) -> Answer:
        answer = await self.learn(text)
        match answer:
            case None:
                return Answer(200, "taken in")
            case StoreFault(reason=reason):
                self.telemetry.store.fault("learn", reason)
                return Answer(503, "the store cannot take it now")
            case Unreadable(reason=reason):
                return Answer(403, f"no event of SES: {reason}")

    async def _confirm(self, topic: str, url: str) -> Answer:
        if not is_sns(url):
            return Answer(403, "the subscription is not to be confirmed at a host of SNS")
        done = await self.fetch(url)
        if isinstance(done, NotFetched):
            self._tell(topic, f"subscription not confirmed: {done.reason}", alarm=True)
            return Answer(503, "the subscription could not be confirmed")
        self._tell(topic, "subscription confirmed", alarm=False)
        return Answer(200, "confirmed")

    async def _certificate(
        self, url: str, now: datetime
    ) -> x509.Certificate | Refused | NotFetched:
        known = self._known(url, now)
        if known is not None:  # nobody waits for a fetch that somebody else has caused
            return known
        if self._waiting >= _MOST_WAITING:
            return NotFetched("too many are asked for")
        self._waiting += 1
        try:
            async with self._fetching:  # one fetch at a time, so that a burst asks once
                return self._known(url, now) or await self._fetched(url, now)
        finally:
            self._waiting -= 1

    async def _fetched(self, url: str, now: datetime) -> x509.Certificate | Refused | NotFetched:
        pem = await self.fetch(url)
        if isinstance(pem, NotFetched):
            return pem
        certificate = read_certificate(pem, now)
        if isinstance(certificate, x509.Certificate):
            self._certificates[url] = certificate
            if len(self._certificates) > _MOST_CERTIFICATES:
                self._certificates.popitem(last=False)
        return certificate

    def _known(self, url: str, now: datetime) -> x509.Certificate | None:
        known = self._certificates.get(url)
        return known if known is not None and now <= known.not_valid_after_utc else None

    def _tell(self, topic: str, news: str, *, alarm: bool) -> None:
        self.telemetry.account.changed("", what=f"topic {topic}", old="", new=news, alarm=alarm)
