"""What an operator sees of the store, and does about it: queue, holds, suppression, history."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import START
from operated import after, pages, words_of
from stored import new
from web_world import EVERYWHERE, LOOPBACK, World

from relay.model.entry import Held
from relay.model.ports import Corrupt
from relay.web import Recent
from relay.web.store import RESTING, Census

TOKEN = "s3cret"


# --- the queue ------------------------------------------------------------------------------------


async def test_the_queue_is_shown_with_what_can_be_done(world):
    async with pages(world) as client:
        page = await (await client.get("/queue")).text()
        live = await (await client.get("/live/queue")).text()
    assert live in page
    for words in ("waits", "held1", "rule review", "tickets", "r0@example.net", "No user, route"):
        assert words in page
    assert page.count("/queue/hold") == 1  # what is held already has another way
    assert page.count("/queue/release") == 1
    assert page.count("/queue/drop") == 2


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("state=held", "held1", "waits"),
        ("user=tickets", "waits", "No kept message fits."),
        ("user=news", "No kept message fits.", "waits"),
        ("recipient=*@elsewhere.example", "No kept message fits.", "waits"),
        ("recipient=nobody", "is not an address pattern", "waits"),
        ("state=none", "choose a state of the list", "waits"),
    ],
)
async def test_the_queue_is_filtered(world, query, shown, hidden):
    async with pages(world) as client:
        page = await (await client.get(f"/live/queue?{query}")).text()
    assert shown in page
    assert hidden not in page


async def test_a_message_is_held_and_released(world):
    async with pages(world) as client:
        assert "1 held" in await after(client, "/queue/hold", id="waits")
        assert (await world.find("waits")).held == Held(reason="held on the dashboard")
        assert "1 released" in await after(client, "/queue/release", id="waits")
        assert (await world.find("waits")).held is None
    events = await world.store.trace.trace("waits", 10)
    assert [event.event for event in events] == ["message.held", "message.released"]
    assert world.recent.life("waits").state == "in work"


async def test_a_message_is_made_due(world):
    late = new("late", due=START + timedelta(hours=1))
    await world.stores.queue.put([late])
    async with pages(world) as client:
        assert "1 made due now" in await after(client, "/queue/retry", id="late")
    assert (await world.find("late")).next_attempt_at == START


async def test_a_message_is_thrown_away(world):
    async with pages(world) as client:
        assert "1 thrown away" in await after(client, "/queue/drop", id="held1")
        assert await world.find("held1") is None
        assert "Nothing was changed" in await after(client, "/queue/drop", id="held1")


async def test_no_id_means_nothing_and_not_everything(world):
    async with pages(world) as client:
        assert "Nothing was changed" in await after(client, "/queue/drop")
        assert "Nothing was changed" in await after(client, "/queue/drop", id="")
    assert await world.find("waits") is not None


async def test_a_word_that_is_none_is_not_found(world):
    async with pages(world) as client:
        assert (await client.post("/queue/eat", data={"id": "waits"})).status == 404


async def test_from_a_message_one_comes_back_to_it(world):
    world.one_message("waits")
    async with pages(world) as client:
        page = await after(client, "/queue/hold", id="waits", back="message")
    assert "1 held" in page
    assert "Life" in page
    assert "In the queue" in page


async def test_a_corrupt_entry_can_be_dropped_alone(world):
    async def select(chosen, now, limit):
        return [Corrupt("broken", "not readable")]

    control = type("Control", (), {**words_of(world.store.control), "select": staticmethod(select)})
    world.sources = replace(world.sources, store=replace(world.store, control=control()))
    async with pages(world) as client:
        page = await (await client.get("/live/queue")).text()
    assert "not readable" in page
    assert "/queue/drop" in page
    assert "/queue/hold" not in page


# --- holds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "held"),
    [
        ("user", "news", "news"),
        ("route", "default", "default"),
        ("identity", "Example.COM", "example.com"),
        ("identity", "a@Example.COM", "a@example.com"),
    ],
)
async def test_a_scope_is_held_and_released(world, kind, name, held):
    async with pages(world) as client:
        page = await after(client, "/holds/hold", kind=kind, name=name, reason="wrong links")
        assert "1 held" in page
        assert "wrong links" in page
        [scope] = await world.held()
        assert (scope.kind, scope.name) == (kind, held)
        if kind in {"user", "route"}:
            live = await (await client.get("/live/messages/waits")).text()
            stopped = kind == "route"  # its user is another one
            assert (f"{kind} {held} is held: wrong links" in live) == stopped
            assert ("due now" in live) != stopped
        page = await after(client, "/holds/release", kind=kind, name=held, route="")
        assert "1 released" in page
        assert await world.held() == []


@pytest.mark.parametrize(
    ("kind", "name"), [("user", "nobody"), ("route", "other"), ("identity", "@"), ("all", "x")]
)
async def test_a_scope_that_is_none_is_not_held(world, kind, name):
    async with pages(world) as client:
        page = await after(client, "/holds/hold", kind=kind, name=name, reason="")
    assert "no user or route of that name" in page
    assert await world.held() == []


async def test_a_kind_that_is_none_is_not_released(world):
    async with pages(world) as client:
        page = await after(client, "/holds/release", kind="all", name="x", route="")
    assert "Not changed" in page


# --- suppression ----------------------------------------------------------------------------------


async def test_an_address_is_suppressed_and_allowed_again(world):
    async with pages(world) as client:
        assert "Every address gets mail." in await (await client.get("/suppression")).text()
        page = await after(client, "/suppression/add", address="Gone@Example.org", note="left")
        assert "1 suppressed" in page
        assert "left" in page
        assert await world.listed() == ["gone@example.org"]
        page = await after(client, "/suppression/remove", address="gone@example.org")
        assert "1 removed from the list" in page
        assert await world.listed() == []
    events = [happening.event for happening in world.recent.notices()]
    assert events == ["suppression.removed", "suppression.added"]


async def test_what_is_no_address_is_not_suppressed(world):
    async with pages(world) as client:
        assert "not a mail address" in await after(client, "/suppression/add", address="here")
    assert await world.listed() == []


async def test_a_long_list_comes_in_pages(world):
    async with pages(world) as client:
        for number in range(101):
            await client.post("/suppression/add", data={"address": f"a{number:03}@example.org"})
        first = await (await client.get("/suppression")).text()
        assert "a099@example.org" in first
        assert "a100@example.org" not in first
        second = await (await client.get("/suppression?after=a099%40example.org")).text()
        assert "a100@example.org" in second
        third = await (await client.get("/suppression?after=z")).text()
    assert 'href="/suppression?after=a099%40example.org"' in first
    assert "No address follows" in third


# --- history --------------------------------------------------------------------------------------


async def test_what_memory_has_lost_is_found_in_the_history(world):
    facts = {"queue_id": "old", "recipients": ["bob@example.org"], "user": "tickets"}
    world.store.history.note("message.received", world.clock.now(), facts)
    world.store.history.note("message.relayed", world.clock.now(), facts)
    world.sources = replace(world.sources, recent=Recent())
    async with pages(world) as client:
        page = await (await client.get("/messages/old")).text()
        assert page.index("message.received") < page.index("message.relayed")
        live = await (await client.get("/live?about=bob@example.org")).text()
        assert 'href="/messages/old"' in live
        assert (await client.get("/messages/none")).status == 404


async def test_a_kept_message_without_a_history_is_still_shown(world):
    async with pages(world) as client:
        page = await (await client.get("/messages/waits")).text()
    assert "alice@example.com" in page
    assert "due now" in page


# --- the first page -------------------------------------------------------------------------------


async def test_the_first_page_plots_the_queue_and_the_last_hour(world):
    world.one_message("q-1")
    async with pages(world) as client:
        await after(client, "/holds/hold", kind="user", name="news", reason="wrong links")
        page = await (await client.get("/")).text()
    assert "Messages by age: &lt; 5 min: 1 waiting, 1 held" in page
    assert "Recipients each minute, times in UTC: 12:00 1 relayed" in page
    assert "user news: wrong links" in page
    assert page.count("<svg") == 2


async def test_a_count_that_takes_long_is_made_rarely(world):
    counted = []

    async def summary(now):
        counted.append(now)
        world.clock.advance(2)
        return ()

    control = type("Slow", (), {"summary": staticmethod(summary)})()
    census = Census(replace(world.store, control=control), world.clock)
    for _ in range(3):
        await asyncio.gather(census.look(), census.look())
    assert len(counted) == 1
    world.clock.advance(2 * RESTING)
    await census.look()
    assert len(counted) == 2


async def test_an_empty_queue_has_no_plot(world):
    async with pages(world) as client:
        for queue_id in ("waits", "held1"):
            await after(client, "/queue/drop", id=queue_id)
        assert "Nothing waits." in await (await client.get("/")).text()


# --- who may, and what the store cannot -----------------------------------------------------------

CHANGES = [
    ("/queue/drop", {"id": "waits"}),
    ("/holds/hold", {"kind": "user", "name": "news"}),
    ("/holds/release", {"kind": "user", "name": "news"}),
    ("/suppression/add", {"address": "a@example.org"}),
    ("/suppression/remove", {"address": "a@example.org"}),
]


@pytest.mark.parametrize(("path", "form"), CHANGES)
async def test_only_our_own_pages_change_anything(world, path, form):
    async with pages(world) as client:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Host": "evil.example"},
        ):
            answer = await client.post(path, data=form, headers=headers, allow_redirects=False)
            assert answer.status == 403, headers
        assert (await client.get(path, allow_redirects=False)).status == 405
    assert await world.find("waits") is not None
    assert await world.listed() == []


@pytest.mark.parametrize(("path", "form"), CHANGES)
async def test_strangers_change_nothing(world, path, form):
    async with pages(world, bind=EVERYWHERE, token=TOKEN) as client:
        answer = await client.post(path, data=form, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/login")
        for page in ("/queue", "/suppression"):
            assert (await client.get(page, allow_redirects=False)).status == 303
        assert (await client.get("/live/queue")).status == 401
    assert await world.find("waits") is not None


@pytest.mark.parametrize(
    ("part", "word", "path", "form"),
    [
        ("control", "drop", "/queue/drop", {"id": "waits"}),
        ("holds", "hold", "/holds/hold", {"kind": "user", "name": "news"}),
        ("holds", "release", "/holds/release", {"kind": "user", "name": "news"}),
        ("suppression", "suppress", "/suppression/add", {"address": "a@example.org"}),
        ("suppression", "unsuppress", "/suppression/remove", {"address": "a@example.org"}),
    ],
)
async def test_a_store_that_cannot_says_so(world, part, word, path, form):
    await world.fail(part, word)
    async with pages(world) as client:
        assert "the store has a fault" in await after(client, path, **form)


@pytest.mark.parametrize(
    ("part", "word", "path"),
    [
        ("control", "summary", "/"),
        ("holds", "holds", "/"),
        ("holds", "holds", "/queue"),
        ("control", "select", "/queue"),
        ("suppression", "listed", "/suppression"),
    ],
)
async def test_a_page_of_an_ill_store_shows_why(world, part, word, path):
    await world.fail(part, word)
    async with pages(world) as client:
        answer = await client.get(path)
        assert answer.status == 200
        assert "the disk is ill" in await answer.text()


async def test_an_ill_history_leaves_what_is_in_memory(world):
    world.one_message("q-1")
    await world.fail("trace", "trace")
    async with pages(world) as client:
        page = await (await client.get("/live?about=bob@example.org")).text()
    assert 'href="/messages/q-1"' in page


@pytest.mark.parametrize("query", ["done=hello&n=1", "done=hold&n=many", "done=hold&n=9999999"])
async def test_no_link_puts_words_on_a_page(world, query):
    async with pages(world) as client:
        page = await (await client.get(f"/queue?{query}")).text()
    assert "role=" not in page


async def test_without_a_store_there_are_no_such_pages():
    async with World().browser(LOOPBACK) as client:
        for path in ("/queue", "/suppression"):
            assert (await client.get(path)).status == 404
        assert "/queue" not in await (await client.get("/")).text()


async def test_pages_of_a_full_queue_are_light(world):
    await world.stores.queue.put([new(f"more-{number}") for number in range(300)])
    async with pages(world) as client:
        for path in ("/", "/queue", "/suppression"):
            page = await (await client.get(path)).read()
            assert len(page) <= 100 * 1024 - 10 * 1024, path  # styles and script come on top
