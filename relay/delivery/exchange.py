"""One exchange with SES: the call, and what can go wrong below SES's own answers.

The question that matters is if octets of the message may have left: before that a fault is only a
delay; after it SES may have taken the message, and sending again may deliver it twice.

Errors: cancellation leaves, and a bug of ours before anything was sent; whatever botocore and
aiohttp raise becomes an outcome.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from relay.aws import NotReached
from relay.delivery import replies
from relay.delivery.answer import Answer, Sending
from relay.model.outcome import Cause, Deferred, Relayed, ScopeKind, Unknown

Heard = Relayed | Answer | Deferred | Unknown
Call = Callable[[Sending], Awaitable[Relayed | Answer]]


@dataclass(slots=True)
class Progress:
    """How far the current exchange has come; written by the hooks on the client's events."""

    leaving: bool = False  # from here on octets may have left
    status: int = 0  # HTTP status of the answer, 0 before it


_progress: ContextVar[Progress | None] = ContextVar("ses_request_progress", default=None)


def note_leaving(**_: object) -> None:
    """Note that the request is handed to the connection; botocore event `before-send`."""
    progress = _progress.get()
    if progress is not None:
        progress.leaving = True


def note_status(response_dict: dict[str, object], **_: object) -> None:
    """Note the status even of an answer that botocore cannot read; event `before-parse`."""
    progress = _progress.get()
    status = response_dict["status_code"]
    if progress is not None and isinstance(status, int):
        progress.status = status


def deadline(octets: int) -> float:
    """Seconds that the hand-over of so large a message may take in all, repetitions included.

    A line slower than 128 KiB/s is not worth waiting for; the fixed part is for connecting and for
    SES's answer. Whoever leases a message for an attempt leases it for longer than this.
    """
    return 75.0 + octets / 131_072


async def exchange(call: Call, sending: Sending, ends: float) -> Heard:
    """Make the request and say what was heard until `ends` (the event loop's seconds)."""
    progress = Progress()
    token = _progress.set(progress)
    try:
        async with asyncio.timeout_at(ends):
            return await call(sending)
    except ClientError as exc:
        return Answer.parsed(exc.response)
    except ResponseParserError:
        return Answer(status=progress.status, code="", words="the body is not an answer of SES")
    except TimeoutError:
        detail = "the request's time is over"
        return _lost(detail) if progress.leaving else _unreached(sending, detail)
    except (BotoCoreError, NotReached) as exc:
        return _fault(exc, sending, progress)
    except Exception as exc:
        # A bug before anything was sent is for the caller to report; later nothing may hide
        # that SES may have the message.
        if not progress.leaving:
            raise
        return _lost(f"HTTP {progress.status}, {type(exc).__name__}: {exc}")
    finally:
        _progress.reset(token)


def _fault(
    exc: BotoCoreError | NotReached, sending: Sending, progress: Progress
) -> Deferred | Unknown:
    """Tell by botocore's names if the request can have left."""
    detail = f"{type(exc).__name__}: {exc}"
    match exc:
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError():
            return Deferred(
                cause=Cause.CREDENTIALS,
                scope=sending.scope(ScopeKind.ROUTE),
                reply=replies.CREDENTIALS,
                detail=detail,
            )
        case NotReached() | ConnectTimeoutError() | SSLError() | ProxyConnectionError():
            return _unreached(sending, detail)
        case EndpointConnectionError() | HTTPClientError():
            # aiobotocore gives the same name to a connection that broke in the middle.
            error = exc.kwargs.get("error")
            if isinstance(error, aiohttp.ClientConnectorError | socket.gaierror):
                return _unreached(sending, detail)
            return _lost(f"{detail} ({error!r})")
        case _ if progress.leaving:
            return _lost(detail)
        case _:
            # botocore itself refused before anything was sent: a parameter, an endpoint.
            return Deferred(
                cause=Cause.UNCLASSIFIED,
                scope=sending.scope(ScopeKind.MESSAGE),
                reply=replies.UNCLASSIFIED,
                detail=detail,
            )


def _unreached(sending: Sending, detail: str) -> Deferred:
    scope = sending.scope(ScopeKind.MESSAGE)
    return Deferred(cause=Cause.NETWORK, scope=scope, reply=replies.NETWORK, detail=detail)


def _lost(detail: str) -> Unknown:
    return Unknown(reply=replies.LOST_ANSWER, detail=detail)
