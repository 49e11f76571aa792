"""The accepted messages, newest last, within a bound on number and octets.

What falls out at the old end is counted, so that a test that looks for a message in vain can
tell "never sent" from "no longer kept".
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from .submission import Api, Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One accepted message."""

    id: str
    """The MessageId that was answered."""
    api: Api
    accepted_at: datetime
    region: str
    caller_arn: str
    source: str
    """The envelope sender."""
    destinations: tuple[str, ...]
    raw: bytes = field(repr=False)
    """As submitted, octet for octet."""
    delivered_header: bytes = field(repr=False)
    delivered_body: memoryview = field(repr=False)
    """Of the octets SES read: those of `raw`, or of `raw` with its line ends mended."""
    configuration_set: str | None
    tags: Tags
    tenant: str | None
    infected: bool = False
    """SES found a virus in it: accepted and billed, and delivered to nobody."""

    @property
    def delivered(self) -> bytes:
        """As recipients would get it."""
        return self.delivered_header + self.delivered_body


class Mailbox:
    """Accepted messages up to a number and a sum of octets."""

    def __init__(self, *, most_messages: int = 1_000, most_octets: int = 256 * 1024 * 1024) -> None:
        self._kept: deque[Message] = deque()
        self._octets = 0
        self._most_messages = most_messages
        self._most_octets = most_octets
        self.dropped = 0
        """Messages that fell out since the last `clear`."""

    def __len__(self) -> int:
        return len(self._kept)

    def messages(self) -> tuple[Message, ...]:
        """The messages kept, oldest first."""
        return tuple(self._kept)

    def add(self, message: Message) -> None:
        """Keep one more, letting the oldest go where there is no room; the newest always stays."""
        self._kept.append(message)
        self._octets += _size(message)
        while len(self._kept) > 1 and (
            len(self._kept) > self._most_messages or self._octets > self._most_octets
        ):
            self._octets -= _size(self._kept.popleft())
            self.dropped += 1

    def clear(self) -> None:
        """Forget all messages and how many were dropped."""
        self._kept.clear()
        self._octets = 0
        self.dropped = 0


def _size(message: Message) -> int:
    own_body = 0 if message.delivered_body.obj is message.raw else len(message.delivered_body)
    return len(message.raw) + len(message.delivered_header) + own_body
