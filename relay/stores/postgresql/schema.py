"""The tables, built by steps that run while relays of an older version serve.

A step, once released, is never edited; a change is a new step at the end. A step only adds, so that
older relays go on working; one that they cannot work beside says so by `OLDEST`. All steps that are
missing are taken in one transaction under an advisory lock, so that nodes that start together take
them once.

Times are microseconds since 1970. What a node says it says by its own clock; whether a lease has
ended is told by the server's, the same for all nodes.

Errors: `UnfitError` with a sentence for the operator.
"""

from relay.stores.postgresql.database import Connection

_LOCK = 0x53455352  # advisory: schema steps

_STEP_1 = """
CREATE FUNCTION ses_relay.clock() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

CREATE TABLE ses_relay.nodes (
    name text PRIMARY KEY,
    server_started double precision NOT NULL,  -- of the server that saw it last
    released boolean NOT NULL
);

CREATE TABLE ses_relay.keys (
    key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route text NOT NULL, lane text NOT NULL, "user" text NOT NULL,
    UNIQUE (route, lane, "user")
);

-- due_at: backoff and hold, by the clocks of nodes; lease_until: by the server's.
CREATE TABLE ses_relay.entries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL CONSTRAINT entry_id_unique UNIQUE,
    key integer NOT NULL,
    version bigint NOT NULL,
    due_at bigint NOT NULL,
    lease_until bigint,
    lease_node text,
    lease_claim bigint,  -- until the claimant has recorded something
    held boolean NOT NULL,
    received_at bigint NOT NULL,
    size bigint NOT NULL,
    progress bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX entries_waiting ON ses_relay.entries (key, due_at, seq) WHERE lease_until IS NULL;
CREATE INDEX entries_leased ON ses_relay.entries (key, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX entries_held ON ses_relay.entries (key, due_at) WHERE held AND lease_until IS NULL;

-- What never changes, apart, so that a claim or a record writes little. A content that is NULL
-- stands in pieces.
CREATE TABLE ses_relay.messages (seq bigint PRIMARY KEY, message bytea NOT NULL, content bytea);
ALTER TABLE ses_relay.messages ALTER content SET STORAGE EXTERNAL;
CREATE TABLE ses_relay.pieces (
    seq bigint NOT NULL, number integer NOT NULL, octets bytea NOT NULL, PRIMARY KEY (seq, number)
);
ALTER TABLE ses_relay.pieces ALTER octets SET STORAGE EXTERNAL;
CREATE TABLE ses_relay.corrupt (
    seq bigint PRIMARY KEY,
    id text NOT NULL, reason text NOT NULL, found_at bigint NOT NULL,
    progress bytea, message bytea, content bytea
);
CREATE INDEX corrupt_id ON ses_relay.corrupt (id);

-- How much is kept under each key. A row that all transactions change would make each wait for the
-- others' commits, so each writes what it changed into the ledger, and now and then somebody adds
-- the ledger to the counts.
CREATE TABLE ses_relay.counts (
    key integer PRIMARY KEY,
    waiting bigint NOT NULL, leased bigint NOT NULL, held bigint NOT NULL, octets bigint NOT NULL
);
CREATE TABLE ses_relay.ledger (
    key integer NOT NULL,
    waiting bigint NOT NULL, leased bigint NOT NULL, held bigint NOT NULL, octets bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE FUNCTION ses_relay.book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO ses_relay.ledger
        SELECT key, count(*) FILTER (WHERE lease_until IS NULL AND NOT held),
            count(*) FILTER (WHERE lease_until IS NOT NULL),
            count(*) FILTER (WHERE lease_until IS NULL AND held), sum(size)
        FROM after GROUP BY key;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO ses_relay.ledger
        SELECT key, -count(*) FILTER (WHERE lease_until IS NULL AND NOT held),
            -count(*) FILTER (WHERE lease_until IS NOT NULL),
            -count(*) FILTER (WHERE lease_until IS NULL AND held), -sum(size)
        FROM before GROUP BY key;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_in AFTER INSERT ON ses_relay.entries REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION ses_relay.book();
CREATE TRIGGER entries_out AFTER DELETE ON ses_relay.entries REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION ses_relay.book();
CREATE TRIGGER entries_moved AFTER UPDATE ON ses_relay.entries
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION ses_relay.book();

-- `print` is a hash of the address, by which the list fits into memory; `seq` grows with each
-- change, so that other nodes find what is new.
CREATE TABLE ses_relay.suppressed (
    address text COLLATE "C" PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    print bigint NOT NULL,
    reason text NOT NULL, since bigint NOT NULL, until bigint, note text NOT NULL
);
CREATE INDEX suppressed_seq ON ses_relay.suppressed (seq);
CREATE TABLE ses_relay.holds (
    kind text, name text, route text,
    reason text NOT NULL, since bigint NOT NULL, until bigint,
    PRIMARY KEY (kind, name, route)
);
CREATE TABLE ses_relay.verdicts (print bytea PRIMARY KEY, reply bytea NOT NULL, until bigint);
CREATE INDEX verdicts_until ON ses_relay.verdicts (until);
CREATE TABLE ses_relay.learned (key text PRIMARY KEY, at bigint NOT NULL);
CREATE INDEX learned_at ON ses_relay.learned (at);
CREATE TABLE ses_relay.full_mailboxes (
    address text, at bigint, key text, PRIMARY KEY (address, at, key)
);
CREATE INDEX full_mailboxes_at ON ses_relay.full_mailboxes (at);
CREATE TABLE ses_relay.waiting (
    key text PRIMARY KEY,
    event text NOT NULL, first_seen bigint NOT NULL,
    look_at bigint NOT NULL, looks integer NOT NULL, counted boolean NOT NULL
);
CREATE INDEX waiting_look_at ON ses_relay.waiting (look_at);
CREATE TABLE ses_relay.tallies (
    slot bigint, subject text, name text,
    relayed bigint NOT NULL, bounced bigint NOT NULL, complained bigint NOT NULL,
    PRIMARY KEY (slot, subject, name)
);

CREATE TABLE ses_relay.events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL, event text NOT NULL, message text NOT NULL, facts bytea NOT NULL
);
CREATE INDEX events_message ON ses_relay.events (message, seq);
CREATE INDEX events_at ON ses_relay.events (at);
-- Every name a message is asked for by leads to it; the events are found from there.
CREATE TABLE ses_relay.names (
    name text, message text, at bigint NOT NULL, PRIMARY KEY (name, message)
);
CREATE INDEX names_newest ON ses_relay.names (name, at);
CREATE INDEX names_at ON ses_relay.names (at);
"""

