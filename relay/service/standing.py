"""The checks of `ses-relay check`, made again and again while the relay runs.

At the start, on a timer, and after a reload; never in the way of mail. What is not as it should be
is shown with readiness and on the dashboard, and logged when it changes: an expired certificate, a
DKIM record or an identity that is gone, a disk without room, a role that lost a right.

What could not be found out says nothing new: what was known before stands. What the role may not
ask is told once in the log, and is no warning; whoever gave it so few rights knows.

Errors: none; what is found is a warning, in the words of the check.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from relay.model.clock import Clock
from relay.model.settings import Settings
from relay.model.unanswered import Why
from relay.service.check.finding import Finding, State
from relay.telemetry import Telemetry

JITTER = 0.25  # share of a pause, either way, so that relays of one account do not march in step
_NUMBER = re.compile(r"\d[\d,.]*")

Found = dict[str, tuple[Finding, ...]]  # what is not as it should be, by what it is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When to look, in seconds."""

    first: float  # after the start, at most
    well: float  # between two looks while all is well
    ill: float  # while it is not, so that it is seen soon that it was mended


@dataclass(slots=True, kw_only=True)
class Standing:
    """Makes one set of checks, and remembers what it found last."""

    settings: Callable[[], Settings]
    checks: Callable[[Settings], AsyncIterator[Finding]]
    times: Times
    telemetry: Telemetry
    clock: Clock
    chance: Callable[[], float] = random.random
    _found: Found = field(default_factory=dict)
    _asked_again: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what is not as it should be."""
        return tuple(
            f"{one.about} {one.says}: {one.fix}"
            for found in self._found.values()
            for one in found
            if one.unasked is None
        )

    def again(self) -> None:
        """Look soon: the configuration has changed."""
        self._asked_again.set()

    async def run(self) -> None:
        """Look for ever."""
        await self.clock.sleep(self.times.first * self.chance())
        while True:
            self._asked_again.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a check that trips must not end the mail
                self.telemetry.relay.fault("checks", error)
            await self._pause()

    async def look(self) -> None:
        """Look once."""
        settings = self.settings()
        found: Found = {}
        async for finding in self.checks(settings):
            if finding.state is State.OK:
                found.setdefault(finding.about, ())
            elif finding.unasked in {None, Why.DENIED}:
                found[finding.about] = (*found.get(finding.about, ()), finding)
            else:
                found.setdefault(finding.about, self._found.get(finding.about, ()))
        before, self._found = self._found, found
        self._tell_changes(before, found)

    async def _pause(self) -> None:
        usual = self.times.ill if self.warnings else self.times.well
        pause = usual * (1 + JITTER * (2 * self.chance() - 1))
        try:
            async with asyncio.timeout(pause):
                await self._asked_again.wait()
        except TimeoutError:
            return

    def _tell_changes(self, before: Mapping[str, Iterable[Finding]], found: Found) -> None:
        for about, now in found.items():
            known = {_gist(one): one for one in before.get(about, ())}
            for one in now:
                if _gist(one) not in known:
                    self._tell(about, known.values(), one)
            if known and not now:
                self._tell(about, known.values(), None)

    def _tell(self, about: str, before: Iterable[Finding], now: Finding | None) -> None:
        old = "; ".join(f"{one.state}: {one.says}" for one in before)
        new = "ok" if now is None else f"{now.state}: {now.says}; {now.fix}"
        alarm = now is not None and now.state is State.FAULT
        self.telemetry.account.changed("", what=about, old=old, new=new, alarm=alarm)


def _gist(finding: Finding) -> tuple[State, str]:
    """Give what makes it another finding; a number in it changes all the time."""
    return finding.state, _NUMBER.sub("#", finding.says)
