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


async def take_content(session: Session) -> None:
    """Obey DATA."""
    transaction = session.transaction
    if transaction is None:
        session.answer(replies.BAD_SEQUENCE, STEP)
        return
    if not session.recipients:
        session.answer(replies.NO_RECIPIENTS, STEP)
        return
    ready = transaction.ready()
    session.answer(ready, STEP)
    if not ready.positive:
        return
    reader = DataReader(mend=session.door.listener.line_endings is LineEndings.MEND)
    if not await _read(session, transaction, reader):
        return
    dot = session.house.clock.monotonic()
    if reader.fault is not None:
        session.answer(reader.fault, STEP)
        session.drop_transaction()
        return
    octets, reader.octets = reader.octets, bytearray()  # the flow owns them from here on
    del reader
    session.receiving = True
    try:
        # Nobody is there any more: the flow goes on without us (`Session._hung_up`).
        reply = await transaction.receive(octets)
    finally:
        session.receiving = False
    session.house.telemetry.smtp.answered(session.house.clock.monotonic() - dot)
    _conclude(session, transaction, reply)


async def _read(session: Session, transaction: Transaction, reader: DataReader) -> bool:
    """Read to the end of the content; False when it never came."""
    inbound = session.inbound
    session.content_read = 0
    try:
        while True:
            while not len(inbound):
                if not await session.hear(session.house.clock.monotonic()):
                    return False
            behind = reader.feed(inbound.take())
            session.content_read = reader.read
            if reader.fault is None:
                refused = transaction.room_for(len(reader.octets))
                if refused is not None:
                    reader.refuse(refused)
            if behind is not None:
                inbound.put_back(behind)
                return True
            if reader.read > transaction.size_limit + DRAINED_BEYOND:
                session.answer(reader.fault or replies.TOO_BIG, STEP)
                session.part(replies.TOO_MUCH_DATA, "data", STEP)
                return False
    except Exception:
        # Nobody knows any more what is content and what is command.
        session.part(replies.OUR_FAULT_CLOSING, "fault", STEP)
        raise
    finally:
        session.content_read = None


def _conclude(session: Session, transaction: Transaction, reply: Reply) -> None:
    """Pass the verdict on, and remember that it may not be heard."""
    said_no_more = session.inbound.ended and not len(session.inbound)
    if said_no_more or session.transport is None:
        transaction.unheard(reply)
    else:
        session.unacted = (transaction, reply)
    if reply.positive:
        session.message_done()
    session.answer(reply, STEP)
    session.drop_transaction()
