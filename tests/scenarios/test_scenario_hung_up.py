"""What a client leaves behind that hangs up while its message is under way."""

import asyncio
import gc
import weakref

import pytest
from relay_world import MAIL, relaying, settings, simulated, until

from relay.flow.transaction import MailTransaction


@pytest.fixture
def no_collector():
    """Nobody looks for what only holds itself; on a quiet relay that can take hours."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_the_octets_of_a_client_that_hung_up_are_let_go_with_its_message(
    no_collector, monkeypatch
):
    transactions = []
    receive = MailTransaction.receive

    def received(transaction, octets):
        transactions.append(weakref.ref(transaction))
        return receive(transaction, octets)

    monkeypatch.setattr(MailTransaction, "receive", received)
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        ses.hold_back()
        async with world.line() as line:
            await line.envelope()
            await line.begin(MAIL)
            await ses.holding()
            line.hang_up()
        await until(lambda: not world.relay.parts.listeners.sessions)
        ses.answer()
        await world.logged("message.relayed")
        await until(lambda: not len(world.relay.parts.owner))
        await asyncio.sleep(0)
        [transaction] = transactions
        assert transaction() is None
