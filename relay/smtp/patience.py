"""How long a session may keep us waiting. Looked at once a second for all sessions together.

Standards: RFC 5321 §4.5.3.2 (time-outs), §3.8 (421 before closing).
Errors: none.
"""

from dataclasses import dataclass

from relay.model import replies
from relay.smtp.session import Session

RATE_WINDOW = 60.0  # seconds over which the rate of content is averaged


@dataclass(slots=True)
class _Window:
    """Where the content of a session stood when it was last measured."""

    since: float
    read: int


class Patience:
    """Ends sessions that are silent, slow, stuck or too long."""

    def __init__(self) -> None:
        self._windows: dict[Session, _Window] = {}

    def forget(self, session: Session) -> None:
        """Learn that a session has ended."""
        self._windows.pop(session, None)

    def look_at(self, session: Session, now: float) -> None:
        """End a session if its time is up; `now` in monotonic seconds."""
        limits = session.limits
        if session.stuck_since is not None and now - session.stuck_since > limits.idle:
            session.reason = "idle"
            session.abort()  # a last word would only wait behind the others
        elif session.silent_since is not None and now - session.silent_since > limits.idle:
            session.part(replies.IDLE, "idle")
        elif now - session.began > limits.session and not session.receiving:
            session.part(replies.SESSION_TOO_LONG, "time")
        elif self._drips(session, now):
            session.part(replies.TOO_SLOW, "slow", "DATA")

    def _drips(self, session: Session, now: float) -> bool:
        """Say if content arrived too slowly for a whole window."""
        if session.content is None or not session.limits.data_rate:
            self._windows.pop(session, None)
            return False
        read = session.content.read
        window = self._windows.get(session)
        if window is None or read < window.read:
            self._windows[session] = _Window(now, read)
            return False
        seconds = now - window.since
        if seconds < RATE_WINDOW:
            return False
        self._windows[session] = _Window(now, read)
        return read - window.read < session.limits.data_rate * seconds
