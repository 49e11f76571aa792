"""A client that did not hear its verdict sends again; it gets the same verdict, not a second mail.

Only an unheard verdict counts: the connection broke after the end of DATA and before the client's
next command. Two equal messages whose replies were both heard are two messages. Matched by user,
envelope and a hash of the content as received.

Standards: RFC 1047 (why the window exists).
Errors: a store that cannot remember costs a possible duplicate, never a message; it is logged.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from relay.flow.owner import Owner
from relay.flow.submission import Submission
from relay.model.clock import Clock
from relay.model.ports import StoreFault, Verdicts
from relay.model.reply import Reply
from relay.telemetry import Telemetry

# Clients come back within minutes; queueing ones within the hour (RFC 5321 §4.5.4.1).
REMEMBERED = timedelta(hours=4)
_THREAD_ABOVE = 1024 * 1024  # octets; hashing them takes about a millisecond


async def fingerprint(submission: Submission, octets: bytes | bytearray) -> bytes:
    """Give what two submissions of one message have in common."""
    envelope = submission.envelope
    digest = hashlib.sha256()
    parts = [submission.user.name, str(envelope.sender)]
    parts += sorted(recipient.address.key for recipient in envelope.recipients)
    digest.update("\0".join(parts).encode() + b"\0\0")
    if len(octets) > _THREAD_ABOVE:
        await asyncio.to_thread(digest.update, octets)
    else:
        digest.update(octets)
    return digest.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubmissions:
    """Remembers verdicts that nobody heard."""

    verdicts: Verdicts
    owner: Owner
    telemetry: Telemetry
    clock: Clock
    # Messages whose client hung up while they were under way.
    _abandoned: dict[bytes, asyncio.Task[Reply]] = field(default_factory=dict)
    _settling: set[bytes] = field(default_factory=set)  # whose verdict somebody waits to keep

    async def verdict(self, mark: bytes) -> Reply | None:
        """Give the verdict on an earlier submission, waiting for it if it is still under way."""
        if (earlier := self._abandoned.pop(mark, None)) is not None:
            try:
                return await asyncio.shield(earlier)
            except asyncio.CancelledError:  # it has hung up again
                self.abandoned(mark, earlier)
                raise
        if self.verdicts.surely_none(mark):
            return None
        taking = self.owner.start("verdict", self._take(mark))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # It has hung up again, and the verdict is taken all the same.
            self.owner.start("unheard verdict", self._put_back(mark, taking))
            raise

    def abandoned(self, mark: bytes, story: asyncio.Task[Reply]) -> None:
        """Learn that nobody waits for this message's verdict any more."""
        self._abandoned[mark] = story
        if mark not in self._settling:
            self._settling.add(mark)
            self.owner.start("abandoned message", self._settle(mark, story))

    def unheard(self, mark: bytes, reply: Reply) -> None:
        """Learn that a verdict was written into a connection that was already broken."""
        self.owner.start("unheard verdict", self._keep(mark, reply))

    async def _put_back(self, mark: bytes, taking: asyncio.Task[Reply | None]) -> None:
        found = await asyncio.shield(taking)
        if found is not None:
            await self._keep(mark, found)

    async def _settle(self, mark: bytes, story: asyncio.Task[Reply]) -> None:
        try:
            reply = await asyncio.shield(story)
            if mark in self._abandoned:  # else somebody joined, and hears it
                await self._keep(mark, reply)
                # Until it is written it is found here, or who comes in between sends it again.
                if self._abandoned.pop(mark, None) is None:
                    await self._take(mark)
        finally:
            self._settling.discard(mark)

    async def _take(self, mark: bytes) -> Reply | None:
        found = await self.verdicts.take(mark, self.clock.now())
        if isinstance(found, StoreFault):
            self.telemetry.store.fault("verdict", found.reason)
            return None
        return found

    async def _keep(self, mark: bytes, reply: Reply) -> None:
        # Whatever was refused may be tried again: that sends nothing twice.
        if reply.positive:
            fault = await self.verdicts.keep(mark, reply, self.clock.now() + REMEMBERED)
            if fault is not None:
                self.telemetry.store.fault("verdict", fault.reason)
