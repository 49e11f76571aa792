"""One connection: the subclass of aiosmtpd's `SMTP` that the session stands on.

This is the one module that knows aiosmtpd's and asyncio's inner workings. Of `aiosmtpd.smtp.SMTP`
it changes, and `tests/smtp/test_connection.py` holds the list:

- `__dir__`: aiosmtpd looks at every attribute of itself for each connection (0.3 ms of 0.8). Its
  verbs are looked up in one table per class instead.
- `_handle_client`, `handle_exception`, and with them `push` and the `smtp_…` verbs, which are not
  called any more: every reply has an enhanced code, replies to pipelined commands leave in one
  write, the log line and the `500` with an exception's text go.
- `data_received`, `pause_writing`, `resume_writing`: a command is obeyed where its octets arrive,
  without a turn of the event loop, and replies are not awaited one by one.
- `eof_received`, `connection_lost`: aiosmtpd cancels the handler when the peer
  hangs up or half-closes. A message that SES may be taking at this moment must not be cancelled,
  and what a half-closing client pipelined is still answered. The handler finds out by itself.
- `_reset_timeout`: a timer made and cancelled for each command costs more than the command. The
  listeners look at all sessions once a second instead (`relay.smtp.patience`).
- `command_size_limits` of aiosmtpd is one dictionary for all connections. It is not used.

Standards: RFC 2920 §3.2 (replies in one go), RFC 3207.
Errors: `ConnectionResetError` when the peer cannot be written to any more; `OSError` (of which
`ssl.SSLError` is one) from a failed handshake.
"""

import asyncio
import fcntl
import ssl
import sys
import termios
from asyncio import sslproto
from collections.abc import Iterable
from typing import Any

from aiosmtpd.smtp import SMTP

from relay.model.envelope import Tls
from relay.model.reply import Reply
from relay.smtp.inbound import Inbound

HANDSHAKE_SECONDS = 30
# uvloop reads one socket up to 32 times before it looks at the next: 8 MB of a message, which with
# ten of them is half a second. After a chunk of this size all others come first.
LARGE_CHUNK = 64 * 1024  # octets
GOODBYE_SECONDS = 5  # for the peer to take our last words, and to say close_notify


class _NoHooks:
    """aiosmtpd looks for hooks in a handler; ours are methods."""

    def __dir__(self) -> Iterable[str]:
        return ()


class _SmallTls(sslproto.SSLProtocol):
    """asyncio keeps a read buffer of 256 KB for each TLS connection, idle ones included.

    A TLS record has 16 KB and a little more at most; reading several at once gains nothing.
    """

    max_size = 17 * 1024


_NO_HOOKS = _NoHooks()


