"""Single turns: who gets one at once, who waits, who is told that it is no use."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from ses_account import ROUTE, deferred, key, relayed, scheduler, scopes, state

from relay.model import replies
from relay.model.outcome import Cause, Deferred, Failed, Scope, ScopeKind, Unknown
from relay.model.ports import Granted
from relay.model.reply import Reply
from relay.model.settings import Lane, Route
from relay.scheduler import FairScheduler, GateClosed, GateOpened, RateChanged

pytestmark = pytest.mark.fake_time

APP, BULK = key("app"), key("news", Lane.BULK)
SET = Scope(ScopeKind.CONFIGURATION_SET, "app-a", "default")


@pytest.fixture
def notices():
    return []


@pytest.fixture
async def fair(clock, notices):
    fair = scheduler(clock, notices)
    fair.account("default", state(rate=10 / 0.9))  # ten recipients per second
    return fair


async def turn(fair, whose=APP, recipients=1, within=5.0, more=()):
    """Ask for a turn for fresh mail."""
    deadline = asyncio.get_running_loop().time() + within
    return await fair.turn(whose, scopes(whose, *more), recipients, deadline)


async def kept_turn(fair, whose=APP, recipients=1):
    return await fair.turn(whose, scopes(whose), recipients, None)


async def granted(fair, *args, **more):
    got = await turn(fair, *args, **more)
    assert isinstance(got, Granted), got
    return got


async def sent(fair, outcome=None, *args, **more):
    fair.learn(await granted(fair, *args, **more), outcome or relayed())


async def settle():
    """Let everybody run who can."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- waiting and deadlines ------------------------------------------------------------------------


async def test_the_first_message_goes_at_once_before_anything_is_learned(clock):
    fair = scheduler(clock)
    before = clock.monotonic()
    assert isinstance(await turn(fair), Granted)
    assert clock.monotonic() == before


async def test_the_grant_names_the_key_the_recipients_and_the_scopes(fair):
    got = await granted(fair, APP, 3, more=(SET,))
    assert got == Granted(key=APP, recipients=3, scopes=scopes(APP, SET))


async def test_a_request_waits_until_the_debt_before_it_is_paid(fair, clock):
    await sent(fair, recipients=21)
    began = clock.monotonic()
    await sent(fair)
    assert clock.monotonic() - began == pytest.approx(2.1)


async def test_a_deadline_that_cannot_be_met_is_answered_at_once(fair, clock):
    await sent(fair, recipients=50)
    began, now = clock.monotonic(), clock.now()
    refusal = await turn(fair, within=4.8)
    assert clock.monotonic() == began
    assert (refusal.cause, refusal.scope, refusal.reply) == (Cause.RATE, ROUTE, replies.NO_TURN)
    assert refusal.not_before - now == timedelta(seconds=5)


async def test_older_mail_of_the_same_key_makes_it_certain(fair, clock):
    await sent(fair)
    waiting = [asyncio.create_task(sent(fair)) for _ in range(30)]
    await settle()
    began = clock.monotonic()
    assert (await turn(fair, within=3.0)).cause is Cause.RATE
    assert clock.monotonic() == began
    await asyncio.gather(*waiting)


async def test_a_deadline_that_passes_is_answered_then(fair, clock):
    others = [asyncio.create_task(sent(fair, None, key(f"u{n}"))) for n in range(30)]
    await settle()
    began = clock.monotonic()
    # Nobody of its own key goes before it, so it may hope; the others' requests take too long.
    refusal = await turn(fair, within=1.0)
    assert refusal.cause is Cause.RATE
    assert clock.monotonic() - began == pytest.approx(1.0)
    await asyncio.gather(*others)


async def test_kept_mail_waits_as_long_as_it_takes(fair, clock):
    await sent(fair, recipients=50)
    await sent(fair, None, key("other"))
    assert isinstance(await kept_turn(fair), Granted)


async def test_a_turn_that_comes_at_the_deadline_is_given(fair):
    await sent(fair, recipients=20)
    assert isinstance(await turn(fair, within=2.0), Granted)


# --- order ----------------------------------------------------------------------------------------


