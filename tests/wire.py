"""SES as bytes on a socket: a scripted HTTP peer, the answers of both APIs, and mail for it."""

import asyncio
import contextlib
import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from relay.delivery.ses import SesTransport
from relay.delivery.verified import Verified
from relay.model.address import Address
from relay.model.clock import SystemClock
from relay.model.content import Content, Field
from relay.model.envelope import Recipient
from relay.model.message import Message, Parameters, Request
from relay.model.settings import Api, Lane, Route
from relay.stores.none import NoSenders

XML = "http://ses.amazonaws.com/doc/2010-12-01/"


def http(status, body, *headers):
    """Write an HTTP answer."""
    octets = body if isinstance(body, bytes) else body.encode()
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(octets)}", *headers, "", ""]
    return "\r\n".join(head).encode() + octets


def accepted(api, message_id="0108017f-1-000000"):
    """Say yes."""
    if api is Api.V2:
        return http(
            200,
            json.dumps({"MessageId": message_id}),
            "Content-Type: application/json",
            "x-amzn-RequestId: R-1",
        )
    return http(
        200,
        f'<SendRawEmailResponse xmlns="{XML}"><SendRawEmailResult><MessageId>{message_id}'
        "</MessageId></SendRawEmailResult><ResponseMetadata><RequestId>R-1</RequestId>"
        "</ResponseMetadata></SendRawEmailResponse>",
        "Content-Type: text/xml",
    )


def refused(api, code, words, status=400):
    """Say no, as this API writes it."""
    if api is Api.V2:
        return http(
            status,
            json.dumps({"message": words}),
            "Content-Type: application/json",
            f"x-amzn-ErrorType: {code}:http://internal.amazon.com/coral/",
            "x-amzn-RequestId: R-1",
        )
    return http(
        status,
        f'<ErrorResponse xmlns="{XML}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(words)}</Message></Error><RequestId>R-1</RequestId></ErrorResponse>",
        "Content-Type: text/xml",
    )


def page(status, body="<html><body><h1>Proxy</h1></body></html>"):
    """Answer as something that is not SES."""
    return http(status, body, "Content-Type: text/html")


@dataclasses.dataclass(frozen=True)
class Reset:
    """Break the connection: before the body was read, or after it."""

    read_body: bool


@dataclasses.dataclass(frozen=True)
class Silence:
    """Read everything and never answer."""


@dataclasses.dataclass(frozen=True)
class Deaf:
    """Read the header and nothing more, and never answer."""


@dataclasses.dataclass(frozen=True)
class Broken:
    """Read everything, say this much and break the connection."""

    octets: bytes


@dataclasses.dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def signature(seen, secret):
    """Sign what arrived once more, after AWS's description of Signature Version 4."""

    def keyed(key, text):
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    _, _, terms = seen.headers["authorization"].partition(" ")
    said = dict(term.split("=", 1) for term in terms.split(", "))
    _, day, region, service, end = said["Credential"].split("/")
    names = said["SignedHeaders"].split(";")
    canonical = [seen.method, seen.path, ""]
    canonical += [f"{name}:{' '.join(seen.headers[name].split())}" for name in names]
    canonical += ["", said["SignedHeaders"], hashlib.sha256(seen.body).hexdigest()]
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end):
        key = keyed(key, part)
    scope = f"{day}/{region}/{service}/{end}"
    text = "\n".join(["AWS4-HMAC-SHA256", seen.headers["x-amz-date"], scope, hashed])
    return said["Signature"], keyed(key, text).hex()


class Wire:
    """Listens on loopback and does to each request what the script says; then it says no more."""

    def __init__(self):
        self.script = []
        self.seen = []
        self.arrived = asyncio.Event()
        self._connections = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        await self._server.wait_closed()

    def forget(self):
        self.script.clear()
        self.seen.clear()
        self.arrived.clear()

    async def _serve(self, reader, writer):
        self._connections.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                pass
        self._connections.discard(writer)
        if not writer.is_closing():
            writer.transport.abort()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:-2])}
        step = self.script.pop(0) if self.script else page(500, "the script is at its end")
        if step == Reset(read_body=False):
            self.seen.append(Seen(method, path, headers, b""))
            return False
        if isinstance(step, Deaf):
            await asyncio.Event().wait()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Seen(method, path, headers, body))
        self.arrived.set()
        if isinstance(step, Reset):
            return False
        if isinstance(step, Broken):
            writer.write(step.octets)
            await writer.drain()
            writer.close()
            return False
        if isinstance(step, Silence):
            await asyncio.Event().wait()
        writer.write(step)
        await writer.drain()
        return True


def route(wire, **changes):
    """Give a route whose SES is the wire."""
    return Route(region="eu-west-1", endpoint_url=wire.url, **changes)


def address(text):
    """Read an address."""
    parsed = Address.parse(text)
    assert isinstance(parsed, Address), parsed
    return parsed


def mail(*, sender="a@example.com", recipients=("b@example.net",), body=b"Hello\r\n", **parameters):
    """Give a shaped message."""
    source = address(sender)
    content = Content((Field.of("From", sender), Field.of("Subject", "Hi")), body)
    return Message(
        id="Q1",
        session_id="S1",
        user="tickets",
        route="default",
        lane=Lane.TRANSACTIONAL,
        sender=source,
        source=source,
        recipients=tuple(Recipient(address(text)) for text in recipients),
        content=content,
        parameters=Parameters(**parameters),
        authors=(source,),
        message_id="<1@example.com>",
        received_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        size=content.size,
    )


def nobody():
    """Give the memory of an account that nobody has sent by."""
    return Verified(NoSenders(), "account", SystemClock())


class Ses:
    """A scripted SES and the way to it."""

    def __init__(self, wire, clients, calls):
        self.script = wire.script
        self.seen = wire.seen
        self.clients = clients
        self._calls = calls

    def transport(self, api):
        """Give a transport that has sent nothing yet."""
        return SesTransport(api, self._calls, self.clients.credentials, nobody())

    async def send(self, api, message=None, transport=None):
        """Send one message in one request and give the outcome."""
        message = message or mail()
        recipients = tuple(recipient.address for recipient in message.recipients)
        transport = transport or self.transport(api)
        return await transport.send(message, Request(number=1, recipients=recipients))
