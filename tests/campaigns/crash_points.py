"""The points of the code at which a relay is killed: before or after one call of one function.

The relay knows nothing of them; `arm` wraps the function in the process that is to die.
"""

import inspect
import itertools
import os
import signal
from dataclasses import dataclass

from relay.delivery.ses import SesTransport
from relay.flow.keep import Keeper
from relay.flow.transaction import MailTransaction
from relay.queue.case import Case
from relay.queue.intake import Intake
from relay.smtp.content import IncomingContent
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.queue import SqliteQueue
from relay.stores.sqlite.state import SqliteVerdicts


def always(*_):
    return True


def of_the_queue(_files, connection):
    """Pick the commits of the queue's own file."""
    return "queue-" in connection.execute("PRAGMA database_list").fetchone()[2]


def of_the_bodies(_files, folder):
    return folder.name.startswith("bodies-")


def of_something(_bodies, names):
    return bool(names)


@dataclass(frozen=True)
class Point:
    """One place to die: `after` the call or before it, where `when` says that it counts."""

    owner: type
    function: str
    after: bool
    when: object = always
    once: bool = False  # in a life


POINTS = {
    # Keeping: a large body, the row, the reply.
    "body about to be synced": Point(Files, "sync", after=False),
    "body about to be renamed": Point(Files, "rename", after=False),
    "body renamed": Point(Files, "rename", after=True),
    "name of the body synced": Point(Files, "sync_folder", after=True, when=of_the_bodies),
    "body kept, no row yet": Point(Bodies, "keep", after=True),
    "rows about to be committed": Point(Files, "commit", after=False, when=of_the_queue),
    "rows committed": Point(Files, "commit", after=True, when=of_the_queue),
    "put asked": Point(SqliteQueue, "put", after=False),
    "put answered": Point(SqliteQueue, "put", after=True),
    "kept, reply not said": Point(MailTransaction, "receive", after=True),
    "reply said": Point(IncomingContent, "hand_over", after=True),
    # The first attempt, while the client waits and after it was kept in flight.
    "about to be kept in flight": Point(Keeper, "keep_in_flight", after=False),
    "kept in flight": Point(Keeper, "keep_in_flight", after=True),
    "outcome of the first attempt known": Point(Intake, "record", after=False),
    "outcome of the first attempt recorded": Point(Intake, "record", after=True),
    "about to be kept after an attempt": Point(Keeper, "keep_after", after=False),
    # The backlog: claim, attempt, answer, record, give back, remove.
    "claimed": Point(SqliteQueue, "claim", after=True),
    "attempt about to be recorded": Point(Case, "_prepared", after=False),
    "attempt recorded, request not made": Point(Case, "_prepared", after=True),
    "request about to be made": Point(SesTransport, "send", after=False),
    "answer heard": Point(SesTransport, "send", after=True),
    "outcome about to be recorded": Point(Case, "_record", after=False),
    "outcome recorded": Point(Case, "_record", after=True),
    "entry about to be given back": Point(Case, "_give_back", after=False),
    "row gone, body still there": Point(Bodies, "discard", after=False, when=of_something),
    "body removed": Point(Bodies, "discard", after=True, when=of_something),
    # The start itself, and verdicts that nobody heard.
    "about to recover": Point(SqliteQueue, "recover", after=False, once=True),
    "recovered": Point(SqliteQueue, "recover", after=True, once=True),
    "verdict about to be remembered": Point(SqliteVerdicts, "keep", after=False),
    "verdict remembered": Point(SqliteVerdicts, "keep", after=True),
}


def arm(name, passes):
    """Make this process die at a point, the n-th time that it passes there."""
    name = name.replace("_", " ")
    point = POINTS[name]
    count = itertools.count(1)
    real = getattr(point.owner, point.function)

    def passing(arguments):
        if point.when(*arguments) and next(count) == passes:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(*arguments, **named):
        if not point.after:
            passing(arguments)
        result = real(*arguments, **named)
        if point.after:
            passing(arguments)
        return result

    async def awaited(*arguments, **named):
        if not point.after:
            passing(arguments)
        result = await real(*arguments, **named)
        if point.after:
            passing(arguments)
        return result

    assert callable(real), f"{name}: {point.owner.__name__}.{point.function} is gone"
    setattr(point.owner, point.function, awaited if inspect.iscoroutinefunction(real) else wrapped)
