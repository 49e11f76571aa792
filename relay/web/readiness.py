"""Whether this relay should be sent mail, and what is wrong with the account behind it.

An account that is paused or in the sandbox is a warning: taking the pod out would not mend it, and
mail can still be kept until it is.

Errors: none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Readiness:
    """Nothing in `reasons` means ready."""

    reasons: tuple[str, ...] = ()  # listeners down, store not writable, admission closed …
    warnings: tuple[str, ...] = ()  # the SES account; shown, without effect

    @property
    def ready(self) -> bool:
        """Whether listeners are up, the store can be written and admission is open."""
        return not self.reasons