# Relays that do not know the column add nothing to it.
_STEP_2 = "ALTER TABLE ses_relay.tallies ADD COLUMN messages bigint NOT NULL DEFAULT 0"

# Relays that do not know the mirrors leave them as they are: what they take off our list is not
# taken off an account's.
_STEP_3 = """
CREATE TABLE ses_relay.account_lists (
    name text PRIMARY KEY,
    look_at bigint NOT NULL DEFAULT 0,
    read_at bigint, whole_at bigint,
    pages integer NOT NULL DEFAULT 0,
    put_upto bigint NOT NULL DEFAULT 0
);
-- updated: by SES's clock, 0: it was not seen there. seen: the begin of the last reading that
-- showed it. removed: when it was taken off our list. written: when we last put it there, or took
-- it off.
CREATE TABLE ses_relay.account_listed (
    list text, address text COLLATE "C",
    reason text NOT NULL, updated bigint NOT NULL,
    seen bigint NOT NULL, removed bigint, written bigint,
    PRIMARY KEY (list, address)
);
CREATE INDEX account_listed_address ON ses_relay.account_listed (address);
CREATE INDEX account_listed_removed ON ses_relay.account_listed (list) WHERE removed IS NOT NULL;
"""

# Who has sent by which account.
_STEP_4 = """
CREATE TABLE ses_relay.senders (
    account text, name text COLLATE "C", at bigint NOT NULL, PRIMARY KEY (account, name)
);
CREATE INDEX senders_at ON ses_relay.senders (at);
"""

# A page of a long queue is read from here, without sorting all of it.
_STEP_5 = "CREATE INDEX entries_oldest ON ses_relay.entries (received_at, seq)"

# How the accounts' rates are shared; older relays take what they take.
_STEP_6 = """
CREATE TABLE ses_relay.members (
    account text, member text,
    bound double precision NOT NULL, floor double precision NOT NULL,
    want double precision NOT NULL, counted bigint NOT NULL,
    ends_at bigint NOT NULL,  -- by the server's clock, as all times of these tables
    PRIMARY KEY (account, member)
) WITH (fillfactor = 50);
CREATE TABLE ses_relay.accounts (
    account text PRIMARY KEY, peak double precision, slowed_at bigint, state bytea, seen_at bigint
) WITH (fillfactor = 50);
CREATE TABLE ses_relay.days (
    account text, slot bigint, recipients bigint NOT NULL, PRIMARY KEY (account, slot)
) WITH (fillfactor = 50);
"""

# Relays that do not know the column add nothing to it.
_STEP_7 = "ALTER TABLE ses_relay.tallies ADD COLUMN simulated bigint NOT NULL DEFAULT 0"

STEPS = (_STEP_1, _STEP_2, _STEP_3, _STEP_4, _STEP_5, _STEP_6, _STEP_7)
OLDEST = 1  # the fewest steps a relay must know of to work beside one that has taken all of these


class UnfitError(Exception):
    """The database is not what it should be; the text says what and what to do."""


async def migrate(connection: Connection) -> None:
    """Take the steps that are missing, all of them or none; within a transaction."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    found = await _found(connection)
    if found is None:
        await connection.execute(
            "CREATE SCHEMA IF NOT EXISTS ses_relay;"
            "CREATE TABLE ses_relay.version (steps integer NOT NULL, oldest integer NOT NULL);"
            "INSERT INTO ses_relay.version VALUES (0, 0)"
        )
    done, oldest = found or (0, 0)
    for step in STEPS[done:]:
        await connection.execute(step)
    if done < len(STEPS):
        await connection.execute(
            "UPDATE ses_relay.version SET steps = $1, oldest = $2", len(STEPS), max(oldest, OLDEST)
        )
    await require(connection)


async def require(connection: Connection) -> None:
    """Refuse a database that this relay cannot work with."""
    found = await _found(connection)
    if found is None:
        raise UnfitError("no relay has kept anything in this database yet; start the relay once")
    done, oldest = found
    if done < len(STEPS):
        raise UnfitError(
            f"schema {done} is older than this relay's {len(STEPS)}; "
            "start the relay once to bring it up to date"
        )
    if oldest > len(STEPS):
        raise UnfitError(
            f"schema {done} needs a relay that knows {oldest}, and this one knows {len(STEPS)}; "
            "run the newer relay"
        )


async def _found(connection: Connection) -> tuple[int, int] | None:
    known = await connection.fetchrow("SELECT to_regclass('ses_relay.version') IS NOT NULL")
    if known is None or not known[0]:
        return None
    row = await connection.fetchrow("SELECT steps, oldest FROM ses_relay.version")
    return None if row is None else (row[0], row[1])
