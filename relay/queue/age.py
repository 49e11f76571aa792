"""What time it is for a message's lifetime, whatever happens to the wall clock.

A clock that is set forward by days must not end the lifetime of mail that has waited for an hour:
what was received before it was set ages by the monotonic clock of this process.

Errors: none. Across a restart the wall clock is believed; nothing else is known.
"""

from datetime import datetime, timedelta

from relay.model.clock import Clock


class Ages:
    """Remembers what the wall clock said when the process began."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zero = clock.now() - timedelta(seconds=clock.monotonic())

    def now(self, received_at: datetime) -> datetime:
        """Give the time to compare the end of a lifetime with."""
        wall = self._clock.now()
        steady = self._zero + timedelta(seconds=self._clock.monotonic())
        # Received after the clock was set forward: its lifetime was reckoned from that clock.
        return wall if received_at > steady else min(wall, steady)
