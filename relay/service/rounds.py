"""Which checks a running relay makes by itself, and how often.

Errors: none.
"""

from collections.abc import AsyncIterator, Callable

from relay.delivery.control import Pace
from relay.model.settings import Settings
from relay.service.assembly import Outside
from relay.service.check.account import about_account, about_list
from relay.service.check.check import check_day, check_machine, check_routes
from relay.service.check.finding import Finding
from relay.service.routes import Routes
from relay.service.standing import Standing, Times
from relay.telemetry import Telemetry

# Files, disk and DNS cost nothing. The questions to AWS are control calls: SES allows one in a
# second for the whole account, which has other users too.
MACHINE = Times(first=0.0, well=3_600.0, ill=600.0)
ROUTES = Times(first=30.0, well=4 * 3_600.0, ill=3_600.0)
BETWEEN_CALLS = 5.0  # seconds


def rounds(
    settings: Callable[[], Settings], outside: Outside, routes: Routes, telemetry: Telemetry
) -> tuple[Standing, ...]:
    """Make the rounds; where no network may be asked, only of what the day alone changes."""
    clock, published = outside.clock, outside.published

    def standing(checks: Callable[[Settings], AsyncIterator[Finding]], times: Times) -> Standing:
        return Standing(
            settings=settings, checks=checks, times=times, telemetry=telemetry, clock=clock
        )

    if published is None:
        return (standing(lambda known: check_day(known, clock), MACHINE),)
    pace = Pace(clock, BETWEEN_CALLS)

    async def of_routes(known: Settings) -> AsyncIterator[Finding]:
        # What the account says of itself is asked for all the time, see `relay.service.accounts`,
        # and so is its suppression list, see `relay.service.account_lists`.
        told = {about(name) for name in known.routes for about in (about_account, about_list)}
        async for finding in check_routes(known, pace, routes.borrowed):
            if finding.about not in told:
                yield finding

    return (
        standing(lambda known: check_machine(known, published, clock), MACHINE),
        standing(of_routes, ROUTES),
    )