async def test_mail_of_one_key_goes_in_the_order_it_came(fair):
    order = []

    async def send(number, ask):
        fair.learn(await ask(fair), relayed())
        order.append(number)

    asks = [kept_turn, granted, kept_turn, kept_turn, granted, granted]
    await asyncio.gather(*[send(number, ask) for number, ask in enumerate(asks)])
    assert order == [0, 1, 2, 3, 4, 5]


async def test_nobody_slips_in_before_those_whose_timer_is_late(fair, clock):
    await sent(fair, recipients=20)
    first = asyncio.create_task(turn(fair))
    await settle()
    clock.advance(2)
    second = asyncio.create_task(turn(fair))
    await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    assert first.done()
    assert not second.done()
    await second


async def test_fresh_mail_stays_behind_the_kept_mail_of_its_key(fair, clock):
    fair.backlog(APP, 7)
    refusal = await turn(fair)
    assert (refusal.cause, refusal.reply) == (Cause.WAITING, replies.NO_TURN)
    assert refusal.scope == Scope(ScopeKind.USER, "app")
    assert refusal.not_before == clock.now()
    assert isinstance(await turn(fair, key("other")), Granted)
    assert isinstance(await kept_turn(fair), Granted)
    fair.backlog(APP, 0)
    assert isinstance(await turn(fair), Granted)


async def test_fresh_mail_that_waits_follows_older_mail_into_the_queue(fair):
    await sent(fair, recipients=20)
    fresh = [asyncio.create_task(turn(fair)) for _ in range(3)]
    kept = asyncio.create_task(kept_turn(fair))
    other = asyncio.create_task(turn(fair, key("other")))
    await settle()
    fair.kept(APP)
    assert [got.cause for got in await asyncio.gather(*fresh)] == [Cause.WAITING] * 3
    assert isinstance(await kept, Granted)
    assert isinstance(await other, Granted)
    assert (await turn(fair)).cause is Cause.WAITING


async def test_urgent_mail_waits_for_one_bulk_request_at_most(fair, clock):
    fair.learn(await kept_turn(fair, BULK), relayed())
    backlog = [asyncio.create_task(kept_turn(fair, BULK, fair.largest(BULK))) for _ in range(20)]
    await settle()
    for _ in range(10):
        await asyncio.sleep(0.73)
        began = clock.monotonic()
        await sent(fair)
        assert clock.monotonic() - began <= 1.2
    for task in backlog:
        task.cancel()


async def test_bulk_requests_are_cut_to_a_second_of_the_rate(fair):
    assert fair.largest(BULK) == 9
    assert fair.largest(APP) == 50
    fair.account("default", state(rate=1))
    assert fair.largest(BULK) == 1
    fair.account("default", state(rate=500))
    assert fair.largest(BULK) == 50


# --- cancellation and giving back -----------------------------------------------------------------


async def test_who_is_cancelled_leaves_no_trace(fair, clock):
    await sent(fair, recipients=11)
    tasks = [asyncio.create_task(turn(fair)) for _ in range(9)]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    status = fair.status()["default"]
    assert (sum(status.waiting.values()), status.in_flight) == (0, 0)
    began = clock.monotonic()
    await sent(fair)
    assert clock.monotonic() - began == pytest.approx(1.1)


async def test_a_turn_that_comes_as_its_task_is_cancelled_is_given_back(fair, clock):
    await sent(fair, recipients=11)
    task = asyncio.create_task(turn(fair))
    await settle()
    clock.advance(1.1)
    fair.kept(key("other"))  # any event hands out what is due
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fair.status()["default"].in_flight == 0
    began = clock.monotonic()
    await sent(fair)
    assert clock.monotonic() == began


async def test_a_task_cancelled_just_before_its_turn_does_not_disturb_others(fair, clock):
    await sent(fair, recipients=11)
    first, second = (asyncio.create_task(turn(fair)) for _ in range(2))
    await settle()
    first.cancel()
    clock.advance(1.1)
    fair.kept(key("other"))
    assert isinstance(await second, Granted)
    assert first.cancelled()
    assert fair.status()["default"].in_flight == 1


async def test_a_request_that_was_never_made_gives_everything_back(fair, clock):
    fair.account("default", state(rate=10 / 0.9, daily=100))
    for _ in range(50):
        fair.learn(await granted(fair, recipients=50), None)
    assert fair.status()["default"].sent_last_24_hours == 0


