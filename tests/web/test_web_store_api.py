"""The queue, the holds and the suppression list for programs, behind the same door as the pages."""

import json

import pytest
from operated import pages
from stored import new
from web_world import EVERYWHERE, LOOPBACK, World

from relay.model.entry import Held

TOKEN = "s3cret"
CHANGES = [
    ("/api/queue/drop", {"ids": ["waits"]}),
    ("/api/holds/hold", {"kind": "user", "name": "news"}),
    ("/api/holds/release", {"kind": "user", "name": "news"}),
    ("/api/suppression/add", {"address": "a@example.org"}),
    ("/api/suppression/remove", {"address": "a@example.org"}),
]


async def asked(client, path, **query):
    answer = await client.get(path, params=query)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def told(client, path, **document):
    answer = await client.post(path, json=document)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_the_queue_is_listed_and_filtered(world):
    async with pages(world) as client:
        everything = (await asked(client, "/api/queue"))["messages"]
        held = (await asked(client, "/api/queue", state="held"))["messages"]
        first = (await asked(client, "/api/queue", limit="1"))["messages"]
        counts = (await asked(client, "/api/queue/summary"))["counts"]
    assert {one["id"] for one in everything} == {"waits", "held1"}
    assert [one["held"]["reason"] for one in held] == ["rule review"]
    assert first == everything[:1]
    assert sum(cell["messages"] for cell in counts) == 2


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/queue", {"state": "none"}),
        ("/api/queue", {"recipient": "nobody"}),
        ("/api/queue", {"limit": "x"}),
        ("/api/suppression", {"limit": "-1"}),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(world, path, query):
    async with pages(world) as client:
        answer = await client.get(path, params=query)
        assert answer.status == 400
        assert (await answer.json())["error"]


async def test_messages_are_changed_and_their_lives_tell_of_it(world):
    async with pages(world) as client:
        changed = await told(client, "/api/queue/hold", ids=["waits", "none"])
        assert changed == {"changed": ["waits"], "under_way": []}
        message = await asked(client, "/api/messages/waits")
        assert message["kept"]["state"] == "held"
        assert message["last"]["event"] == "message.held"
        assert await told(client, "/api/queue/release", ids=["waits"])
        assert await told(client, "/api/queue/retry", ids=["waits"])
        assert await told(client, "/api/queue/drop", ids=["waits"])
    assert await world.find("waits") is None


async def test_a_scope_is_held_and_released(world):
    async with pages(world) as client:
        held = await told(client, "/api/holds/hold", kind="user", name="news", reason="links")
        assert (held["kind"], held["name"], held["reason"]) == ("user", "news", "links")
        assert (await asked(client, "/api/holds"))["holds"] == [held]
        released = await told(client, "/api/holds/release", kind="user", name="news")
        assert released == {"released": True}
        released = await told(client, "/api/holds/release", kind="user", name="news")
        assert released == {"released": False}


async def test_an_address_is_suppressed_and_allowed_again(world):
    async with pages(world) as client:
        added = await told(client, "/api/suppression/add", address="A@example.org", note="left")
        assert (added["reason"], added["note"]) == ("manual", "left")
        [listed] = (await asked(client, "/api/suppression"))["addresses"]
        assert listed["address"] == "a@example.org"
        assert (await asked(client, "/api/suppression", after="b"))["addresses"] == []
        gone = await told(client, "/api/suppression/remove", address="a@example.org")
        assert gone == {"removed": True}
        gone = await told(client, "/api/suppression/remove", address="a@example.org")
        assert gone == {"removed": False}


@pytest.mark.parametrize(
    ("path", "posted", "why"),
    [
        ("/api/queue/hold", "{}", '{"ids"'),
        ("/api/queue/hold", '{"ids": []}', "no message was named"),
        ("/api/queue/hold", '{"ids": [""]}', '{"ids"'),
        ("/api/queue/hold", '{"ids": "waits"}', '{"ids"'),
        ("/api/queue/hold", "[]", '{"ids"'),
        ("/api/queue/hold", "{", '{"ids"'),
        ("/api/queue/hold", "[" * 9_000, '{"ids"'),
        ("/api/queue/hold", "9" * 9_000, '{"ids"'),
        ("/api/queue/hold", '{"ids": ["\\ud800"]}', '{"ids"'),
        ("/api/suppression/add", '{"address": "a@example.org", "note": "\\ud800"}', '{"address"'),
        ("/api/suppression/remove", '{"address": "\\ud800"}', '{"address"'),
        ("/api/holds/hold", '{"kind": "user", "name": "news", "reason": "\\ud800"}', '{"kind"'),
        ("/api/queue/hold", "\xff", '{"ids"'),
        ("/api/holds/hold", "{}", '{"kind"'),
        ("/api/holds/hold", '{"kind": 1}', '{"kind"'),
        ("/api/holds/hold", '{"kind": "user", "name": "nobody"}', "no user or route"),
        ("/api/holds/release", "{}", '{"kind"'),
        ("/api/holds/release", '{"kind": "all", "name": "x"}', "no user or route"),
        ("/api/suppression/add", "{}", '{"address"'),
        ("/api/suppression/add", '{"address": "here"}', "not a mail address"),
        ("/api/suppression/remove", "{}", '{"address"'),
    ],
)
async def test_what_makes_no_sense_changes_nothing(world, path, posted, why):
    async with pages(world) as client:
        answer = await client.post(path, data=posted.encode("latin-1"))
        assert answer.status == 400
        assert why in (await answer.json())["error"]
    assert (await world.find("waits")).held is None
    assert (await world.find("held1")).held == Held(reason="rule review")


