"""What each worker counts against limits that are the whole relay's, told to the others.

Errors: none; what a worker counted in its last second dies with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relay.flow.allowance import Spent
from relay.model.settings import Settings
from relay.service.assembly import Assembly
from relay.smtp.guesses import Guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Since the last time."""

    guesses: Sequence[Guess] = ()
    spent: Mapping[str, Spent] = field(default_factory=dict)  # by user

    def __bool__(self) -> bool:
        """Say if there is anything to tell."""
        return bool(self.guesses or self.spent)


def counted_by(parts: Assembly) -> Counted:
    """Give, once, what was counted here."""
    return Counted(guesses=parts.listeners.guesses.untold(), spent=parts.allowance.untold())


def count_in(parts: Assembly, settings: Settings, counted: Counted, now: float) -> None:
    """Count what was counted elsewhere; `now` is the clock's monotonic time."""
    for guess in counted.guesses:
        parts.listeners.guesses.heard(guess)
    for user in settings.users:
        spent = counted.spent.get(user.name)
        if spent is not None:
            parts.allowance.heard(user.name, user.limits, spent, now)
