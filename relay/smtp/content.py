"""DATA: the content, and whoever takes responsibility for it.

Standards: RFC 5321 §4.1.1.4, §3.3, §6.1; RFC 1047 (the verdict that nobody hears).
Errors: replies only.
"""

from relay.model import replies
from relay.model.ports import Transaction
from relay.model.reply import Reply
from relay.model.settings import LineEndings
from relay.smtp.data import DataReader
from relay.smtp.session import Session

STEP = "DATA"
# A refused content is read to its end to stay in step, but not for ever: beyond the size limit
# this much more is read before the connection is closed.
DRAINED_BEYOND = 16 * 1024 * 1024


class IncomingContent:
    """The content of one transaction while it arrives."""

    def __init__(self, session: Session, transaction: Transaction) -> None:
        self._session = session
        self._transaction = transaction
        mend = session.door.listener.line_endings is LineEndings.MEND
        self._reader = DataReader(mend=mend)

    @property
    def read(self) -> int:
        """Octets that have arrived so far."""
        return self._reader.read

    def feed(self, chunk: bytearray) -> bytes | None:
        """Take what arrived. None: the end is still to come; else what stands behind it."""
        reader = self._reader
        behind = reader.feed(chunk)
        if reader.fault is None:
            refused = self._transaction.room_for(len(reader.octets))
            if refused is not None:
                reader.refuse(refused)
        if behind is None and reader.read > self._transaction.size_limit + DRAINED_BEYOND:
            self._session.answer(reader.fault or replies.TOO_BIG, STEP)
            self._session.part(replies.TOO_MUCH_DATA, "data", STEP)
        return behind

    def withdraw(self, fault: Reply) -> None:
        """Give the content up for the sake of others; it is read to its end all the same."""
        self._reader.refuse(fault)

    async def hand_over(self) -> None:
        """Give the whole content to whoever takes responsibility, and pass the verdict on."""
        session, reader = self._session, self._reader
        if reader.fault is not None:
            session.answer(reader.fault, STEP)
            session.drop_transaction()
            return
        clock = session.house.clock
        dot = clock.monotonic()
        octets, reader.octets = reader.octets, bytearray()  # theirs from here on
        session.receiving = True
        try:
            # When the peer hangs up this is cancelled, the message is not: `Session._hung_up`.
            reply = await self._transaction.receive(octets)
        finally:
            session.receiving = False
        session.house.telemetry.smtp.answered(clock.monotonic() - dot)
        said_no_more = session.inbound.ended and not len(session.inbound)
        if said_no_more or session.transport is None:
            self._transaction.unheard(reply)
        else:
            session.unacted = (self._transaction, reply)
        if reply.positive:
            session.message_done()
        session.answer(reply, STEP)
        session.drop_transaction()


def ask_for_content(session: Session) -> None:
    """Obey DATA: ask for the content, or say why it cannot come now."""
    transaction = session.transaction
    if transaction is None:
        session.answer(replies.BAD_SEQUENCE, STEP)
    elif not session.recipients:
        session.answer(replies.NO_RECIPIENTS, STEP)
    else:
        content = IncomingContent(session, transaction)
        ready = transaction.ready(content.withdraw)
        session.answer(ready, STEP)
        if ready.positive:
            session.content = content
