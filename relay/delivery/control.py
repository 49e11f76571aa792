"""Control calls: all that is asked of AWS beside sending, slowly, with each no as a value.

SES facts: control calls are limited to one per second for the whole account (SES Developer Guide,
quotas); whoever asks more than once shares one `Pace` among all its routes, because two of them may
be of one account.
Standards: RFC 9110 §6.6.1 (Date: the time at AWS, good to a second).

Errors: `Unanswered` as a value, with AWS's words.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from relay.delivery.answer import Answer
from relay.delivery.answers import Hold, Named, verdict_on
from relay.model.clock import Clock
from relay.model.outcome import Cause
from relay.model.unanswered import Unanswered, Why

BETWEEN_CALLS = 1.1
CALL_SECONDS = 30.0

T = TypeVar("T")

_PLAIN = {
    "NotFound": Why.ABSENT,
    "BadRequest": Why.REFUSED,
    "InvalidNextToken": Why.EXPIRED,
    "TooManyRequests": Why.THROTTLED,
    "Throttling": Why.THROTTLED,
}


@dataclass(slots=True)
class Pace:
    """Keeps control calls apart, by default a little more than a second."""

    clock: Clock
    between: float = BETWEEN_CALLS  # seconds
    _free_at: float = field(default=float("-inf"))

    async def turn(self) -> None:
        """Wait until another call may be made; who asks at the same time waits behind it."""
        now = self.clock.monotonic()
        begins = max(now, self._free_at)
        self._free_at = begins + self.between
        await self.clock.sleep(begins - now)


async def heard(call: Callable[[], Awaitable[T]]) -> T | Unanswered:
    """Make one call, and give its answer or the reason why there is none."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call()
    except ClientError as exc:
        answer = Answer.parsed(exc.response)
        headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return Unanswered(why=_why(answer), detail=answer.detail, at=date_in(headers))
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as exc:
        return Unanswered(why=Why.CREDENTIALS, detail=str(exc))
    except (BotoCoreError, ResponseParserError, TimeoutError) as exc:
        return Unanswered(why=Why.UNREACHABLE, detail=f"{type(exc).__name__}: {exc}")
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        # A proxy's page with a 200: botocore raises whatever it stumbles over.
        detail = f"the answer cannot be read ({type(exc).__name__}: {exc})"
        return Unanswered(why=Why.UNREACHABLE, detail=detail)


def date_in(headers: object) -> datetime | None:
    """Read when AWS answered; a date that cannot be read tells nothing."""
    said = headers.get("date") if isinstance(headers, dict) else None
    try:
        return parsedate_to_datetime(said) if isinstance(said, str) else None
    except ValueError:
        return None


def _why(answer: Answer) -> Why:
    if answer.code in _PLAIN:
        return _PLAIN[answer.code]
    match verdict_on(answer):
        case Named.RESOURCE:
            return Why.DENIED
        case Hold(cause=Cause.CREDENTIALS):
            return Why.CREDENTIALS
        case _:
            return Why.UNREACHABLE
