"""The conversation of a session: takes what arrives, and obeys it command by command.

Standards: RFC 5321 §4.1.1 (commands), §4.5.3.1.4 (their length), RFC 2920 §3.1 (which of them end
a pipelined group), RFC 3207 §4 (what may come before TLS).
Errors: an exception in a verb is ours: 451 4.3.0 for the client, the traceback in the log.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias

from relay.model import replies
from relay.model.reply import Reply
from relay.model.settings import TlsMode
from relay.smtp.door import Door, House
from relay.smtp.session import Content, Session

# RFC 5321 §4.5.3.1.4 asks for 512 octets, RFC 3461 §5 for about 1,100 with all its parameters.
LONGEST_COMMAND = 2048

# A peer may pipeline thousands of commands; about a millisecond of them is obeyed at a time.
STEPS_IN_ONE_GO = 64

# Browsers can be made to speak to any port; a request must not be read as a few unknown commands.
_HTTP = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH"})

Work: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: what it does (one of the first two), and where it may stand.

    One that is usually done at once may give work that must be waited for after all.
    """

    at_once: Callable[[Any, str], "Work | None"] | None = None
    awaited: Callable[[Any, str], Awaitable[None]] | None = None
    last_in_group: bool = False  # RFC 2920 §3.1: nothing may be sent behind it
    before_tls: bool = False  # RFC 3207 §4: allowed where STARTTLS is required
    counted: bool = True  # toward `commands_per_transaction`


Verbs: TypeAlias = Mapping[bytes, Verb]


class Conversation(Session):
    """A session that is spoken to; the verbs are its subclass's."""

    verbs: ClassVar[Verbs] = {}

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        door: Door,
        house: House,
        left: Callable[[Session], None],
    ) -> None:
        super().__init__(loop, door, house, left)
        self._work: Work | None = None  # found at once, to be done by the task
        self._steps = 0  # commands and chunks of content taken
        self._rest_at = STEPS_IN_ONE_GO

    async def _handle_client(self) -> None:
        """Run the session to its end (aiosmtpd's name). It never raises, whatever ends it."""
        try:
            if await self.enter():
                await self._converse()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            self.reason = "lost" if self.reason == "lost" else self.reason
        except asyncio.CancelledError:
            # The end of the session is the end of its task. A task that ends by this error keeps
            # it, and with it every frame on the way, the content among them: in a circle that
            # nobody breaks but the garbage collector, which does not come often.
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours
            self.reason = "fault"
            self._own_fault(error)
        finally:
            self.leave()

    async def _converse(self) -> None:
        while not self.closing:
            work = self._work or self._advance()
            self._work = None
            if work is not None:
                await self._do(work)
                if self._steps >= self._rest_at:
                    await self._rest()
                continue
            self._rest_at = self._steps + STEPS_IN_ONE_GO
            left = len(self.inbound)  # the beginning of a line, at most
            self.waiting = True
            heard = await self.hear(self.house.clock.monotonic())
            self.waiting = False
            if not heard and len(self.inbound) == left:
                return

    def answered_at_once(self) -> bool:
        """Obey what just arrived without waking the task, which saves a turn of the event loop.

        False: the task must be woken, for what has to be waited for.
        """
        if not self.waiting or self.stuck:
            return False
        before = self._steps
        self._rest_at = before + STEPS_IN_ONE_GO
        self._work = self._advance()
        if self._steps != before:
            self.silent_since = self.house.clock.monotonic()
        if self._work is not None or self.closing:
            return False
        self.send_now()
        return True

    async def _rest(self) -> None:
        """Let the others have their turn, and the peer read what it was told."""
        self._rest_at = self._steps + STEPS_IN_ONE_GO
        await self.flush()
        await asyncio.sleep(0)

    def _advance(self) -> Work | None:
        """Obey what has arrived, as far as nothing must be waited for; give what must be."""
        while not self.closing:
            if self._steps >= self._rest_at:
                return self._rest
            try:
                if self.content is not None:
                    work = self._take_content(self.content)
                    if work is not None or self.content is not None:
                        return work
                if self.dismissed:
                    self.part(replies.SHUTTING_DOWN, "stopped")
                    return None
                line = self.take_line(LONGEST_COMMAND)
                if line is None:
                    return None
                self._steps += 1
                self.unacted = None  # whoever goes on has heard the verdict
                work = self._obey(line)
                if work is not None:
                    return work
            except Exception as error:  # noqa: BLE001 - whatever it is, it is ours: transient
                self._own_fault(error)
        return None

    def _take_content(self, content: Content) -> Work | None:
        if not len(self.inbound):
            return None
        self._steps += 1
        behind = content.feed(self.inbound.take())
        if behind is None:
            return None
        self.inbound.put_back(behind)
        self.content = None
        return content.hand_over

    def _obey(self, line: bytes | Reply) -> Work | None:
        if isinstance(line, Reply):
            self.answer(line, "")
            return None
        name, _, argument = line.partition(b" ")
        name = name.upper()
        verb = self.verbs.get(name)
        if verb is None:
            if name in _HTTP:
                self.part(replies.NOT_HTTP, "http")
            else:
                self.answer(replies.UNKNOWN_COMMAND, "")
            return None
        if self._forbids(name, verb):
            return None
        text = argument.decode("utf-8", "surrogateescape").strip()
        if verb.awaited is not None:
            return partial(verb.awaited, self, text)
        assert verb.at_once is not None
        return verb.at_once(self, text)

    def _forbids(self, name: bytes, verb: Verb) -> bool:
        """Refuse a command that may not stand here; False: it may."""
        if len(self.inbound) and (verb.last_in_group or not self.esmtp) and name != b"QUIT":
            self.part(replies.OUT_OF_TURN, "pipelining", name.decode("ascii"))
            return True
        if verb.counted:
            self.commands += 1
            if self.commands > self.limits.commands_per_transaction:
                self.part(replies.TOO_MANY_COMMANDS, "commands", name.decode("ascii"))
                return True
        required = self.door.listener.tls is TlsMode.STARTTLS_REQUIRED
        if required and self.tls is None and not verb.before_tls:
            self.answer(replies.TLS_REQUIRED, name.decode("ascii"))
            return True
        return False

    async def _do(self, work: Work) -> None:
        try:
            await work()
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours: transient
            self._own_fault(error)

    def _own_fault(self, error: Exception) -> None:
        self.house.telemetry.relay.fault("session", error, session_id=self.id)
        if self.content is not None:
            # Nobody knows any more what is content and what is command.
            self.part(replies.OUR_FAULT_CLOSING, "fault", "DATA")
        else:
            self.drop_transaction()
            self.answer(replies.OUR_FAULT, "")

    async def handle_exception(self, error: Exception) -> str:
        """Log what went wrong on our side; nothing of it reaches the client (aiosmtpd's name)."""
        self._own_fault(error)
        return str(replies.OUR_FAULT)