async def test_an_outcome_is_reported_once(fair):
    got = await granted(fair)
    fair.learn(got, relayed())
    with pytest.raises(ValueError, match="not under way"):
        fair.learn(got, relayed())


async def test_equal_grants_are_told_apart(fair):
    first, second = await granted(fair), await granted(fair)
    assert first == second
    fair.learn(first, relayed())
    fair.learn(second, relayed())


# --- requests under way ---------------------------------------------------------------------------


async def test_a_slow_ses_does_not_pile_up_requests(clock):
    fair = FairScheduler(clock, lambda _: None)
    fair.configure({"default": Route(region="eu-west-1", max_send_rate=1000)}, in_flight=3)
    under_way = [await granted(fair) for _ in range(3)]
    fourth = asyncio.create_task(turn(fair))
    await asyncio.sleep(4)
    assert not fourth.done()
    began = clock.monotonic()
    fair.learn(under_way[0], relayed())
    assert isinstance(await fourth, Granted)
    assert clock.monotonic() == began
    refusal = await turn(fair, within=1.0)
    assert (refusal.cause, refusal.scope) == (Cause.WAITING, ROUTE)


# --- rate and quota -------------------------------------------------------------------------------


async def test_a_refusal_halves_the_rate_and_it_comes_back(fair, notices):
    notices.clear()
    await sent(fair, deferred(Cause.RATE))
    assert notices == [RateChanged(route="default", rate=5, limit=10)]
    await asyncio.sleep(61)
    await sent(fair)
    assert notices[1:] == [RateChanged(route="default", rate=10, limit=10)]


async def test_a_rate_that_is_not_known_grows_only_when_somebody_waits(clock):
    fair = scheduler(clock)
    for _ in range(20):
        await sent(fair)
        await clock.sleep(2)
    assert fair.status()["default"].rate == 1
    for _ in range(20):
        await sent(fair)
    assert fair.status()["default"].rate > 2


async def test_the_smaller_of_configured_and_account_rate_counts(clock, notices):
    fair = scheduler(clock, notices, max_send_rate=20, headroom=0.5)
    assert fair.status()["default"].limit == 10
    fair.account("default", state(rate=14))
    assert fair.status()["default"].limit == 7
    fair.account("default", state(rate=140))
    fair.account("default", state(rate=0))  # an account that is shut down says nothing of a rate
    assert fair.status()["default"].limit == 10
    assert [notice.limit for notice in notices] == [10, 7, 10]


async def test_bulk_mail_leaves_the_reserve_to_urgent_mail(fair):
    fair.account("default", state(rate=1000, daily=1000, sent=880))
    await sent(fair, None, BULK, recipients=20)
    refusal = await turn(fair, BULK)
    assert (refusal.cause, refusal.scope) == (Cause.QUOTA, ROUTE)
    assert refusal.reply == replies.QUOTA_USED
    await sent(fair, None, APP, recipients=50)
    await sent(fair, None, APP, recipients=50)
    assert (await turn(fair)).cause is Cause.QUOTA
    assert (await kept_turn(fair)).cause is Cause.QUOTA
    await asyncio.sleep(86_400 + 60)
    assert isinstance(await turn(fair, BULK), Granted)


async def test_a_quota_that_runs_out_answers_those_who_wait(fair):
    fair.account("default", state(rate=10 / 0.9, daily=100, sent=98))
    under_way = await granted(fair, recipients=11)
    waiting = asyncio.create_task(turn(fair))
    await settle()
    fair.learn(under_way, relayed())
    assert (await waiting).cause is Cause.QUOTA


async def test_ses_own_word_on_the_quota_closes_the_route_for_all(fair, notices):
    await sent(fair, deferred(Cause.QUOTA))
    assert (await turn(fair, BULK)).cause is Cause.QUOTA
    assert (await turn(fair)).cause is Cause.QUOTA
    fair.account("default", state(rate=10 / 0.9, daily=1000, sent=10))
    probe = await granted(fair)
    assert probe.probes == (ROUTE,)
    assert (await turn(fair)).cause is Cause.QUOTA
    fair.learn(probe, relayed())
    assert isinstance(await turn(fair, BULK), Granted)
    assert [type(notice) for notice in notices[1:]] == [GateClosed, GateOpened]


