"""`store: none` keeps its word: it takes nothing, and says so."""

from stored import AT, an_entry, new

from relay.model.address import Address
from relay.model.custody import QueueUsage, ScopeHold, Selection
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import (
    History,
    Holds,
    NoCustody,
    Queue,
    QueueControl,
    StoreFault,
    Suppressed,
    Suppression,
    Trace,
    Verdicts,
)
from relay.model.replies import OUR_FAULT
from relay.stores.none import (
    NO_STORE,
    NoControl,
    NoHistory,
    NoHolds,
    NoQueue,
    NoSuppression,
    NoVerdicts,
)

SCOPE = Scope(ScopeKind.USER, "tickets")


async def test_a_queue_that_takes_no_responsibility():
    queue: Queue = NoQueue()
    assert await queue.put([new("a")]) == NoCustody()
    assert await queue.record(an_entry("a")) == NO_STORE
    assert await queue.content("a") == NO_STORE
    assert await queue.claim({}, AT, AT) == ()
    assert await queue.backlog() == ()
    assert await queue.recover(lambda entry: entry) == 0
    assert queue.usage == QueueUsage(messages=0, octets=0)


async def test_an_operator_finds_an_empty_queue():
    control: QueueControl = NoControl()
    everything = Selection()
    assert await control.find("a") is None
    assert await control.content("a") == NO_STORE
    assert await control.select(everything, AT, 10) == ()
    for changed in (
        await control.hold(everything, Held(reason="stop"), AT),
        await control.release(everything, AT),
        await control.retry(everything, AT),
        await control.drop(everything, AT),
    ):
        assert not isinstance(changed, StoreFault)
        assert changed.ids == ()
    assert await control.summary(AT) == ()
    assert await control.oldest() is None


async def test_no_memory_for_suppression_holds_verdicts_and_history():
    suppression: Suppression = NoSuppression()
    entry = Suppressed(address="a@example.com", reason="bounce", since=AT)
    assert await suppression.suppress([entry]) == NO_STORE
    assert await suppression.suppressed(Address("a", "example.com"), AT) is None
    assert await suppression.unsuppress(["a@example.com"]) == ()
    assert await suppression.listed("", 10) == ()

    holds: Holds = NoHolds()
    assert await holds.hold(ScopeHold(scope=SCOPE, held=Held(reason="x"), since=AT)) == NO_STORE
    assert await holds.holds(AT) == ()
    assert await holds.release(SCOPE) is False

    verdicts: Verdicts = NoVerdicts()
    assert await verdicts.keep(b"print", OUR_FAULT, AT) is None
    assert await verdicts.take(b"print", AT) is None

    history = NoHistory()
    noted: History = history
    noted.note("message.received", AT, {"queue_id": "a"})
    read: Trace = history
    assert await read.trace("a", 10) == ()
    assert await read.recent(10) == ()
    assert await read.forget(AT) == 0
