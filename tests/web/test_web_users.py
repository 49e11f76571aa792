"""Who sends how much, what comes back of it, and how near that is to trouble."""

import re
from dataclasses import replace

import pytest
from fakes import START
from operated import after, pages
from web_world import EVIL, FakeInbox, World

from relay.model.account import AccountState, RouteAccount
from relay.model.outcome import ScopeKind
from relay.model.reputation import Count
from relay.web import Recent
from relay.web.users_page import ranked

CARELESS = Count(relayed=5_000, bounced=150, complained=10, messages=900)
CAREFUL = Count(relayed=9_000, bounced=9, messages=8_000)
FEW = Count(relayed=10, bounced=9, messages=10)


def with_users(world, **counts):
    world.users.counts = {name.replace("_", " "): count for name, count in counts.items()}
    return world


async def test_the_nearest_to_trouble_come_first():
    world = with_users(World(), careful=CAREFUL, few=FEW, careless=CARELESS)
    assert [one.user for one in ranked(world.users.records())] == ["careless", "careful", "few"]


async def test_a_user_is_shown_with_shares_volume_and_cost():
    async with with_users(World(), careless=CARELESS).browser() as client:
        for path in ("/", "/users", "/live/users"):
            page = await (await client.get(path)).text()
            for words in (
                'href="/users/careless"',
                '<span class="pill wait">warned</span>',
                "<strong>5,000 recipients</strong>, 900 messages, $0.50",
                "<strong>3.00%</strong>",
                " 150 of 5,000",
                "<strong>0.20%</strong>",
                "warned at 2 %, held off, SES reviews the account at 5 %",
                "warned at 0.1 %, held off, SES reviews the account at 0.1 %",
            ):
                assert words in page, (path, words)


async def test_a_bar_ends_where_ses_may_pause():
    world = with_users(World(), a=Count(relayed=1000, bounced=300), b=Count(relayed=1000))
    async with world.browser() as client:
        page = await (await client.get("/users")).text()
    assert 'width="200.0" height="4" class="wait"' in page
    assert 'width="0.0" height="4" class="good"' in page


async def test_few_recipients_mean_nothing():
    async with with_users(World(), few=FEW).browser() as client:
        page = await (await client.get("/users")).text()
    assert "too little to tell" in page
    assert "warned</span> " not in page


async def test_a_new_relay_has_users_without_mail():
    world = World()
    known = {ScopeKind.USER: ("tickets",)}
    world.sources = replace(world.sources, known=lambda kind: known.get(kind, ()))
    async with world.browser() as client:
        assert "SES has not taken any mail yet." in await (await client.get("/")).text()
        assert 'href="/users/tickets"' in await (await client.get("/users")).text()
        page = await (await client.get("/users/tickets")).text()
        assert "SES has not taken any mail yet." in page
        assert "No message is known." in page
        assert (await client.get("/users/nobody")).status == 404
        assert (await client.get("/api/users/nobody")).status == 404


@pytest.mark.parametrize("name", ["-", "a b", "ä/ö?x=1", "live", EVIL])
async def test_any_name_has_its_page(name):
    world = World()
    world.users.counts = {name: CARELESS}
    world.one_message(user=name)
    async with world.browser() as client:
        page = await (await client.get("/users")).text()
        [link] = re.findall(r'href="(/users/[^"]+)"', page)
        page = await (await client.get(link)).text()
        assert EVIL not in page
        assert "5,000" in page
        [live] = re.findall(r'data-from="([^"]+)"', page)
        assert await (await client.get(live)).text() in page


async def test_the_page_of_a_user_tells_of_its_mail_alone():
    world = with_users(World(), tickets=CARELESS)
    world.one_message("q-mine")
    world.one_message("q-other", user="shop")
    async with world.browser() as client:
        page = await (await client.get("/users/tickets")).text()
        document = await (await client.get("/api/users/tickets")).json()
    assert "q-mine" in page
    assert "q-other" not in page
    assert "21 Nov 5,000 sent, 150 bounced, 10 complained" in page
    assert "Judged by the newest 5,000 recipients" in page
    assert [message["queue_id"] for message in document["messages"]] == ["q-mine"]
    assert document["days"] == [
        {
            "date": "2026-11-21",
            "messages": 900,
            "recipients": 5000,
            "bounced": 150,
            "complained": 10,
            "estimated_cost_dollars": 0.5,
        }
    ]


