"""Whole scopes held and released by a word that outlives the relay."""

import asyncio

import pytest
from fakes import START
from stored import new

from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind

USER = Scope(ScopeKind.USER, "tickets")


def holds(typed):
    found = typed.as_relay(lambda stores: stores.shared.holds.holds(typed.clock.now()))
    return {hold.scope: hold.held for hold in found}


@pytest.fixture(autouse=True)
def folder(typed):
    typed.keep(new("a"))


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ("--user tickets", USER),
        ("--user -", Scope(ScopeKind.USER, "-")),
        ("--route default", Scope(ScopeKind.ROUTE, "default")),
        ("--identity Example.COM", Scope(ScopeKind.IDENTITY, "example.com")),
        ("--identity Bob@Example.COM", Scope(ScopeKind.IDENTITY, "Bob@example.com")),
    ],
)
def test_a_scope_is_held_and_released(typed, words, scope):
    assert typed.run(f"hold {words}").code == 0
    assert holds(typed) == {scope: Held(reason="held by an operator")}
    assert typed.run(f"release {words}").out == f"{scope} is released\n"
    assert holds(typed) == {}


def test_a_hold_has_a_reason_and_an_end(typed):
    answer = typed.run("hold", "--user", "tickets", "--reason", "wrong links", "--for", "2h")
    assert answer.out == "user:tickets is held until 2026-11-21T14:00:00Z\n"
    titles, row = typed.run("hold --list").lines
    assert titles.split() == ["KIND", "NAME", "ROUTE", "SINCE", "UNTIL", "REASON"]
    assert row.split() == [
        *("user", "tickets", "2026-11-21T12:00:00Z", "2026-11-21T14:00:00Z", "wrong", "links")
    ]
    typed.clock.advance(7200)
    assert typed.run("hold --list").out == "no user, route or identity is held\n"


def test_the_list_has_the_breakers_holds_and_counts_single_messages(typed):
    hold = ScopeHold(
        scope=Scope(ScopeKind.IDENTITY, "example.com", "default"),
        held=Held(reason="complaints"),
        since=START,
    )
    typed.as_relay(lambda stores: stores.shared.holds.hold(hold))
    typed.run("hold --identity example.org")
    typed.run("queue hold a")
    rows = [line.split() for line in typed.run("hold --list").lines]
    assert rows[1][1:3] == ["example.com", "default"]
    assert rows[2][1:3] == ["example.org", "every"]
    assert " ".join(rows[3]).startswith("1 message held one by one: see `ses-relay queue list")
    shown = typed.run("hold --list --json").json
    assert shown["messages"] == 1
    assert shown["scopes"][0] == {
        "kind": "identity",
        "name": "example.com",
        "route": "default",
        "reason": "complaints",
        "since": "2026-11-21T12:00:00Z",
        "until": None,
    }


def test_an_identity_is_released_on_every_route(typed):
    for route in ("", "default"):
        hold = ScopeHold(
            scope=Scope(ScopeKind.IDENTITY, "example.com", route),
            held=Held(reason="complaints"),
            since=START,
        )
        typed.as_relay(lambda stores, hold=hold: stores.shared.holds.hold(hold))
    assert typed.run("release --identity example.com").code == 0
    assert holds(typed) == {}


def test_json_says_what_was_done(typed):
    assert typed.run("hold --user tickets --json").json["kind"] == "user"
    assert typed.run("release --user tickets --json").json == {
        "kind": "user",
        "name": "tickets",
        "released": True,
    }


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("hold", 2, "hold: name one of --user NAME, --route NAME or --identity IDENTITY"),
        ("hold --user a --route b", 2, "hold: name one of"),
        ("release", 2, "release: name one of"),
        ("hold --list --user tickets", 2, "--list shows all holds; leave the scope out"),
        ("hold --user tickts", 1, "user tickts is not in the configuration; write one of: tick"),
        ("hold --route eu", 1, "route eu is not in the configuration; write one of: default"),
        ("hold --identity a@b@c", 2, "--identity a@b@c: the local part is not valid; write"),
        ("hold --identity x/y", 2, "--identity x/y: the domain is not valid; write a domain"),
        ("hold --user tickets --for ever", 2, "--for ever: is not a duration; write"),
        ("release --user tickets", 1, "user:tickets is not held; `ses-relay hold --list` shows"),
    ],
)
def test_what_is_wrong_is_said_with_the_fix_and_nothing_is_held(typed, words, code, says):
    answer = typed.run(words)
    assert answer.code == code
    assert says in answer.err
    assert holds(typed) == {}


async def test_a_relay_that_owns_the_folder_reads_the_hold(typed):
    stores = await typed.opened()
    try:
        assert (await asyncio.to_thread(typed.run, "hold --user tickets")).code == 0
        found = await stores.shared.holds.holds(typed.clock.now())
        assert [hold.scope for hold in found] == [USER]
    finally:
        await stores.close()