# --- scopes ---------------------------------------------------------------------------------------


async def test_a_missing_configuration_set_stops_nobody_else(fair):
    await sent(fair, deferred(Cause.CONFIGURATION_SET, SET), more=(SET,))
    assert (await turn(fair, more=(SET,))).scope == SET
    assert isinstance(await turn(fair), Granted)
    assert set(fair.closed()) == {SET}


async def test_a_refusal_of_one_message_closes_nothing(fair):
    message = Scope(ScopeKind.MESSAGE, "q1")
    for cause in Cause:
        if cause is not Cause.RATE:
            await sent(fair, deferred(cause, message))
    assert fair.closed() == {}


async def test_those_who_wait_hear_of_a_gate_that_closes_before_their_turn(fair):
    under_way = await granted(fair, recipients=20)
    waiting = [asyncio.create_task(kept_turn(fair, key(user))) for user in "abc"]
    await settle()
    fair.learn(under_way, deferred(Cause.CREDENTIALS))
    assert {got.cause for got in await asyncio.gather(*waiting)} == {Cause.CREDENTIALS}


@pytest.mark.parametrize(
    "silence",
    [
        deferred(Cause.NETWORK, Scope(ScopeKind.MESSAGE, "q1")),
        deferred(Cause.SERVICE, Scope(ScopeKind.MESSAGE, "q1")),
        Unknown(reply=Reply(451, "4.4.2", "No answer")),
    ],
    ids=["network", "service", "lost answer"],
)
async def test_several_silences_in_a_row_hold_the_route(fair, silence):
    for _ in range(4):
        await sent(fair, silence)
    message = Scope(ScopeKind.MESSAGE, "q2")
    for answer in (
        relayed(),
        Failed(reply=Reply(554, "5.6.0", "Malformed")),
        deferred(Cause.UNCLASSIFIED, message),
    ):
        await sent(fair, answer)  # SES is there
        for _ in range(4):
            await sent(fair, silence)
    assert fair.closed() == {}
    await sent(fair, silence)
    refusal = await turn(fair)
    assert (refusal.scope, refusal.reply) == (ROUTE, silence.reply)


async def test_a_route_that_is_back_opens_by_one_probe(fair):
    for _ in range(5):
        await sent(fair, deferred(Cause.NETWORK, Scope(ScopeKind.MESSAGE, "q1")))
    await asyncio.sleep(1.3)
    got = await asyncio.gather(*[turn(fair, key(f"u{number}")) for number in range(20)])
    probes = [one for one in got if isinstance(one, Granted)]
    assert [probe.probes for probe in probes] == [(ROUTE,)]
    fair.learn(probes[0], relayed())
    assert isinstance(await turn(fair), Granted)


