"""Sends a message through the public client, but past the costly middle of botocore.

The client is called as ever, with an empty message; it validates and serialises the rest, and
`relay.delivery.takeover` makes the request with the message in it. That leaves out the second
encoding, the events and the retry machinery, which is most of the time for a small message and
nearly all of it for a large one.

`direct_calls` tries all of it without a network first and gives None when a new version of
botocore or aiobotocore does not fit any more: then the client sends by itself, slower.

Errors: those of the client.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pybase64
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.httpsession import AIOHTTPSession
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.credentials import ReadOnlyCredentials

from relay.aws import RouteClients
from relay.delivery.answer import Answer, Sending
from relay.delivery.exchange import Call
from relay.delivery.requests import send_email, send_raw_email
from relay.delivery.takeover import Send, Takeover, fill_form, fill_json, outgoing
from relay.model.content import Content
from relay.model.outcome import Relayed
from relay.model.settings import Api

V1_OPERATION = "ses.SendRawEmail"
V2_OPERATION = "sesv2.SendEmail"

_log = logging.getLogger(__name__)


async def direct_calls(clients: RouteClients) -> Mapping[Api, Call] | None:
    """Give the calls that go past botocore, or None where they do not fit its version."""
    sign = clients.credentials.get_frozen_credentials
    # The stubs know of synchronous handlers alone; aiobotocore awaits what they give.
    ses: Any = clients.ses.meta.events
    sesv2: Any = clients.sesv2.meta.events
    try:
        with _trial(ses, V1_OPERATION, Takeover(_accept(_V1_YES), _no_credentials, fill_form)):
            await _try(lambda: clients.ses.send_raw_email(RawMessage={"Data": b""}))
        with _trial(sesv2, V2_OPERATION, Takeover(_accept(_V2_YES), _no_credentials, fill_json)):
            await _try(lambda: clients.sesv2.send_email(Content={"Raw": {"Data": b""}}))
    except Exception:  # noqa: BLE001 - a library of the future may fail in any way
        _log.warning("this botocore does not fit; sending the slower way", exc_info=True)
        return None
    ses.register(_call(V1_OPERATION), Takeover(_send(clients.ses_http), sign, fill_form))
    sesv2.register(_call(V2_OPERATION), Takeover(_send(clients.sesv2_http), sign, fill_json))
    return {
        Api.V1: _bringing(lambda sending: send_raw_email(clients.ses, sending, data=b"")),
        Api.V2: _bringing(lambda sending: send_email(clients.sesv2, sending, data=b"")),
    }


def _send(pool: AIOHTTPSession) -> Send:
    # The stubs give the types of botocore's old pool, which are unknown where `requests` is absent.
    return cast(Send, pool.send)


def _bringing(call: Call) -> Call:
    """Make a call that brings its content along for the takeover."""

    async def bring(sending: Sending) -> Relayed | Answer:
        token = outgoing.set(sending.message.content)
        try:
            return await call(sending)
        finally:
            outgoing.reset(token)

    return bring


# --- the trial -----------------------------------------------------------------------------------

_V1_YES = (
    b"<SendRawEmailResponse><SendRawEmailResult><MessageId>trial</MessageId></SendRawEmailResult>"
    b"<ResponseMetadata><RequestId>-</RequestId></ResponseMetadata></SendRawEmailResponse>"
)
_V2_YES = b'{"MessageId": "trial"}'


async def _try(call: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    token = outgoing.set(Content((), b"a trial"))
    try:
        answer = await call()
    finally:
        outgoing.reset(token)
    if answer["MessageId"] != "trial":
        raise ValueError("the answer was not read by the takeover")


def _call(operation: str) -> str:
    return f"before-call.{operation}"


@contextmanager
def _trial(events: Any, operation: str, takeover: Takeover) -> Iterator[None]:  # noqa: ANN401 - see direct_calls
    events.register(_call(operation), takeover)
    events.register_first("request-created", _botocore_goes_on)
    try:
        yield
    finally:
        events.unregister(_call(operation), takeover)
        events.unregister("request-created", _botocore_goes_on)


def _botocore_goes_on(**_: object) -> None:
    """Keep a trial that was not taken over from signing and sending an empty message."""
    raise ValueError("the call was not taken over")


def _accept(body: bytes) -> Send:
    """Make a sender that takes what fits, without a network."""

    async def accept(request: AWSPreparedRequest) -> AioAWSResponse:
        sent = request.body
        if not isinstance(sent, bytes) or pybase64.b64encode(b"\r\na trial") not in sent:
            raise ValueError("the message is not in the request")
        if not str(request.headers.get("Authorization")).startswith("AWS4-HMAC-SHA256 "):
            raise ValueError("the request is not signed")
        headers: Any = HeadersDict()
        return AioAWSResponse(request.url, 200, headers, _Raw(body))

    return accept


class _Raw:
    """As much of an HTTP response as its reader asks for."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        """Give the body."""
        return self._body


async def _no_credentials() -> ReadOnlyCredentials:
    return ReadOnlyCredentials("trial", "trial", None, None)
