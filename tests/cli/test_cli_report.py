"""What each user sent, what came back of it, and what it costs."""

import pytest
from fakes import START
from stored import later

from relay.model.ports import Subject, Tally

HOUR = 3_600.0


def tally(name, hours, subject=Subject.USER, **counted):
    return Tally(subject=subject, name=name, slot=later(hours * HOUR), **counted)


@pytest.fixture
def month(typed):
    """A month of two users; `later` counts from now."""
    typed.as_relay(
        lambda stores: stores.shared.tallies.add(
            [
                tally("tickets", -1, messages=100, relayed=120, bounced=3),
                tally("tickets", -2, messages=50, relayed=80, bounced=1, complained=1),
                tally("tickets", -48, messages=7, relayed=7),
                tally("news", -24, messages=2, relayed=1_000, bounced=25),
                tally("default", -1, Subject.ROUTE, messages=102, relayed=1_120),
            ]
        )
    )
    return typed


def test_each_user_of_the_last_day_and_all_together(month):
    answer = month.run("report")
    assert (answer.code, answer.err) == (0, "")
    *table, last = answer.lines
    assert [line.split() for line in table] == [
        ["USER", "MESSAGES", "RECIPIENTS", "BOUNCED", "RATE", "COMPLAINED", "RATE", "COST"],
        ["news", "2", "1000", "25", "2.50%", "0", "0.00%", "$0.1000"],
        ["tickets", "150", "200", "4", "2.00%", "1", "0.50%", "$0.0200"],
        ["all", "152", "1200", "29", "2.42%", "1", "0.08%", "$0.1200"],
    ]
    assert last == "since 2026-11-20T12:00:00Z, at $0.10 for 1000 recipients"


def test_programs_get_the_same_as_json(month):
    shown = month.run("report --since 3h --price 0.16 --json").json
    tickets = {
        "messages": 150,
        "recipients": 200,
        "bounced": 4,
        "bounce_ratio": 0.02,
        "complained": 1,
        "complaint_ratio": 0.005,
        "estimated_cost_dollars": 0.032,
    }
    assert shown == {
        "since": "2026-11-21T09:00:00Z",
        "dollars_per_1000_recipients": 0.16,
        "users": [{"user": "tickets", **tickets}],
        "total": tickets,
    }


def test_the_configuration_says_the_price(month):
    month.config.write_text(month.config.read_text() + "prices: {per_thousand_recipients: 0.16}\n")
    assert month.run("report --json").json["total"]["estimated_cost_dollars"] == 0.192
    *_, last = month.run("report").lines
    assert last.endswith("at $0.16 for 1000 recipients")
    assert month.run("report --price 0 --json").json["total"]["estimated_cost_dollars"] == 0


def test_mail_to_the_mailbox_simulator_costs_what_other_mail_costs(typed):
    typed.as_relay(
        lambda stores: stores.shared.tallies.add(
            [tally("tickets", -1, messages=2, relayed=1_000, simulated=500)]
        )
    )
    [user] = typed.run("report --json").json["users"]
    assert (user["recipients"], user["estimated_cost_dollars"]) == (1_000, 0.15)
    assert typed.run("report").lines[1].split()[-1] == "$0.1500"


def test_routes_and_tags_are_summed_up_likewise(month):
    month.as_relay(
        lambda stores: stores.shared.tallies.add(
            [
                tally("app=shop", -1, Subject.TAG, messages=3, relayed=30, bounced=3),
                tally("app=tickets", -1, Subject.TAG, messages=1, relayed=1),
            ]
        )
    )
    assert month.run("report --by route").lines[0].split()[0] == "ROUTE"
    shown = month.run("report --by route --json").json
    assert [(one["route"], one["recipients"]) for one in shown["routes"]] == [("default", 1_120)]
    assert shown["total"]["recipients"] == 1_120
    shown = month.run("report --by tag --json").json
    assert [(one["tag"], one["bounce_ratio"]) for one in shown["tags"]] == [
        ("app=shop", 0.1),
        ("app=tickets", 0.0),
    ]
    assert shown["total"] is None
    assert len(month.run("report --by tag").lines) == 4  # no line of all
    assert month.run("report --by day").code == 2


def test_a_report_forgets_nothing(month):
    assert month.run("report --since 1h").code == 0
    (_, tickets, *_) = month.run("report --since 30d").lines[1:]
    assert tickets.split()[:3] == ["tickets", "157", "207"]


def test_a_time_within_a_slot_takes_the_whole_slot_in(month):
    month.clock.advance(599)
    assert month.run("report --since 24h --json").json["since"] == "2026-11-20T12:00:00Z"
    month.clock.advance(1)
    assert month.run("report --since 24h --json").json["since"] == "2026-11-20T12:10:00Z"


def test_of_nothing_sent_there_is_no_rate(typed):
    typed.as_relay(lambda stores: stores.shared.tallies.add([tally("news", 0, bounced=1)]))
    assert typed.run("report").lines[1].split() == ["news", "0", "0", "1", "-", "0", "-", "$0.0000"]
    assert typed.run("report --json").json["total"]["bounce_ratio"] is None


def test_when_nothing_was_sent_it_says_so(typed):
    typed.keep()
    assert typed.run("report").lines == [
        "nothing was relayed since 2026-11-20T12:00:00Z; counts may be ten seconds old"
    ]
    assert typed.run("report --json").json["users"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--since 31d", "--since 31d: the counts go back 30d; write 30d or less\n"),
        ("--since yesterday", "--since yesterday: "),
    ],
)
def test_a_time_that_cannot_be_looked_back_on_is_wrong_usage(month, words, said):
    answer = month.run(f"report {words}")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(said)


def test_the_clock_of_these_tests_stands_at_the_edge_of_a_slot():
    assert later(0) == START