async def test_a_probe_that_is_cancelled_does_not_keep_the_gate_shut(fair, clock):
    await sent(fair, deferred(Cause.CREDENTIALS), recipients=400)
    fair.release(ROUTE)
    task = asyncio.create_task(kept_turn(fair))
    await settle()
    clock.advance(60)
    fair.kept(key("other"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await granted(fair)).probes == (ROUTE,)


@pytest.mark.parametrize("word", [{"sending_enabled": False}, {"enforcement": "SHUTDOWN"}])
async def test_a_paused_account_holds_its_route_until_it_is_well(fair, word):
    fair.account("default", state(**word))
    refusal = await turn(fair)
    assert (refusal.cause, refusal.reply) == (Cause.ACCOUNT_PAUSED, replies.ACCOUNT_PAUSED)
    fair.account("default", state())
    probe = await granted(fair)
    assert probe.probes == (ROUTE,)
    fair.learn(probe, relayed())
    assert fair.closed() == {}


async def test_a_hold_answers_those_who_wait_and_a_release_lets_go(fair):
    await sent(fair, recipients=20)
    held = Scope(ScopeKind.USER, "app")
    other = asyncio.create_task(kept_turn(fair, key("other")))
    waiting = [asyncio.create_task(kept_turn(fair)) for _ in range(3)]
    await settle()
    fair.hold(held, "too many complaints")
    await settle()
    assert [task.done() for task in (other, *waiting)] == [False, True, True, True]
    for got in await asyncio.gather(*waiting):
        assert (got.cause, got.detail) == (Cause.HELD, "too many complaints")
    assert set(fair.holds()) == {held}
    assert isinstance(await other, Granted)
    assert fair.release(held).reason == "too many complaints"
    assert isinstance(await turn(fair), Granted)


# --- life -----------------------------------------------------------------------------------------


async def test_mail_of_an_unknown_route_is_put_off(fair):
    refusal = await turn(fair, key(route="gone"))
    assert refusal.cause is Cause.HELD
    assert "configuration" in refusal.detail


async def test_a_route_that_is_removed_puts_its_waiters_off_and_may_come_back(fair):
    under_way = await granted(fair, recipients=20)
    waiting = asyncio.create_task(kept_turn(fair))
    await settle()
    fair.configure({}, in_flight=10)
    assert (await waiting).cause is Cause.HELD
    fair.learn(under_way, relayed())
    fair.configure({"default": Route(region="eu-west-1")}, in_flight=10)
    assert isinstance(await kept_turn(fair), Granted)


async def test_a_new_limit_lets_those_go_who_wait(fair, clock):
    await sent(fair, recipients=50)
    waiting = asyncio.create_task(kept_turn(fair))
    await settle()
    began = clock.monotonic()
    fair.account("default", state(rate=1000))
    await waiting
    assert clock.monotonic() - began < 0.1


async def test_a_route_that_leads_to_another_account_learns_its_rate_and_quota_anew(fair):
    fair.account("default", state(rate=100, daily=1000, sent=1000))
    assert (await turn(fair)).cause is Cause.QUOTA
    under_way_before = fair.status()["default"].in_flight
    fair.configure({"default": Route(region="eu-west-1", headroom=0.5)}, in_flight=10)
    assert fair.status()["default"].limit == 50
    fair.configure({"default": Route(region="us-east-1")}, in_flight=10)
    status = fair.status()["default"]
    assert (status.limit, status.max_24_hour_send, status.sent_last_24_hours) == (None, None, 0)
    assert status.in_flight == under_way_before
    assert isinstance(await turn(fair), Granted)


async def test_a_new_configuration_has_what_is_closed_probed_at_once(fair):
    await sent(fair, deferred(Cause.CREDENTIALS))
    assert (await turn(fair)).cause is Cause.CREDENTIALS
    fair.configure({"default": Route(region="eu-west-1", profile="mended")}, in_flight=10)
    probe = await granted(fair)
    assert probe.probes == (ROUTE,)
    fair.learn(probe, relayed())
    assert isinstance(await turn(fair), Granted)


async def test_routes_do_not_share_their_rate(clock):
    fair = FairScheduler(clock, lambda _: None)
    routes = {name: Route(region="eu-west-1", max_send_rate=1) for name in ("default", "other")}
    fair.configure(routes, in_flight=10)
    await sent(fair, recipients=50)
    began = clock.monotonic()
    await sent(fair, None, key(route="other"))
    assert clock.monotonic() == began


async def test_who_waits_when_the_relay_stops_is_put_off(fair):
    await sent(fair, recipients=50)
    waiting = [asyncio.create_task(ask(fair)) for ask in (kept_turn, kept_turn)]
    await settle()
    fair.stop()
    for got in await asyncio.gather(*waiting):
        assert isinstance(got, Deferred)
        assert (got.cause, got.reply) == (Cause.STOPPING, replies.STOPPING)
    assert (await turn(fair)).cause is Cause.STOPPING


# --- the backlog ----------------------------------------------------------------------------------


async def test_keys_are_claimed_for_two_seconds_of_the_rate(fair):
    fair.backlog(BULK, 9_000)
    fair.backlog(APP, 3)
    assert fair.eligible({}, room=100) == {APP: 3, BULK: 20}
    assert fair.eligible({BULK: 15, APP: 3}, room=100) == {BULK: 5}
    fair.backlog(APP, 0)
    assert fair.eligible({BULK: 20}, room=100) == {}


async def test_what_is_held_is_not_claimed(fair):
    fair.backlog(APP, 5)
    fair.backlog(key("other"), 5)
    fair.hold(Scope(ScopeKind.USER, "app"), "complaints")
    assert fair.eligible({}, room=100) == {key("other"): 5}
    fair.hold(ROUTE, "maintenance")
    assert fair.eligible({}, room=100) == {}


async def test_bulk_mail_is_not_claimed_without_quota(fair):
    fair.backlog(APP, 5)
    fair.backlog(BULK, 5)
    fair.account("default", state(rate=100, daily=100, sent=95))
    assert fair.eligible({}, room=100) == {APP: 5}


async def test_a_closed_route_is_claimed_for_by_one_probe_when_it_is_due(fair):
    fair.backlog(BULK, 9_000)
    fair.backlog(APP, 50)
    await sent(fair, deferred(Cause.CREDENTIALS), key("fresh"))
    assert fair.eligible({}, room=100) == {}
    fair.release(ROUTE)
    assert fair.eligible({}, room=100) == {APP: 1}
    assert fair.eligible({APP: 1}, room=100) == {}
    probe = await kept_turn(fair)
    assert fair.eligible({}, room=100) == {}
    fair.learn(probe, relayed())
    assert fair.eligible({}, room=100) == {APP: 20, BULK: 20}


async def test_a_removed_route_is_not_claimed(fair):
    fair.backlog(APP, 5)
    fair.configure({}, in_flight=10)
    assert fair.eligible({}, room=100) == {}


# --- fallbacks ------------------------------------------------------------------------------------


ROUTES = {
    "default": Route(region="eu-west-1", fallback="other"),
    "other": Route(region="eu-central-1", fallback="third"),
    "third": Route(region="us-east-1"),
}


def closing(fair, cause, route):
    """Let a scope of a route be refused for a cause."""
    scope = Scope(ScopeKind.ROUTE, route)
    fair._gates.close(scope, replace(deferred(cause), scope=scope))


async def test_the_first_open_fallback_stands_in_while_a_region_is_not_reached(fair):
    fair.configure(ROUTES, in_flight=10)
    assert fair.instead(APP, scopes(APP), fresh=False) is None
    closing(fair, Cause.NETWORK, "default")
    assert fair.instead(APP, scopes(APP), fresh=False) == "other"
    closing(fair, Cause.SERVICE, "other")
    assert fair.instead(APP, scopes(APP), fresh=False) == "third"
    closing(fair, Cause.NETWORK, "third")
    assert fair.instead(APP, scopes(APP), fresh=False) is None


@pytest.mark.parametrize("cause", [Cause.CREDENTIALS, Cause.ACCOUNT_PAUSED, Cause.QUOTA])
async def test_nothing_stands_in_for_an_account_that_refuses(fair, cause):
    fair.configure(ROUTES, in_flight=10)
    closing(fair, cause, "default")
    assert fair.instead(APP, scopes(APP), fresh=False) is None
    closing(fair, Cause.NETWORK, "default")


async def test_fresh_mail_stays_behind_what_is_due_of_its_key(fair):
    fair.configure(ROUTES, in_flight=10)
    closing(fair, Cause.NETWORK, "default")
    fair.backlog(APP, 1)
    assert fair.instead(APP, scopes(APP), fresh=True) is None
    assert fair.instead(APP, scopes(APP), fresh=False) == "other"
    fair.backlog(APP, 0)
    assert fair.instead(APP, scopes(APP), fresh=True) == "other"


async def test_a_hold_is_not_gone_around(fair):
    fair.configure(ROUTES, in_flight=10)
    closing(fair, Cause.NETWORK, "default")
    identity = Scope(ScopeKind.IDENTITY, "example.com", "default")
    fair.hold(identity, "ask first")
    assert fair.instead(APP, scopes(APP, identity), fresh=False) is None
    assert fair.instead(APP, scopes(APP), fresh=False) == "other"


async def test_kept_mail_is_claimed_as_the_route_that_stands_in_allows(fair):
    fair.configure(ROUTES, in_flight=10)
    fair.account("other", state(rate=10))
    fair.backlog(APP, 50)
    closing(fair, Cause.NETWORK, "default")
    assert fair.eligible({}, room=100) == {APP: 18}
    fair.hold(ROUTE, "ask first")
    assert fair.eligible({}, room=100) == {}
