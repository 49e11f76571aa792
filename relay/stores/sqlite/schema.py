"""Schema versions: a list of steps, of which `user_version` counts those taken.

A step, once released, is never edited; a change is a new step at the end of the list.

Errors: `sqlite3.DatabaseError` with a sentence for the operator where a file is of another program
or of a newer relay.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

Step = Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Schema:
    """What one kind of file holds: its mark (`application_id`) and the steps that build it."""

    mark: int
    steps: tuple[Step, ...]

    def refuse_others(self, connection: sqlite3.Connection) -> None:
        """Refuse another program's file and a newer relay's, before anything is changed."""
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        if mark != self.mark and (
            mark or connection.execute("PRAGMA schema_version").fetchone()[0]
        ):
            raise sqlite3.DatabaseError("this is not a database of the relay; move it away")
        version = _version(connection)
        if version > len(self.steps):
            raise sqlite3.DatabaseError(
                f"schema {version} is newer than this relay's {len(self.steps)}; "
                "run the newer relay, or give it another folder"
            )

    def migrate(self, connection: sqlite3.Connection) -> None:
        """Take the steps that are missing, all of them or none."""
        if _version(connection) == len(self.steps):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            done = _version(connection)  # another process may have been quicker
            for step in self.steps[done:]:
                step(connection)
            connection.execute(f"PRAGMA application_id = {self.mark}")
            connection.execute(f"PRAGMA user_version = {len(self.steps)}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def require(self, connection: sqlite3.Connection) -> None:
        """Refuse a file whose steps are not all taken."""
        version = _version(connection)
        if version != len(self.steps):
            raise sqlite3.DatabaseError(
                f"schema {version} is older than this relay's {len(self.steps)}; "
                "start the relay once to bring it up to date"
            )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _queue_1(connection: sqlite3.Connection) -> None:
    for statement in (
        # Counts are kept, not counted: a scan of a million rows has no place in a metrics scrape.
        """CREATE TABLE keys (
            key INTEGER PRIMARY KEY,
            route TEXT NOT NULL, lane TEXT NOT NULL, user TEXT NOT NULL,
            waiting INTEGER NOT NULL, leased INTEGER NOT NULL, held INTEGER NOT NULL,
            octets INTEGER NOT NULL,
            UNIQUE (route, lane, user)
        ) STRICT""",
        # ready_at: when it can be claimed, whatever keeps it till then: backoff, lease or hold.
        # busy: leased or in flight; what a new owner has to look at. Times: microseconds.
        """CREATE TABLE entries (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            key INTEGER NOT NULL,
            version INTEGER NOT NULL,
            ready_at INTEGER NOT NULL,
            lease_until INTEGER,
            held INTEGER NOT NULL,
            busy INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            size INTEGER NOT NULL,
            progress BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX entries_ready ON entries (key, ready_at)",
        "CREATE INDEX entries_busy ON entries (busy) WHERE busy",
        # What never changes, apart, so that a claim or a record moves little. `content` is the
        # last column, because a row is read up to the column asked for; NULL: it is in `file`.
        """CREATE TABLE messages (
            seq INTEGER PRIMARY KEY,
            message BLOB NOT NULL,
            file TEXT,
            content BLOB
        ) STRICT""",
        "CREATE INDEX messages_file ON messages (file) WHERE file IS NOT NULL",
        """CREATE TABLE corrupt (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            reason TEXT NOT NULL,
            found_at INTEGER NOT NULL,
            progress ANY, message ANY, file TEXT, content ANY
        ) STRICT""",
        "CREATE INDEX corrupt_id ON corrupt (id)",
    ):
        connection.execute(statement)


def _queue_2(connection: sqlite3.Connection) -> None:
    """Let the file keep its counts itself: one step of the database less for each change."""
    for statement in (
        """CREATE TRIGGER entries_come AFTER INSERT ON entries BEGIN
            UPDATE keys SET
                waiting = waiting + (NEW.lease_until IS NULL AND NOT NEW.held),
                leased = leased + (NEW.lease_until IS NOT NULL),
                held = held + (NEW.lease_until IS NULL AND NEW.held),
                octets = octets + NEW.size
            WHERE key = NEW.key;
        END""",
        """CREATE TRIGGER entries_go AFTER DELETE ON entries BEGIN
            UPDATE keys SET
                waiting = waiting - (OLD.lease_until IS NULL AND NOT OLD.held),
                leased = leased - (OLD.lease_until IS NOT NULL),
                held = held - (OLD.lease_until IS NULL AND OLD.held),
                octets = octets - OLD.size
            WHERE key = OLD.key;
        END""",
        """CREATE TRIGGER entries_move AFTER UPDATE OF lease_until, held ON entries
        WHEN (OLD.lease_until IS NULL) <> (NEW.lease_until IS NULL) OR OLD.held <> NEW.held BEGIN
            UPDATE keys SET
                waiting = waiting - (OLD.lease_until IS NULL AND NOT OLD.held)
                    + (NEW.lease_until IS NULL AND NOT NEW.held),
                leased = leased - (OLD.lease_until IS NOT NULL) + (NEW.lease_until IS NOT NULL),
                held = held - (OLD.lease_until IS NULL AND OLD.held)
                    + (NEW.lease_until IS NULL AND NEW.held)
            WHERE key = NEW.key;
        END""",
    ):
        connection.execute(statement)