class Connection(SMTP):
    """Octets in and out, TLS, and the end. What is said is the session's business."""

    transport: asyncio.Transport | None

    def __init__(self, loop: asyncio.AbstractEventLoop, hostname: str) -> None:
        super().__init__(_NO_HOOKS, hostname=hostname, loop=loop)
        self.inbound = Inbound(loop)
        self.tls: Tls | None = None
        self.lost: Exception | None = None  # why the connection broke, when it did not just end
        self._unsent = bytearray()
        self._held_back = False
        self._writable: asyncio.Future[None] | None = None
        self.closing = False  # this side has said its last word, or the other is gone

    def __dir__(self) -> Iterable[str]:
        return ()

    # --- asyncio's callbacks ---------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and hold the peer back when the session does not keep up."""
        self.inbound.add(data)
        if not self.answered_at_once():
            self.inbound.wake()
        if self.transport is None or self._held_back:
            return
        if self.inbound.full:
            self._held_back = True
            self.transport.pause_reading()
        elif len(data) >= LARGE_CHUNK:
            self.transport.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """Read on after the others had their turn."""
        if self.transport is not None and not self._held_back and not self.transport.is_closing():
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        """Note that the peer will say no more; it may still listen, except under TLS."""
        self.inbound.end()
        return self.tls is None

    def connection_lost(self, error: Exception | None) -> None:
        """Note that nobody is there any more."""
        self.lost = error
        self.closing = True
        self.inbound.end()
        self.resume_writing()
        super(SMTP, self).connection_lost(error)
        self.transport = None

    def pause_writing(self) -> None:
        """Learn that the peer does not read."""
        self._writable = self.loop.create_future()

    def resume_writing(self) -> None:
        """Learn that the peer reads again."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Do without aiosmtpd's timer."""

    def answered_at_once(self) -> bool:
        """Say if nobody needs to be woken for what arrived; the session decides."""
        return False

    # --- for the session -------------------------------------------------------------------------

    @property
    def stuck(self) -> bool:
        """Whether replies wait for a peer that does not read."""
        return self._writable is not None

    @property
    def unread(self) -> int:
        """Octets the peer has sent already: taken over, or still with the system."""
        sock = self.get_extra("socket")
        with_system = bytearray(4)
        fcntl.ioctl(sock.fileno(), termios.FIONREAD, with_system)
        return len(self.inbound) + int.from_bytes(with_system, sys.byteorder)

    def say(self, reply: Reply) -> None:
        """Put a reply behind those not sent yet."""
        enhanced = f" {reply.enhanced} " if reply.enhanced else " "
        self._unsent += f"{reply.code}{enhanced}{reply.text}\r\n".encode("ascii", "replace")

    def say_lines(self, octets: bytes) -> None:
        """Put a reply of several lines, or a challenge, behind those not sent yet."""
        self._unsent += octets

    async def flush(self) -> None:
        """Send what was said; wait while the peer does not read."""
        self.send_now()
        if self._writable is not None:
            await self._writable
        if self.transport is None:
            raise ConnectionResetError

    def send_now(self) -> None:
        """Send what was said without waiting."""
        if self._unsent and self.transport is not None and not self.closing:
            self.transport.write(bytes(self._unsent))
        self._unsent.clear()

    async def more(self) -> bool:
        """Send what was said, then wait for the peer; False when it will say no more."""
        self.send_now()
        if self._writable is not None:
            await self.flush()
        if self._held_back and not self.inbound.full and self.transport is not None:
            self._held_back = False
            self.transport.resume_reading()
        if self.inbound.ended:
            return False
        await self.inbound.arrival()
        return True

    def close(self) -> None:
        """Send what was said and end the connection; a peer that does not read loses the rest."""
        if self.closing:
            return
        self.send_now()
        self.closing = True
        self.inbound.end()
        if self.transport is not None:
            # Asked for first: under TLS asyncio cannot tell it once the peer has closed too.
            unsent = self.transport.get_write_buffer_size()
            self.transport.close()
            if unsent:
                self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)

    def abort(self) -> None:
        """End the connection at once."""
        self.closing = True
        self.inbound.end()
        if self.transport is not None:
            self.transport.abort()

    def get_extra(self, name: str) -> Any:  # noqa: ANN401 - asyncio's own signature
        """Ask the transport."""
        return None if self.transport is None else self.transport.get_extra_info(name)

    async def start_tls(self, context: ssl.SSLContext, said: bytearray | None = None) -> None:
        """Encrypt from here on. What the peer sent before and nobody read is forgotten.

        `said` is what it has said of its handshake already, where TLS begins with the first octet.

        RFC 3207 §5: otherwise somebody between the two could type commands that are then taken as
        if the client had sent them under TLS.
        """
        await self.flush()
        plain = self.transport
        if plain is None:
            raise ConnectionResetError
        self.inbound.clear()
        done = self.loop.create_future()
        protocol = _SmallTls(
            self.loop,
            self,
            context,
            done,
            server_side=True,
            call_connection_made=False,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=GOODBYE_SECONDS,
        )
        encrypted = protocol._app_transport  # noqa: SLF001 - asyncio offers no other way to it
        assert encrypted is not None
        plain.pause_reading()  # uvloop changes its way of reading between the two, and only there
        plain.set_protocol(protocol)
        self.transport = encrypted
        self._held_back = False
        protocol.connection_made(plain)
        while said:
            room = protocol.get_buffer(len(said))
            part = min(len(room), len(said))
            room[:part] = said[:part]
            del said[:part]
            protocol.buffer_updated(part)
        plain.resume_reading()
        await done
        session: ssl.SSLObject = self.get_extra("ssl_object")
        self.tls = Tls(version=session.version() or "", cipher=(session.cipher() or ("",))[0])