async def test_costs_are_reckoned_at_the_configured_price():
    world = with_users(World(), careless=CARELESS)
    world.sources = replace(world.sources, price=lambda: 0.16)
    async with world.browser() as client:
        page = await (await client.get("/users")).text()
        [user] = (await (await client.get("/api/users")).json())["users"]
        one = await (await client.get("/users/careless")).text()
    recipients = user["last_24_hours"]["recipients"]
    cost = recipients * 0.16 / 1000
    assert user["last_24_hours"]["estimated_cost_dollars"] == pytest.approx(cost)
    assert f"${cost:,.2f}" in page
    assert "estimate at $0.16 for 1000 recipients" in one


async def test_programs_see_the_same():
    async with with_users(World(), careless=CARELESS).browser() as client:
        [user] = (await (await client.get("/api/users")).json())["users"]
    assert user["user"] == "careless"
    assert user["grade"] == "warn"
    assert user["bounce"] == {
        "ratio": 0.03,
        "grade": "warn",
        "warn": 0.02,
        "hold": None,
        "ses_reviews": 0.05,
        "ses_may_pause": 0.1,
    }
    assert user["judged"]["since"] == "2026-11-21T12:00:00Z"


async def test_messages_of_a_user_are_found_in_the_history(world):
    facts = {"queue_id": "old", "recipients": ["bob@example.org"], "user": "tickets"}
    world.store.history.note("message.received", world.clock.now(), facts)
    world.sources = replace(world.sources, recent=Recent())
    async with pages(world) as client:
        page = await (await client.get("/users/tickets")).text()
    assert 'href="/messages/old"' in page


async def test_a_user_is_held_and_released_on_its_page(world):
    world.users.counts = {"tickets": CAREFUL}
    async with pages(world) as client:
        form = {"kind": "user", "name": "tickets", "back": "user"}
        page = await after(client, "/holds/hold", **form, reason="wrong links")
        assert "1 held" in page
        assert "wrong links" in page
        assert "somebody releases it" in page
        first = await (await client.get("/")).text()
        assert '<span class="pill wait">held</span><p class="soft">wrong links</p>' in first
        page = await after(client, "/holds/release", **form)
        assert "1 released" in page
        assert "Hold all mail" in page
    assert await world.held() == []


async def test_without_a_store_nobody_is_held():
    async with with_users(World(), tickets=CAREFUL).browser() as client:
        assert "Hold all mail" not in await (await client.get("/users/tickets")).text()
        page = await (await client.get("/")).text()
        assert 'href="/users"' in page
        assert 'href="/queue"' not in page


# --- the account ----------------------------------------------------------------------------------


def account(**changes):
    given = {"max_send_rate": 14.0, "max_24_hour_send": 50_000.0, "sent_last_24_hours": 1_200.0}
    state = AccountState(**given | changes)
    return RouteAccount(route="default", region="eu-west-1", state=state, at=START)


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (account(), ["healthy", "everybody", "14 recipients a second", "1,200 of 50,000"]),
        (account(sandbox=True), ["sandbox", "verified addresses alone"]),
        (account(enforcement="PROBATION"), ['<span class="pill wait">probation</span>']),
        (account(sending_enabled=False), ['<span class="pill bad">paused</span>']),
        (account(max_24_hour_send=-1.0), ["no limit"]),
        (RouteAccount(route="eu", region="eu-west-1"), ["SES has not been asked yet"]),
        (RouteAccount(route="eu", region="x", unknown="GetAccount: no"), ["GetAccount: no"]),
        (replace(account(), unknown="GetAccount: timed out"), ["healthy", "timed out"]),
    ],
)
async def test_the_account_is_shown_as_ses_said(heard, words):
    world = World()
    world.accounts = [heard]
    async with world.browser() as client:
        page = await (await client.get("/")).text()
        [document] = (await (await client.get("/api/accounts")).json())["accounts"]
    for one in words:
        assert one in page
    assert document["route"] == heard.route
    assert (document["account"] is None) == (heard.state is None)


async def test_pages_with_many_users_are_light():
    world = World(FakeInbox())
    for number in range(1_000):
        world.users.counts[f"application-{number}"] = CARELESS
    async with world.browser() as client:
        for path in ("/", "/users"):
            page = await (await client.get(path)).read()
            assert len(page) <= 100 * 1024 - 12 * 1024, path
        seen, link = set(), "/users"
        while link:
            page = await (await client.get(link)).text()
            seen |= set(re.findall(r'href="/users/([^"]+)"', page))
            [link] = re.findall(r'href="(/users\?from=\d+)"', page) or [""]
        assert seen == set(world.users.counts)