def _state_1(connection: sqlite3.Connection) -> None:
    for statement in (
        # `print` is a hash of the address, by which the list fits into memory; `seq` grows with
        # each change, so that other processes find what is new.
        """CREATE TABLE suppressed (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            address TEXT NOT NULL UNIQUE,
            print INTEGER NOT NULL,
            reason TEXT NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER,
            note TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE holds (
            kind TEXT NOT NULL, name TEXT NOT NULL, route TEXT NOT NULL,
            reason TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER,
            PRIMARY KEY (kind, name, route)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE verdicts (
            print BLOB PRIMARY KEY, reply BLOB NOT NULL, until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX verdicts_until ON verdicts (until)",
    ):
        connection.execute(statement)


def _state_2(connection: sqlite3.Connection) -> None:
    """Make room for what events teach."""
    for statement in (
        # Events that were taken in, so that each counts once however often it comes.
        "CREATE TABLE learned (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE INDEX learned_at ON learned (at)",
        """CREATE TABLE full_mailboxes (
            address TEXT NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL,
            PRIMARY KEY (address, at, key)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX full_mailboxes_at ON full_mailboxes (at)",
        """CREATE TABLE waiting (
            key TEXT PRIMARY KEY,
            event TEXT NOT NULL,
            first_seen INTEGER NOT NULL,
            look_at INTEGER NOT NULL,
            looks INTEGER NOT NULL,
            counted INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX waiting_look_at ON waiting (look_at)",
        """CREATE TABLE tallies (
            subject TEXT NOT NULL, name TEXT NOT NULL, slot INTEGER NOT NULL,
            relayed INTEGER NOT NULL, bounced INTEGER NOT NULL, complained INTEGER NOT NULL,
            PRIMARY KEY (slot, subject, name)
        ) STRICT, WITHOUT ROWID""",
    ):
        connection.execute(statement)


def _state_3(connection: sqlite3.Connection) -> None:
    """Count messages beside recipients."""
    connection.execute("ALTER TABLE tallies ADD COLUMN messages INTEGER NOT NULL DEFAULT 0")


def _state_4(connection: sqlite3.Connection) -> None:
    """Make room for the mirrors of accounts' suppression lists."""
    for statement in (
        """CREATE TABLE account_lists (
            name TEXT PRIMARY KEY,
            look_at INTEGER NOT NULL DEFAULT 0,
            read_at INTEGER, whole_at INTEGER,
            pages INTEGER NOT NULL DEFAULT 0,
            put_upto INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID""",
        # updated: by SES's clock, 0: it was not seen there. seen: the begin of the last reading
        # that showed it. removed: when it was taken off our list. written: when we last put it
        # there, or took it off.
        """CREATE TABLE account_listed (
            list TEXT NOT NULL, address TEXT NOT NULL,
            reason TEXT NOT NULL, updated INTEGER NOT NULL,
            seen INTEGER NOT NULL, removed INTEGER, written INTEGER,
            PRIMARY KEY (list, address)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX account_listed_address ON account_listed (address)",
        "CREATE INDEX account_listed_removed ON account_listed (list) WHERE removed IS NOT NULL",
    ):
        connection.execute(statement)


def _state_5(connection: sqlite3.Connection) -> None:
    """Make room for who has sent by which account."""
    for statement in (
        """CREATE TABLE senders (
            account TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (account, name)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX senders_at ON senders (at)",
    ):
        connection.execute(statement)


def _state_6(connection: sqlite3.Connection) -> None:
    """Let the processes of a folder divide the rates of their accounts."""
    for statement in (
        # Times of this table: microseconds of the monotonic clock, which all processes have alike.
        """CREATE TABLE members (
            account TEXT NOT NULL, member TEXT NOT NULL,
            bound REAL NOT NULL, floor REAL NOT NULL, want REAL NOT NULL,
            counted INTEGER NOT NULL, renewed_at INTEGER NOT NULL, ends_at INTEGER NOT NULL,
            PRIMARY KEY (account, member)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE accounts (
            account TEXT PRIMARY KEY,
            peak REAL, slowed_at INTEGER,
            state BLOB, seen_at INTEGER
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE days (
            account TEXT NOT NULL, slot INTEGER NOT NULL, recipients INTEGER NOT NULL,
            PRIMARY KEY (account, slot)
        ) STRICT, WITHOUT ROWID""",
    ):
        connection.execute(statement)


def _history_1(connection: sqlite3.Connection) -> None:
    for statement in (
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            event TEXT NOT NULL,
            message TEXT NOT NULL,
            facts BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX events_message ON events (message, seq)",
        # Every name a message is asked for by leads to it; the events are found from there.
        """CREATE TABLE names (
            seq INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            message TEXT NOT NULL,
            at INTEGER NOT NULL,
            UNIQUE (name, message)
        ) STRICT""",
    ):
        connection.execute(statement)


def _state_7(connection: sqlite3.Connection) -> None:
    """Count what is billed and says nothing of a user."""
    connection.execute("ALTER TABLE tallies ADD COLUMN simulated INTEGER NOT NULL DEFAULT 0")


QUEUE = Schema(mark=0x53455351, steps=(_queue_1, _queue_2))
STATE = Schema(
    mark=0x53455354,
    steps=(_state_1, _state_2, _state_3, _state_4, _state_5, _state_6, _state_7),
)
HISTORY = Schema(mark=0x53455348, steps=(_history_1,))
