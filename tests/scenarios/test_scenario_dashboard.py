"""The dashboard of a whole relay: what it shows is what happened, also before its start."""

from aiohttp import ClientSession
from relay_world import MAIL, relaying, settings, simulated, until

from relay.model.settings import SqliteStore


async def asked(world, path):
    async with ClientSession() as client, client.get(f"{world.relay.http}{path}") as answer:
        assert answer.status == 200, await answer.text()
        return await (answer.json() if path.startswith("/api") else answer.text())


async def test_after_a_restart_the_first_page_shows_what_was_before(tmp_path):
    store = SqliteStore(tmp_path / "queue")
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=store)) as world:
            assert (await world.send(MAIL)).startswith("250")
            [message] = (await asked(world, "/api/messages"))["messages"]
            assert message["state"] == "relayed"
            [user] = (await asked(world, "/api/users"))["users"]
            assert (user["user"], user["last_24_hours"]["recipients"]) == ("local", 1)
        async with relaying(settings(ses.url, store=store)) as world:
            [before] = (await asked(world, "/api/messages"))["messages"]
            assert before["queue_id"] == message["queue_id"]
            assert (await asked(world, "/api/summary"))["events"].get("message.relayed") is None
            [user] = (await asked(world, "/api/users"))["users"]
            assert (user["user"], user["last_24_hours"]["recipients"]) == ("local", 1)
            page = await asked(world, "/users/local")
            assert message["queue_id"] in page


async def test_the_account_is_shown_as_ses_has_it():
    async with simulated(sandbox=True) as ses, relaying(settings(ses.url)) as world:
        await until(lambda: world.relay.parts.accounts.heard(world.relay.settings.routes)[0].state)
        [account] = (await asked(world, "/api/accounts"))["accounts"]
        assert account["account"]["sandbox"] is True
        assert account["account"]["enforcement"] == "HEALTHY"
        assert "verified addresses alone" in await asked(world, "/")
