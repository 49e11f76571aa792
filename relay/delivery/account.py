"""Asks SES now and then what the account behind a route may do.

Rate, quota and standing change by AWS's decision; the scheduler and the operator hear of it here.

SES facts: control calls are limited to one per second for the whole account (SES Developer Guide,
quotas), so that this is rare, never at the same moment in all relays of an account, waits between
its calls, and asks again where somebody else of the account was quicker. GetAccount (v2) tells
everything; GetSendQuota (v1), which older policies allow alone, tells the three numbers.

Errors: `AccountUnknown` as a value; the poller goes on.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from relay.aws import RouteClients
from relay.delivery.answer import Answer
from relay.delivery.control import BETWEEN_CALLS, CALL_SECONDS, Pace
from relay.model.account import AccountState
from relay.model.clock import Clock

if TYPE_CHECKING:  # the stubs are a test dependency
    from types_aiobotocore_ses.type_defs import GetSendQuotaResponseTypeDef
    from types_aiobotocore_sesv2.type_defs import GetAccountResponseTypeDef

SHORTEST, LONGEST = 60.0, 300.0  # seconds between two looks
RAREST = 1200.0  # while none of them tells anything
TRIES = 4  # where the account is asked by others at the same time


@dataclass(frozen=True, slots=True)
class AccountUnknown:
    """SES did not say; `reason` is for the operator."""

    reason: str


Look = AccountState | AccountUnknown


@dataclass(frozen=True, slots=True)
class _TooMany:
    """Somebody else of the account was quicker; how it will be told if that goes on."""

    unknown: AccountUnknown


class AccountPoller:
    """Looks at one route's account again and again."""

    def __init__(
        self,
        clients: RouteClients,
        clock: Clock,
        told: Callable[[Look], None],
        chance: Callable[[], float] = random.random,
        pace: Pace | None = None,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._told = told
        self._chance = chance
        self._pace = Pace(clock) if pace is None else pace

    async def run(self, known: Callable[[], float | None] = lambda: None) -> None:
        """Look, at once unless somebody just did, and then for ever; ends by cancellation alone.

        `known` gives the age in seconds of the last look that we heard of, whoever took it.
        """
        pause, longest, in_vain = LONGEST, LONGEST, 0
        while True:
            age = known()
            if age is None or age >= pause:
                look = await self.look()
                self._told(look)
                age = 0.0
                # In vain because too many ask, perhaps; then each of them asks less and less.
                in_vain = 0 if isinstance(look, AccountState) else in_vain + 1
                longest = min(SHORTEST * 2**in_vain, RAREST) if in_vain else LONGEST
            pause = SHORTEST + self._chance() * (longest - SHORTEST)
            await self._clock.sleep(max(pause - age, BETWEEN_CALLS))

    async def look(self) -> Look:
        """Ask: everything, or the numbers alone where nothing else is allowed."""
        for _ in range(TRIES - 1):
            look = await self._look()
            if not isinstance(look, _TooMany):
                return look
            await self._clock.sleep(BETWEEN_CALLS * self._chance())
        look = await self._look()
        return look.unknown if isinstance(look, _TooMany) else look

    async def _look(self) -> "Look | _TooMany":
        await self._pace.turn()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return _whole(await self._clients.sesv2.get_account())
        except ClientError as exc:
            answer = Answer.parsed(exc.response)
            unknown = AccountUnknown(f"GetAccount: {answer.detail}")
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                return _TooMany(unknown)
            if answer.status not in {401, 403, 404}:
                return unknown
            return await self._numbers(unknown)
        except (BotoCoreError, ResponseParserError, TimeoutError, KeyError) as exc:
            return _unknown("GetAccount", exc)

    async def _numbers(self, unknown: AccountUnknown) -> Look:
        await self._pace.turn()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return _numbers(await self._clients.ses.get_send_quota())
        except ClientError as exc:
            # What GetAccount said is the better advice: it is the one to allow.
            return AccountUnknown(f"{unknown.reason}; GetSendQuota: {exc}")
        except (BotoCoreError, ResponseParserError, TimeoutError, KeyError) as exc:
            return _unknown("GetSendQuota", exc)


def _unknown(operation: str, exc: Exception) -> AccountUnknown:
    return AccountUnknown(f"{operation}: {type(exc).__name__}: {exc}")


def _whole(said: "GetAccountResponseTypeDef") -> AccountState:
    quota = said["SendQuota"]
    return AccountState(
        max_send_rate=quota["MaxSendRate"],
        max_24_hour_send=quota["Max24HourSend"],
        sent_last_24_hours=quota["SentLast24Hours"],
        sending_enabled=said["SendingEnabled"],
        enforcement=said["EnforcementStatus"],
        sandbox=not said["ProductionAccessEnabled"],
    )


def _numbers(said: "GetSendQuotaResponseTypeDef") -> AccountState:
    return AccountState(
        max_send_rate=said["MaxSendRate"],
        max_24_hour_send=said["Max24HourSend"],
        sent_last_24_hours=said["SentLast24Hours"],
    )
