"""The account's suppression list and the relay's, end to end: SMTP in, the list at SES, and back.

The rounds of the relay's watch are made when the test wants them, on a clock that leaps over the
pauses between control calls; the simulated account counts its calls on the same clock.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from fakes import FakeClock
from relay_world import FAST, SimulatedSes, relaying, settings, until

from relay.model.settings import AccountList, Feedback, SqliteStore, SqsQueue, Suppression
from relay.service.account_lists import open_account_list
from relay.simulator import (
    Account,
    Denial,
    Fate,
    Publishing,
    Scripted,
    Simulator,
    Suppressed,
    SuppressionReason,
    running,
)
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest

GONE = "gone@example.org"
REFUSED = f"550 5.1.1 {GONE} is on the suppression list"
HARD = Fate(kind="Bounce", type="Permanent", subtype="General", status="5.1.1")


@dataclass
class Meeting:
    """A relay, its account, and what an operator does beside them."""

    ses: SimulatedSes
    world: object
    clock: FakeClock
    folder: object

    async def round(self):
        """Let the relay look at the account's list, a while later."""
        self.clock.advance(11 * 60)
        await self.world.relay.office.lists.round()

    async def rcpt(self, address=GONE):
        async with self.world.line() as line:
            await line.say("MAIL FROM:<a@example.com>")
            return await line.say(f"RCPT TO:<{address}>")

    async def remove(self, address=GONE):
        """Be `ses-relay suppression remove` in another process."""
        shared = await open_guest(self.folder, Crew.inline(Files(), self.clock))
        try:
            assert list(await shared.suppression.unsuppress([address])) == [address]
        finally:
            await shared.close()

    def holds(self, address=GONE):
        since = self.clock.now()
        entry = Suppressed(address=address, reason=SuppressionReason.COMPLAINT, since=since)
        self.ses.simulator.account = self.ses.simulator.account.suppressing([entry])

    @property
    def there(self):
        return {
            address: one.reason.value
            for address, one in self.ses.simulator.account.suppressed.items()
        }


@asynccontextmanager
async def meeting(folder, mode):
    clock = FakeClock(datetime.now(UTC))
    simulator = Simulator(Account(max_send_rate=FAST), clock=clock.now)
    ses = SimulatedSes(simulator, "", asyncio.Event())
    async with running(simulator, sleep=ses.wait) as ses.url:
        simulator.service.publisher.change(Publishing(format="configuration_set"))
        given = settings(
            ses.url,
            store=SqliteStore(folder),
            suppression=Suppression(account_list=mode),
            feedback=Feedback(sqs=(SqsQueue(queue_url=f"{ses.url}/123456789012/events"),)),
        )
        async with relaying(given) as world:
            lists = world.relay.office.lists
            lists.clock = clock
            lists.open_list = lambda name, route: open_account_list(
                name, route, clock, world.relay.routes.borrowed
            )
            yield Meeting(ses, world, clock, folder)


@pytest.mark.parametrize("mode", [AccountList.READ, AccountList.SYNC])
async def test_what_others_put_on_the_accounts_list_is_refused_here(tmp_path, mode):
    async with meeting(tmp_path / "store", mode) as meet:
        assert (await meet.rcpt()).startswith("250")
        meet.holds()
        await meet.round()
        assert await meet.rcpt() == f"{REFUSED} (ses_account_list)"
        meet.ses.change(suppressed={})
        await meet.round()
        assert (await meet.rcpt()).startswith("250")
        [line] = meet.world.lines("suppression.removed")
        assert (line["recipients"], line["by"]) == ([GONE], "account")


@pytest.mark.parametrize("mode", [AccountList.READ, AccountList.SYNC])
async def test_a_bounce_that_the_relay_learns_of_goes_to_the_accounts_list(tmp_path, mode):
    async with meeting(tmp_path / "store", mode) as meet:
        meet.ses.change(suppressed_reasons=frozenset())  # SES puts nothing there by itself
        publisher = meet.ses.simulator.service.publisher
        publisher.fates.add(Scripted(recipient=GONE, fate=HARD))
        await meet.world.send(recipients=(GONE,))
        meet.clock.advance(1)
        await meet.world.logged("suppression.added", reason="bounce", by="feedback")
        await meet.round()
        assert meet.there == ({GONE: "BOUNCE"} if mode is AccountList.SYNC else {})
        assert await meet.rcpt() == f"{REFUSED} (bounce)"
        await meet.remove()
        await meet.round()
        assert meet.there == {}
        assert (await meet.rcpt()).startswith("250")
        await until(lambda: not len(publisher.queue))


async def test_an_operators_removal_is_heeded_by_ses_in_both_ways_alone(tmp_path):
    async with meeting(tmp_path / "store", AccountList.SYNC) as meet:
        meet.holds()
        await meet.round()
        await meet.remove()
        await meet.round()
        assert meet.there == {}
        publisher = meet.ses.simulator.service.publisher
        publisher.change(replace(publisher.options, deliveries=True))
        assert (await meet.rcpt()).startswith("250")
        await meet.world.send(recipients=(GONE,))
        meet.clock.advance(1)
        await meet.world.logged("feedback.delivery", recipients=[GONE])
        await until(lambda: not len(publisher.queue))


async def test_a_lacking_permission_warns_and_takes_nothing_out(tmp_path):
    async with meeting(tmp_path / "store", AccountList.READ) as meet:
        meet.ses.change(denied=(Denial(action="ses:ListSuppressedDestinations"),))
        await meet.round()
        [warning] = [
            one for one in meet.world.relay.readiness().warnings if "suppression list" in one
        ]
        assert warning.endswith("; allow ses:ListSuppressedDestinations")
        assert meet.world.relay.readiness().ready
        await meet.world.logged("account.changed", what="suppression list")
        meet.ses.change(denied=())
        meet.holds()
        await meet.round()
        assert not [
            one for one in meet.world.relay.readiness().warnings if "suppression list" in one
        ]
        assert await meet.rcpt() == f"{REFUSED} (ses_account_list)"
