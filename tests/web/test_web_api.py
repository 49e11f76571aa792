"""The same for programs."""

import pytest
from web_world import FakeInbox, World, taken

from relay.telemetry.events import Event


async def test_the_summary():
    world = World()
    world.one_message()
    world.rates()
    async with world.browser() as client:
        summary = await (await client.get("/api/summary")).json()
    assert summary["at"] == "2026-11-21T12:00:02.000Z"
    assert (summary["hostname"], summary["version"]) == ("relay.example.com", "1.0")
    assert (summary["ready"], summary["reasons"], summary["warnings"]) == (True, [], [])
    assert summary["events"] == {"message.received": 1, "message.relayed": 1}
    assert summary["now"]["ses_relay_send_rate"] == [{"route": "default", "value": 7.0}]
    assert summary["now"]["ses_relay_smtp_sessions"] == [{"value": 3}]
    assert summary["now"]["ses_relay_queue_messages"] == []


async def test_the_summary_of_events_as_the_relay_notes_them():
    world = World()
    world.happen(Event.ACCOUNT_CHANGED, route="default")
    async with world.browser() as client:
        answer = await client.get("/api/summary")
        assert (await answer.json())["events"] == {"account.changed": 1}


async def test_messages_newest_first():
    world = World()
    world.one_message("q-1")
    world.one_message("q-2")
    async with world.browser() as client:
        messages = (await (await client.get("/api/messages")).json())["messages"]
        limited = (await (await client.get("/api/messages?limit=1")).json())["messages"]
        found = (await (await client.get("/api/messages?about=q-1")).json())["messages"]
    assert [message["queue_id"] for message in messages] == ["q-2", "q-1"]
    assert limited == messages[:1]
    assert found == messages[1:]
    assert messages[1]["last"]["event"] == "message.relayed"
    assert messages[1]["state"] == "relayed"
    assert messages[1]["recipients"] == ["bob@example.org"]
    assert "events" not in messages[1]


@pytest.mark.parametrize("limit", ["x", "-1", "", "9" * 5000, "٣x"])
async def test_a_limit_is_a_number(limit):
    async with World().browser() as client:
        answer = await client.get("/api/messages", params={"limit": limit})
        assert answer.status == 400


async def test_one_message_has_its_events():
    world = World()
    world.one_message()
    async with world.browser() as client:
        message = await (await client.get("/api/messages/q-1")).json()
    assert [(event["event"], event["at"]) for event in message["events"]] == [
        ("message.received", "2026-11-21T12:00:00.000Z"),
        ("message.relayed", "2026-11-21T12:00:01.000Z"),
    ]


async def test_the_inbox():
    world = World(FakeInbox(taken(1), taken(2)))
    async with world.browser() as client:
        messages = (await (await client.get("/api/inbox")).json())["messages"]
        message = await (await client.get("/api/inbox/ses-1")).json()
    assert [message["id"] for message in messages] == ["ses-2", "ses-1"]
    assert messages[1]["destinations"] == ["bob@example.org", "hidden@example.net"]
    assert message["text"].startswith("Grüße")
    assert message["attachments"][0]["kind"] == "application/pdf"
    assert ["To", "bob@example.org"] in message["fields"]


@pytest.mark.parametrize("path", ["/api/messages/none", "/api/inbox", "/api/inbox/none"])
async def test_what_is_not_there_is_said_so(path):
    async with World().browser() as client:
        answer = await client.get(path)
        assert answer.status == 404
        assert "no such" in (await answer.json())["error"]
