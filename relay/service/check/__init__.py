"""Everything that can be known before the first message, as a list of findings with their fixes."""

from relay.service.check.check import Ground, check
from relay.service.check.finding import Finding, State

__all__ = ["Finding", "Ground", "State", "check"]
