"""An operator's look at the queue, and the words that change it, beside the relay that owns it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from stored import AT, KEY, a_content, later, new

from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.custody import EntryState
from relay.model.entry import Held, RequestState
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import Corrupt, QueueKey
from relay.model.reply import Reply
from relay.model.settings import Lane

NEWS = QueueKey("default", Lane.BULK, "news")
BUSY = Reply(451, "4.4.5", "SES is busy")


def changed(one, **changes):
    return replace(one, entry=replace(one.entry, **changes))


def with_message(one, **changes):
    return changed(one, message=replace(one.entry.message, **changes))


def held(one, reason="ask first"):
    return changed(one, held=Held(reason=reason))


def listed(typed, words=""):
    return [entry["id"] for entry in typed.run(f"queue list --json {words}").json]


def test_a_list_says_where_each_message_stands_and_why(typed):
    refused = new("b", due=later(600))
    refused = changed(
        refused, requests=(replace(refused.entry.requests[0], reply=BUSY),), attempts=3
    )
    typed.keep(new("a"), refused, held(new("c", NEWS)))
    typed.clock.advance(120)
    titles, *rows = typed.run("queue list").lines
    assert titles.split() == [
        *("ID", "AGE", "STATE", "USER", "SENDER", "RECIPIENTS", "SIZE", "TRIES", "NEXT", "WHY")
    ]
    assert rows[0].split()[:6] == [
        *("a", "2m", "waiting", "tickets", "alice@example.com", "r0@example.net")
    ]
    assert rows[1].split()[7:] == ["3", "in", "8m", *str(BUSY).split()]
    assert rows[2].split()[2:4] == ["held", "news"]
    assert rows[2].endswith("-  ask first")


def test_a_list_shows_the_scope_that_stopped_a_message(typed):
    typed.keep(changed(new("a"), waits_for=Scope(ScopeKind.USER, "tickets")))
    assert typed.run("queue list").out.endswith("user:tickets was held\n")


def test_mail_whose_route_is_not_configured_says_so_and_is_found_by_it(typed):
    typed.keep(new("a"), new("b", QueueKey("old", Lane.TRANSACTIONAL, "tickets")))
    assert listed(typed, "--route old") == ["b"]
    said = typed.run("queue list --route old").lines[1]
    assert said.endswith("route old is not in the configuration")
    shown = typed.run("queue show b").lines
    assert (
        "waits for:    route old is not in the configuration: configure it, or drop this" in shown
    )
    assert typed.run("queue drop --route old").code == 0
    assert listed(typed) == ["a"]


def test_many_recipients_are_counted_and_the_null_sender_is_shown(typed):
    several = new("a")
    recipients = several.entry.message.recipients * 3
    typed.keep(with_message(several, sender=None, recipients=recipients))
    assert "<>  r0@example.net +2" in " ".join(typed.run("queue list").lines[1].split("   "))


def test_an_empty_queue_is_no_fault(typed):
    typed.keep(new("a"))
    assert typed.run("queue drop a").code == 0
    assert typed.run("queue list").out == "the queue is empty\n"
    assert typed.run("queue list --user news").out == "no message fits\n"
    assert typed.run("queue summary").out == "the queue is empty\n"
    assert typed.run("queue list --json").json == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("--user news", ["b"]),
        ("--sender <>", ["b"]),
        ("--sender *@EXAMPLE.com", ["a", "c"]),
        ("--recipient *@elsewhere.example", ["c"]),
        ("--state held", ["c"]),
        ("--older-than 90s", ["a"]),
        ("--user tickets --state waiting", ["a"]),
        ("--limit 2", ["a", "b"]),
    ],
)
def test_filters_narrow_the_list(typed, words, found):
    elsewhere = replace(
        new("c").entry.message.recipients[0], address=Address("x", "elsewhere.example")
    )
    typed.keep(
        new("a"),
        with_message(new("b", NEWS), sender=None, received_at=later(60)),
        held(with_message(new("c"), received_at=later(61), recipients=(elsewhere,))),
    )
    typed.clock.advance(120)
    assert listed(typed, words) == found


def test_a_list_that_is_cut_says_so(typed):
    typed.keep(new("a"), new("b"))
    answer = typed.run("queue list --limit 1")
    assert answer.code == 0
    assert answer.err == "there are more than 1: narrow them down, or raise --limit\n"
    assert typed.run("queue list --limit 2").err == ""


def test_json_has_what_a_program_needs(typed):
    typed.keep(held(new("a")))
    (entry,) = typed.run("queue list --json").json
    assert entry["state"] == "held"
    assert entry["held"] == {"reason": "ask first", "until": None}
    assert entry["received_at"] == "2026-11-21T12:00:00Z"
    assert entry["recipients"] == ["r0@example.net"]
    assert entry["requests"][0]["state"] == "pending"


def test_show_tells_everything_of_one_message(typed):
    two = new("a", due=later(300))
    request = two.entry.requests[0]
    requests = (
        replace(request, state=RequestState.RELAYED, ses_message_id="0102-ses"),
        replace(request, number=2, reply=BUSY, not_before=later(300)),
    )
    typed.keep(changed(two, requests=requests, attempts=2))
    answer = typed.run("queue show a")
    assert answer.code == 0
    flat = [" ".join(line.split()) for line in answer.lines]
    assert "state: waiting" in flat
    assert "attempts: 2" in flat
    assert "next attempt: 2026-11-21T12:05:00Z (in 5m)" in flat
    assert "1 relayed r0@example.net 0102-ses" in flat
    assert "2 pending r0@example.net 2026-11-21T12:05:00Z 451 4.4.5 SES is busy" in flat
    assert flat[-1] == "Subject: about a"
    shown = typed.run("queue show a --json").json
    assert shown["header"] == ["Subject: about a"]
    assert [request["state"] for request in shown["requests"]] == ["relayed", "pending"]


def test_show_tells_of_a_hold_and_of_a_lifetime_that_stands_still(typed):
    one = changed(new("a"), held=Held(reason="ask", until=later(60)), paused_since=AT)
    typed.keep(changed(one, waits_for=Scope(ScopeKind.ROUTE, "default")))
    flat = [" ".join(line.split()) for line in typed.run("queue show a").lines]
    assert "held: ask (until 2026-11-21T12:01:00Z)" in flat
    assert "next attempt: when released" in flat
    assert "waits for: route:default, held at the last attempt" in flat
    assert "expires: 2026-11-25T12:00:00Z, stands still" in flat


def test_no_message_works_on_the_terminal(typed):
    one = new("a")
    content = Content((Field(b"Subject: \x1b]0;owned\x07 \xff\r\n"),), b"")
    typed.keep(replace(held(one, "odd \x1b[2J"), content=content))
    shown = typed.run("queue show a").out + typed.run("queue list").out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"Subject: \x1b]0;owned\x07 \xff" in shown
    assert r"odd \x1b[2J" in shown


def test_what_is_not_there_is_said_with_where_to_look(typed):
    typed.keep(new("a"))
    answer = typed.run("queue show zz")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == ("zz is not in the queue; `ses-relay trace zz` tells what became of it\n")


def test_the_summary_counts_by_age_state_and_user(typed):
    typed.keep(
        new("a"),
        held(with_message(new("b"), received_at=AT - timedelta(hours=2))),
        with_message(new("c", NEWS), received_at=AT - timedelta(hours=2), size=2048),
    )
    titles, *rows = [line.split() for line in typed.run("queue summary").lines]
    assert titles[2:] == ["0s-5m", "5m-1h", "1h-6h", "6h-1d", "1d-4d", ">4d", "MESSAGES", "SIZE"]
    assert [row[0] for row in rows] == ["news", "tickets", "tickets", "all"]
    assert rows[0] == ["news", "waiting", "1", "1", "2.0KiB"]
    assert rows[3][1:4] == ["1", "2", "3"]
    cells = typed.run("queue summary --json").json
    assert {(c["user"], c["state"], c["age"], c["messages"]) for c in cells} == {
        ("tickets", "waiting", 0, 1),
        ("tickets", "held", 3600, 1),
        ("news", "waiting", 3600, 1),
    }


def test_a_corrupt_message_is_shown_and_goes_when_it_is_named(typed):
    typed.keep(new("a"), new("b"))

    async def damage(stores):
        def work(connection):
            connection.execute("UPDATE entries SET progress = x'00' WHERE id = 'a'")

        await stores.shared.crew.writer.do(stores.owned.databases[0], work)
        return await stores.queue.claim({KEY: 2}, AT, later(60))

    claimed = typed.as_relay(damage)
    assert any(isinstance(one, Corrupt) for one in claimed)
    typed.clock.advance(600)
    row = next(line.split() for line in typed.run("queue list").lines if "corrupt" in line)
    assert row[:2] == ["a", "corrupt"]
    assert "cannot be read" in typed.run("queue show a").err
    assert typed.run("queue retry a").err.endswith("it can only be dropped\n")
    assert typed.run("queue drop --all").out == "1 message dropped\n"
    assert typed.run("queue drop a").out == "1 message dropped\n"
    assert typed.run("queue list").out == "the queue is empty\n"


@pytest.mark.parametrize("words", ["queue show a", "queue show a --json"])
def test_a_message_whose_content_is_damaged_is_shown_as_far_as_it_can_be_read(typed, words):
    typed.keep(new("a"))

    def work(connection):
        connection.execute("UPDATE messages SET content = x'00'")

    typed.as_relay(lambda stores: stores.shared.crew.writer.do(stores.owned.databases[0], work))
    answer = typed.run(words)
    assert answer.code == 1
    assert "alice@example.com" in answer.out
    assert answer.err.startswith("a cannot be read: ")
    assert answer.err.endswith("; `ses-relay queue drop a` throws it away\n")


@pytest.mark.parametrize("verb", ["retry", "hold", "release", "drop"])
def test_a_word_that_names_nothing_is_refused(typed, verb):
    typed.keep(new("a"))
    before = typed.find("a")
    answer = typed.run(f"queue {verb}")
    assert answer.code == 2
    assert answer.err == (
        f"queue {verb}: no message is named; give queue ids, filters such as --user NAME, "
        "or --all for every message\n"
    )
    assert typed.find("a") == before


@pytest.mark.parametrize("words", ["a --user tickets", "a --all", "--user tickets --all"])
def test_ids_filters_and_all_exclude_each_other(typed, words):
    typed.keep(new("a"))
    answer = typed.run(f"queue drop {words}")
    assert answer.code == 2
    assert "exclude each other" in answer.err
    assert typed.find("a") is not None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--older-than soon", "--older-than soon: is not a duration; write a number with its unit"),
        ("--sender nobody", "--sender nobody: is not an address pattern; write"),
        ("--recipient example.org", '--recipient example.org: has no @; write "*@example.org"'),
        ("--state lost", "waiting"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_with_the_fix(typed, words, says):
    typed.keep(new("a"))
    answer = typed.run(f"queue drop {words}")
    assert answer.code == 2
    assert says in answer.err
    assert typed.find("a") is not None


def test_retry_makes_waiting_messages_due(typed):
    typed.keep(new("a", due=later(900)), new("b", NEWS, due=later(900)))
    answer = typed.run("queue retry --user tickets")
    assert (answer.code, answer.out) == (0, "1 message due now\n")
    assert typed.find("a").next_attempt_at == typed.clock.now()
    assert typed.find("b").next_attempt_at == later(900)


def test_hold_release_and_drop_do_what_they_say_and_are_remembered(typed):
    typed.keep(new("a"), new("b"))
    assert typed.run("queue", "hold", "a", "--reason", "twice").out == "1 message held\n"
    assert typed.find("a").held == Held(reason="twice")
    assert listed(typed, "--state held") == ["a"]
    assert typed.run("queue release --all").out == "1 message released\n"
    assert typed.find("a").held is None
    assert typed.run("queue drop a").out == "1 message dropped\n"
    assert typed.find("a") is None
    assert typed.find("b") is not None
    life = typed.run("trace a --json").json["events"]
    assert [(event["event"], event["reason"]) for event in life] == [
        ("message.held", "twice"),
        ("message.released", "released by an operator"),
        ("message.discarded", "dropped by an operator"),
    ]


def test_each_id_that_was_not_changed_is_answered(typed):
    typed.keep(new("a", due=later(60)), held(new("b")))
    answer = typed.run("queue retry a b zz")
    assert answer.code == 1
    assert answer.out == "1 message due now\n"
    assert answer.err.splitlines() == [
        "b is held; `ses-relay queue release b` lets it go",
        "zz is not in the queue; `ses-relay trace zz` tells what became of it",
    ]
    answer = typed.run("queue retry a")
    assert (answer.code, answer.err) == (1, "a is due already; it goes when its turn comes\n")
    answer = typed.run("queue release a --json")
    assert answer.code == 1
    assert answer.json["changed"] == []
    assert answer.json["unchanged"] == {"a": "a is not held; `ses-relay queue show a` shows it"}


async def test_the_verbs_work_while_a_relay_owns_the_folder(typed):
    stores = await typed.opened()
    try:
        await stores.queue.put([new("a"), new("b", due=later(60))])
        await stores.queue.claim({KEY: 1}, AT, later(600))
        answer = await asyncio.to_thread(typed.run, "queue hold a b")
        assert answer.code == 1
        assert answer.out == "1 message held\n"
        assert "an attempt is under way: a; try again in a moment" in answer.err
        # What the command wrote is what the relay sees.
        found = await stores.shared.control.find("b")
        assert EntryState.of(found, AT) is EntryState.HELD
        assert await stores.queue.claim({KEY: 2}, later(120), later(600)) == []
    finally:
        await stores.close()


@pytest.mark.parametrize(
    "words", ["queue list", "queue summary", "hold --list", "trace a", "suppression list"]
)
def test_without_a_store_there_is_a_reason_and_a_fix(typed, words):
    answer = typed.run(words)
    assert answer.code == 1
    assert f"no relay has kept anything in {typed.store} yet; start" in answer.err
    typed.config.write_text(typed.config.read_text().replace("sqlite:///store", "none"))
    answer = typed.run(words)
    assert answer.code == 2
    assert answer.err == (
        "queue.store: none keeps nothing; write sqlite:///FOLDER or postgresql://… to use this"
        " verb\n"
    )


def test_a_folder_that_is_no_store_is_a_fault_of_one_line(typed):
    typed.store.mkdir()
    (typed.store / "state.db").write_bytes(b"no database at all" * 100)
    answer = typed.run("queue list")
    assert answer.code == 1
    assert answer.err.startswith("queue.store: state.db: ")
    assert len(answer.err.splitlines()) == 1


def test_content_is_kept_apart_from_what_is_listed(typed):
    typed.keep(replace(new("a"), content=a_content("other")))
    assert typed.run("queue show a --json").json["header"] == ["Subject: about other"]
