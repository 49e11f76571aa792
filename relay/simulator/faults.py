"""Scripted faults: what shall go wrong, with which operation, how many times.

A fault is taken by the next authentic request for its operation, in the order of scripting.
A request that fails its signature takes none.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

from .refusal import Refusal

ANY_OPERATION = "*"


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an error; the request has no effect."""

    code: str
    message: str
    status: int

    @property
    def refusal(self) -> Refusal:
        """The scripted error, the same in either API."""
        return Refusal(
            query_code=self.code,
            rest_code=self.code,
            message=self.message,
            query_status=self.status,
            rest_status=self.status,
        )


@dataclass(frozen=True, slots=True)
class Delay:
    """Do as asked at once, and answer `delay_s` seconds later."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection without an octet of answer, before or after the request's effect."""

    when: Literal["before", "after"]


Consequence = Fail | Delay | Drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One scripted fault, for an operation's name or for "*", and how often it is left."""

    operation: str
    times: int
    then: Consequence


class Script:
    """The faults still to come. Bounded: more than `most` at once are refused by `add`."""

    def __init__(self, most: int = 1_000) -> None:
        self._faults: deque[Fault] = deque()
        self._most = most

    def pending(self) -> tuple[Fault, ...]:
        """The faults still to come, first first."""
        return tuple(self._faults)

    def add(self, fault: Fault) -> str | None:
        """Script one more, or say why not."""
        if len(self._faults) >= self._most:
            return f"{self._most} faults are scripted already; DELETE them first"
        self._faults.append(fault)
        return None

    def clear(self) -> None:
        """Nothing shall go wrong any more."""
        self._faults.clear()

    def take(self, operation: str) -> Consequence | None:
        """What happens to this request, using up one time of the first fault that fits."""
        for index, fault in enumerate(self._faults):
            if fault.operation not in (operation, ANY_OPERATION):
                continue
            if fault.times > 1:
                self._faults[index] = replace(fault, times=fault.times - 1)
            else:
                del self._faults[index]
            return fault.then
        return None