async def test_a_word_that_is_none_is_not_found(world):
    async with pages(world) as client:
        answer = await client.post("/api/queue/eat", json={"ids": ["waits"]})
        assert answer.status == 404


@pytest.mark.parametrize(("path", "document"), CHANGES)
async def test_other_sites_change_nothing(world, path, document):
    """Post as a form of another page can: with a type that needs no leave of ours."""
    async with pages(world) as client:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Host": "evil.example"},
        ):
            answer = await client.post(
                path, data=json.dumps(document), headers={**headers, "Content-Type": "text/plain"}
            )
            assert answer.status == 403, headers
        assert (await client.get(path)).status == 405
    assert await world.find("waits") is not None
    assert await world.listed() == []
    assert await world.held() == []


@pytest.mark.parametrize(("path", "document"), CHANGES)
async def test_who_has_the_token_may(world, path, document):
    async with pages(world, bind=EVERYWHERE, token=TOKEN) as client:
        assert (await client.post(path, json=document)).status == 401
        wrong = {"Authorization": "Bearer guess"}
        assert (await client.post(path, json=document, headers=wrong)).status == 401
        assert await world.find("waits") is not None
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.post(path, json=document, headers=right)).status == 200


@pytest.mark.parametrize("path", ["queue", "queue/summary", "holds", "suppression", "users"])
async def test_strangers_see_nothing(world, path):
    async with pages(world, bind=EVERYWHERE, token=TOKEN) as client:
        assert (await client.get(f"/api/{path}")).status == 401


@pytest.mark.parametrize(
    ("part", "word", "path"),
    [
        ("control", "select", "queue"),
        ("control", "summary", "queue/summary"),
        ("holds", "holds", "holds"),
        ("suppression", "listed", "suppression"),
    ],
)
async def test_a_store_that_cannot_says_so(world, part, word, path):
    await world.fail(part, word)
    async with pages(world) as client:
        answer = await client.get(f"/api/{path}")
        assert answer.status == 503
        assert await answer.json() == {"error": "the disk is ill"}


@pytest.mark.parametrize(
    ("part", "word", "path", "document"),
    [
        ("control", "drop", *CHANGES[0]),
        ("holds", "hold", *CHANGES[1]),
        ("holds", "release", *CHANGES[2]),
        ("suppression", "suppress", *CHANGES[3]),
        ("suppression", "unsuppress", *CHANGES[4]),
    ],
)
async def test_what_the_store_could_not_do_is_said(world, part, word, path, document):
    await world.fail(part, word)
    async with pages(world) as client:
        answer = await client.post(path, json=document)
        assert answer.status == 503
        assert await answer.json() == {"error": "the disk is ill"}


async def test_without_a_store_there_is_nothing_of_it():
    async with World().browser(LOOPBACK) as client:
        for path in ("queue", "holds", "suppression"):
            assert (await client.get(f"/api/{path}")).status == 404


async def test_a_long_queue_is_cut(world):
    await world.stores.queue.put([new(f"more-{number}") for number in range(150)])
    async with pages(world) as client:
        assert len((await asked(client, "/api/queue"))["messages"]) == 100
        assert len((await asked(client, "/api/queue", limit="500"))["messages"]) == 152


async def test_what_memory_has_lost_is_found_by_any_spelling(world):
    facts = {"queue_id": "old", "message_id": "<M1@example.com>", "user": "tickets"}
    world.store.history.note("message.received", world.clock.now(), facts)
    async with pages(world) as client:
        for about in ("old", "<M1@example.com>", "m1@EXAMPLE.com"):
            found = (await asked(client, "/api/messages", about=about))["messages"]
            assert [one["queue_id"] for one in found] == ["old"], about
