"""One message's life is found by each of its names."""

import pytest
from fakes import START
from stored import later, new

MESSAGE_ID = "<weekly.7@app.example.com>"


@pytest.fixture(autouse=True)
def life(typed):
    """Two messages; the first has been relayed, the second waits."""

    async def noted(stores):
        await stores.queue.put([new("q2")])
        note = stores.shared.history.note
        first = {"queue_id": "q1", "session_id": "s1", "user": "tickets", "message_id": MESSAGE_ID}
        note("message.received", START, {**first, "recipients": ["bob@example.org"]})
        note(
            "message.relayed",
            later(1),
            {
                "queue_id": "q1",
                "recipients": ["bob@example.org"],
                "ses_message_id": "0102018f-x",
                "attempt": 1,
            },
        )
        note("message.deferred", later(2), {"queue_id": "q2", "reply": "451 4.4.5 \x1b[2J"})

    typed.as_relay(noted)


@pytest.mark.parametrize(
    "what",
    [
        "q1",
        "0102018f-x",
        "<0102018f-x@eu-west-1.amazonses.com>",
        MESSAGE_ID,
        MESSAGE_ID.strip("<>"),
        "Bob@Example.org",
    ],
)
def test_a_message_is_found_by_each_of_its_names(typed, what):
    answer = typed.run("trace", what)
    assert answer.code == 0
    _, *rows = [line.split() for line in answer.lines]
    assert [row[:3] for row in rows] == [
        ["2026-11-21T12:00:00.000Z", "q1", "message.received"],
        ["2026-11-21T12:00:01.000Z", "q1", "message.relayed"],
    ]
    assert rows[1][3:] == ["recipients=bob@example.org", "ses_message_id=0102018f-x", "attempt=1"]


def test_what_is_still_in_the_queue_says_so(typed):
    answer = typed.run("trace q2")
    assert answer.lines[-1] == "q2 is in the queue: see `ses-relay queue show q2`"
    assert r"reply=451 4.4.5 \x1b[2J" in answer.out
    shown = typed.run("trace q2 --json").json
    assert [entry["id"] for entry in shown["kept"]] == ["q2"]
    assert shown["events"][0]["event"] == "message.deferred"


def test_a_kept_message_is_found_though_its_history_was_lost(typed):
    typed.keep(new("q3"))
    answer = typed.run("trace q3")
    assert (answer.code, answer.lines) == (
        0,
        ["q3 is in the queue: see `ses-relay queue show q3`"],
    )


def test_what_nobody_knows_is_a_fault(typed):
    answer = typed.run("trace nobody@example.org")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "nothing is known of nobody@example.org: give a queue id, an SES MessageId, a Message-ID "
        "or a recipient; the history goes back 30d\n"
    )


def test_a_life_that_is_cut_says_so(typed):
    answer = typed.run("trace q1 --limit 1")
    assert answer.err == "there may be more than 1 events: raise --limit\n"
