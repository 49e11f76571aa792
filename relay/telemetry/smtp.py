"""Events of SMTP sessions.

Errors: none.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from relay.model.address import Address
from relay.model.envelope import Client
from relay.model.reply import Reply
from relay.telemetry.events import Event, Level
from relay.telemetry.metrics import Metrics
from relay.telemetry.recorder import Facts, Recorder, milliseconds, sender_of

_WITH_SENDER = frozenset({"MAIL", "RCPT", "DATA"})


@dataclass(frozen=True, slots=True)
class Step:
    """What a client was at: CONNECT, EHLO, MAIL, RCPT, DATA; sender and recipient where known."""

    command: str
    sender: Address | None = None
    recipient: Address | None = None


class SmtpEvents:
    """What clients do before and after they submit a message."""

    def __init__(self, recorder: Recorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics

    def connected(self, client: Client) -> None:
        """Say that a session began."""
        # Each session begins: where nobody hears of it, its facts need not be written.
        if self._recorder.hears_debug:
            self._recorder.record(Event.SMTP_CONNECTED, Level.DEBUG, client_facts(client))

    def authenticated(self, client: Client, mechanism: str) -> None:
        """Say that AUTH succeeded; `client` already carries the user."""
        facts = client_facts(client) | {"mechanism": mechanism}
        self._recorder.record(Event.SMTP_AUTHENTICATED, Level.INFO, facts)

    def auth_failed(self, client: Client, reply: Reply, *, mechanism: str, reason: str) -> None:
        """Say that AUTH failed and why.

        `reason` names a user only when such a user exists: people type passwords into that field.
        """
        facts = client_facts(client) | {
            "mechanism": mechanism,
            "reply": str(reply),
            "reason": reason,
        }
        self._recorder.record(Event.SMTP_AUTH_FAILED, Level.WARNING, facts)

    def refused(self, client: Client, reply: Reply, step: Step, *, reason: str = "") -> None:
        """Say that a client heard a 4yz or 5yz; `reason` is the rule or the cause, for the log."""
        facts = client_facts(client) | {
            "command": step.command,
            "sender": sender_of(step.sender) if step.command in _WITH_SENDER else None,
            "reply": str(reply),
            "reason": reason,
        }
        recipients = () if step.recipient is None else (step.recipient,)
        self._recorder.record(Event.SMTP_REFUSED, Level.INFO, facts, recipients)

    def closed(self, client: Client, *, reason: str, messages: int, duration_s: float) -> None:
        """Say that a session ended: `reason` is quit, lost, idle …, `messages` those accepted."""
        facts = client_facts(client) | {
            "reason": reason,
            "messages": messages,
            "duration_ms": milliseconds(duration_s),
        }
        self._recorder.record(Event.SMTP_CLOSED, Level.INFO, facts)

    def replied(self, code: int) -> None:
        """Count one reply to a client. No log line."""
        self._metrics.smtp_replies.count(code)

    def answered(self, seconds: float) -> None:
        """Measure the time between the final dot and its reply. No log line."""
        self._metrics.accept_seconds.observe(seconds)


def client_facts(client: Client) -> Facts:
    """Give the facts of a session that stand on each of its lines."""
    return {
        "session_id": client.session_id,
        "client": _shown(client.address),
        "listener": client.listener,
        "helo": client.helo,
        "tls": None if client.tls is None else client.tls.version,
        "user": client.user,
    }


@lru_cache(4096)  # on each line of each session, and spelt out anew each time it cost a microsecond
def _shown(host: IPv4Address | IPv6Address | None) -> str:
    return "unix" if host is None else str(host)
