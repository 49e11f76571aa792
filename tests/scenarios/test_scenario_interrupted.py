"""The client goes, or the relay must go, in the middle of a slow call to SES.

What SES was asked it has been asked: the call ends, its outcome is written down, and nobody gets
the mail twice.
"""

import pytest
from relay_world import MAIL, relaying, settings, simulated, until

from relay.model.settings import SqliteStore
from relay.simulator import Drop, Fail


def stores(tmp_path):
    return {"none": None, "sqlite": SqliteStore(tmp_path)}


async def hang_up_in_the_middle(world, ses, octets=MAIL, how="reset"):
    """Submit a message, and leave while SES has it and has not answered."""
    async with world.line() as line:
        await line.envelope()
        await line.begin(octets)
        await ses.holding()
        line.hang_up() if how == "reset" else line.writer.close()
        await world.logged("smtp.closed", reason="lost")


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("store", ["none", "sqlite"])
async def test_a_call_outlives_the_client_that_hung_up(store, how, tmp_path):
    async with (
        simulated() as ses,
        relaying(settings(ses.url, store=stores(tmp_path)[store])) as world,
    ):
        ses.hold_back()
        await hang_up_in_the_middle(world, ses, how=how)
        assert not world.lines("message.relayed")
        ses.answer()
        [line] = await world.logged("message.relayed")
        assert line["ses_message_id"] == ses.messages[0].id


async def test_a_resubmission_joins_the_call_that_is_still_under_way():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        ses.hold_back()
        await hang_up_in_the_middle(world, ses)
        async with world.line() as line:
            await line.envelope()
            await line.begin(MAIL)
            sessions = world.relay.parts.listeners._sessions
            await until(lambda: any(session.receiving for session in sessions))
            ses.answer()
            assert await line.reply() == f"250 2.0.0 Ok {ses.messages[0].id}"
        assert len(ses.messages) == 1


async def test_a_resubmission_hears_the_verdict_nobody_heard(tmp_path):
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            ses.hold_back()
            await hang_up_in_the_middle(world, ses)
            ses.answer()
            await world.logged("message.relayed")
            await until(lambda: not len(world.relay.parts.owner))
        # Another process answers for it as well: the verdict is in the shared state.
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            assert await world.send() == f"250 2.0.0 Ok {ses.messages[0].id}"
            assert len(ses.messages) == 1
            # Heard now: who says the same once more means it.
            assert await world.send() != f"250 2.0.0 Ok {ses.messages[0].id}"
            assert len(ses.messages) == 2


async def test_another_message_of_the_same_client_is_no_resubmission(tmp_path):
    async with (
        simulated() as ses,
        relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world,
    ):
        ses.hold_back()
        await hang_up_in_the_middle(world, ses)
        ses.answer()
        await world.logged("message.relayed")
        assert (await world.send(MAIL + b"More.\r\n")).startswith("250 2.0.0 Ok ")
        assert (await world.send(recipients=["c@example.org"])).startswith("250 2.0.0 Ok ")
        assert len(ses.messages) == 3


async def test_a_refusal_nobody_heard_is_made_again():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        ses.hold_back()
        octets = MAIL.replace(b"a@example.com", b"a@stranger.example")
        await hang_up_in_the_middle(world, ses, octets)
        ses.answer()
        await world.logged("message.failed")
        ses.change(identities=frozenset({"example.com", "stranger.example"}))
        assert (await world.send(octets)).startswith("250 2.0.0 Ok ")


@pytest.mark.parametrize("store", ["none", "sqlite"])
async def test_a_stop_lets_the_call_end_and_the_client_hear_it(store, tmp_path):
    async with (
        simulated() as ses,
        relaying(settings(ses.url, store=stores(tmp_path)[store])) as world,
    ):
        ses.hold_back()
        async with world.line() as idle, world.line() as busy:
            await busy.envelope()
            await busy.begin(MAIL)
            await ses.holding()
            world.stop.set()
            assert (await idle.reply()).startswith("421 4.3.2 ")
            ses.answer()
            assert await busy.reply() == f"250 2.0.0 Ok {ses.messages[0].id}"
            assert (await busy.reply()).startswith("421 4.3.2 ")
        [stopped] = await world.logged("relay.stopped")
        assert stopped["in_flight"] == 0
        assert world.lines("message.relayed")


async def test_a_stop_waits_for_the_outcome_of_a_client_that_hung_up():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        ses.hold_back()
        await hang_up_in_the_middle(world, ses)
        world.stop.set()
        await until(lambda: not world.relay.parts.listeners.addresses)
        ses.answer()
        await world.logged("message.relayed")
        [stopped] = await world.logged("relay.stopped")
        assert stopped["in_flight"] == 0


async def test_what_was_queued_before_a_stop_is_sent_after_the_start(tmp_path):
    store = SqliteStore(tmp_path)
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=store)) as world:
            ses.script(Fail("ServiceUnavailable", "Try later.", 503), times=1_000)
            queued = [await world.send(MAIL + b"%d\r\n" % number) for number in range(3)]
            assert all("Ok: queued as " in reply for reply in queued)
        ses.simulator.faults.clear()
        assert not ses.messages
        async with relaying(settings(ses.url, store=store)) as world:
            for reply in queued:
                await world.logged("message.relayed", queue_id=reply.rpartition(" ")[2])
        assert len(ses.messages) == 3


async def test_a_half_closed_client_still_hears_its_verdict():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        ses.hold_back()
        async with world.line() as line:
            await line.envelope()
            await line.begin(MAIL)
            line.writer.write(b"QUIT\r\n")
            line.writer.write_eof()
            await ses.holding()
            ses.answer()
            assert await line.reply() == f"250 2.0.0 Ok {ses.messages[0].id}"
            assert (await line.reply()).startswith("221 ")


async def test_the_second_copy_of_a_lost_answer_waits_longer(tmp_path):
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            ses.script(Drop("after"))
            assert "Ok: queued as " in await world.send()
            # Ordinary mail goes on meanwhile, and the doubtful one does not.
            assert (await world.send(MAIL + b"Next.\r\n")).startswith("250 2.0.0 Ok ")
        assert len(ses.messages) == 2
