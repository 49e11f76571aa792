"""Every seam between the parts of the relay.

Protocols only: who implements them is wired in `relay.service` and nowhere else.
Errors: what can be expected to fail comes back as a value (`StoreFault`, `Deferred`, `Reply`);
an exception through a port is a bug, answered 451 and logged with its traceback.
"""

from relay.model.ports.keeping import (
    Corrupt,
    Custody,
    KeyBacklog,
    NewEntry,
    NoCustody,
    Queue,
    QueueControl,
    Reports,
    Stale,
    StoreFault,
)
from relay.model.ports.learning import (
    LEARNED_REASONS,
    TALLIES_KEPT,
    TALLY_SLOT,
    FullMailboxes,
    Learned,
    Lesson,
    Lessons,
    Sendings,
    Sent,
    Subject,
    Tallies,
    Tally,
    Waiting,
    slot_of,
)
from relay.model.ports.mail import (
    MailParameters,
    Reception,
    Transaction,
    Withdraw,
)
from relay.model.ports.remembering import (
    History,
    Holds,
    Suppressed,
    Suppression,
    Trace,
    Verdicts,
    name_of_user,
)
from relay.model.ports.sending import (
    Attempting,
    Granted,
    QueueKey,
    Scheduler,
    Transport,
)

__all__ = [
    "LEARNED_REASONS",
    "TALLIES_KEPT",
    "TALLY_SLOT",
    "Attempting",
    "Corrupt",
    "Custody",
    "FullMailboxes",
    "Granted",
    "History",
    "Holds",
    "KeyBacklog",
    "Learned",
    "Lesson",
    "Lessons",
    "MailParameters",
    "NewEntry",
    "NoCustody",
    "Queue",
    "QueueControl",
    "QueueKey",
    "Reception",
    "Reports",
    "Scheduler",
    "Sendings",
    "Sent",
    "Stale",
    "StoreFault",
    "Subject",
    "Suppressed",
    "Suppression",
    "Tallies",
    "Tally",
    "Trace",
    "Transaction",
    "Transport",
    "Verdicts",
    "Waiting",
    "Withdraw",
    "name_of_user",
    "slot_of",
]
