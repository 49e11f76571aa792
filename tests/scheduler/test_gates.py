"""Gates close for the smallest scope, open by one probe, and holds stand above them."""

from datetime import timedelta

import pytest
from fakes import FakeClock
from ses_account import deferred, relayed

from relay.model import replies
from relay.model.entry import Held
from relay.model.outcome import Cause, Deferred, Failed, Scope, ScopeKind, Unknown
from relay.model.reply import Reply
from relay.scheduler import gates as module
from relay.scheduler.gates import JITTER, LATER, SOON, Gates
from relay.scheduler.notices import GateClosed, GateOpened

ROUTE = Scope(ScopeKind.ROUTE, "default")
USER = Scope(ScopeKind.USER, "app")
SET = Scope(ScopeKind.CONFIGURATION_SET, "app-a", "default")
MESSAGE = Scope(ScopeKind.MESSAGE, "q1")


class World:
    def __init__(self):
        self.clock = FakeClock()
        self.notices = []
        self.gates = Gates(self.clock, self.notices.append)

    def due(self, scope):
        """Wait until the next probe of a scope may go."""
        refusal = self.gates.closed()[scope]
        self.clock.advance(max(0.0, (refusal.not_before - self.clock.now()).total_seconds()) + 1e-3)

    def probe(self, outcome, *scopes):
        probes = self.gates.probe(scopes)
        assert probes == scopes
        for scope in probes:
            self.gates.learn(scope, outcome)


@pytest.fixture
def world():
    return World()


def test_what_is_not_closed_is_open(world):
    assert world.gates.obstacle((ROUTE, USER, SET)) is None
    assert world.gates.probe((ROUTE, USER, SET)) == ()


def test_a_closed_scope_stops_its_own_and_nobody_else(world):
    world.gates.close(SET, deferred(Cause.CONFIGURATION_SET, SET))
    assert world.gates.obstacle((ROUTE, USER)) is None
    obstacle = world.gates.obstacle((ROUTE, USER, SET))
    assert (obstacle.cause, obstacle.scope) == (Cause.CONFIGURATION_SET, SET)
    assert obstacle.not_before > world.clock.now()


def test_one_request_is_the_probe_and_nobody_follows_while_it_is_out(world):
    world.gates.close(SET, deferred(Cause.CONFIGURATION_SET, SET))
    world.due(SET)
    assert world.gates.obstacle((ROUTE, SET)) is None
    assert world.gates.probe((ROUTE, SET)) == (SET,)
    assert world.gates.obstacle((ROUTE, SET)).cause is Cause.CONFIGURATION_SET
    world.gates.learn(SET, relayed())
    assert world.gates.obstacle((ROUTE, SET)) is None
    assert isinstance(world.notices[-1], GateOpened)


def test_a_probe_that_was_never_made_leaves_the_next_one_due(world):
    world.gates.close(SET, deferred(Cause.CONFIGURATION_SET, SET))
    world.due(SET)
    world.probe(None, SET)
    assert world.gates.obstacle((SET,)) is None
    assert SET in world.gates.closed()


@pytest.mark.parametrize(("cause", "pauses"), [(Cause.NETWORK, SOON), (Cause.CREDENTIALS, LATER)])
def test_probes_grow_rarer_with_jitter_up_to_a_limit(world, cause, pauses):
    first, longest = pauses
    world.gates.close(ROUTE, deferred(cause))
    expected = first
    for _ in range(12):
        wait = (world.gates.closed()[ROUTE].not_before - world.clock.now()).total_seconds()
        assert (1 - JITTER) * expected <= wait <= (1 + JITTER) * expected
        world.due(ROUTE)
        world.probe(deferred(cause), ROUTE)
        expected = min(2 * expected, longest)
    assert expected == longest


def test_a_time_that_ses_names_is_waited_for(world):
    until = world.clock.now() + timedelta(hours=3)
    refusal = Deferred(cause=Cause.QUOTA, scope=ROUTE, reply=replies.QUOTA_USED, not_before=until)
    world.gates.close(ROUTE, refusal)
    assert world.gates.closed()[ROUTE].not_before == until
    assert world.notices[-1] == GateClosed(
        scope=ROUTE, cause=Cause.QUOTA, not_before=until, detail=""
    )


def test_refusals_that_come_late_do_not_move_a_closed_gate(world):
    world.gates.close(ROUTE, deferred(Cause.CREDENTIALS))
    before = world.gates.closed()
    for _ in range(50):
        world.gates.close(ROUTE, deferred(Cause.ACCOUNT_PAUSED))
    assert world.gates.closed() == before
    assert len(world.notices) == 1


FAILED = Failed(reply=Reply(554, "5.6.0", "Malformed"))
UNKNOWN = Unknown(reply=Reply(451, "4.4.2", "No answer"))


@pytest.mark.parametrize(
    ("closed_by", "outcome", "then"),
    [
        (Cause.NETWORK, FAILED, "open"),  # SES was reached
        (Cause.NETWORK, deferred(Cause.RATE), "open"),
        (Cause.NETWORK, deferred(Cause.CONFIGURATION_SET, SET), "open"),
        (Cause.NETWORK, deferred(Cause.CREDENTIALS), "longer"),
        (Cause.NETWORK, deferred(Cause.SERVICE, MESSAGE), "longer"),
        (Cause.NETWORK, UNKNOWN, "longer"),
        (Cause.SERVICE, deferred(Cause.NETWORK, MESSAGE), "longer"),
        (Cause.CREDENTIALS, FAILED, "open"),
        (Cause.CREDENTIALS, deferred(Cause.CREDENTIALS), "longer"),
        (Cause.CREDENTIALS, deferred(Cause.NETWORK, MESSAGE), "again"),
        (Cause.CREDENTIALS, UNKNOWN, "again"),
        (Cause.CREDENTIALS, deferred(Cause.PERMISSION, SET), "open"),
        (Cause.QUOTA, FAILED, "again"),
        (Cause.QUOTA, deferred(Cause.RATE), "again"),
        (Cause.QUOTA, deferred(Cause.QUOTA), "longer"),
        (Cause.ACCOUNT_PAUSED, deferred(Cause.UNCLASSIFIED, MESSAGE), "again"),
        (Cause.ACCOUNT_PAUSED, deferred(Cause.CREDENTIALS), "longer"),
        (Cause.ACCOUNT_PAUSED, deferred(Cause.STOPPING), "due"),
        (Cause.ACCOUNT_PAUSED, deferred(Cause.WAITING, USER), "due"),
    ],
    ids=lambda value: getattr(value, "word", None) or str(getattr(value, "cause", value))[:30],
)
def test_what_a_probe_shows(world, closed_by, outcome, then):
    world.gates.close(ROUTE, deferred(closed_by))
    pause = world.gates._gates[ROUTE].pause
    world.due(ROUTE)
    world.probe(outcome, ROUTE)
    gate = world.gates._gates.get(ROUTE)
    if gate is None:
        shown = "open"
    elif world.gates.obstacle((ROUTE,)) is None:
        shown = "due"
    else:
        shown = "longer" if gate.pause > pause else "again"
    assert shown == then


def test_the_reason_shown_is_the_last_one(world):
    world.gates.close(ROUTE, deferred(Cause.NETWORK))
    world.due(ROUTE)
    world.probe(deferred(Cause.CREDENTIALS), ROUTE)
    refusal = world.gates.closed()[ROUTE]
    assert refusal.cause is Cause.CREDENTIALS
    # What somebody has to mend is not asked about every second.
    assert refusal.not_before - world.clock.now() >= timedelta(seconds=LATER[0] * (1 - JITTER))


def test_those_who_were_not_tried_hear_no_lost_answer_and_no_foreign_request_id(world):
    lost = Deferred(
        cause=Cause.LOST_ANSWER, scope=MESSAGE, reply=UNKNOWN.reply, ses_request_id="r-1"
    )
    world.gates.close(ROUTE, lost)
    obstacle = world.gates.obstacle((ROUTE,))
    assert (obstacle.cause, obstacle.scope) == (Cause.SERVICE, ROUTE)
    assert obstacle.ses_request_id == ""


def test_one_request_may_probe_several_scopes_but_only_when_all_are_due(world):
    world.gates.close(SET, deferred(Cause.CONFIGURATION_SET, SET))
    world.due(SET)
    world.gates.close(ROUTE, deferred(Cause.NETWORK))
    assert world.gates.obstacle((ROUTE, SET)).scope == ROUTE
    world.due(ROUTE)
    world.probe(relayed(), ROUTE, SET)
    assert world.gates.closed() == {}


def test_an_invitation_brings_the_probe_forward(world):
    world.gates.close(ROUTE, deferred(Cause.ACCOUNT_PAUSED))
    world.gates.invite(ROUTE)
    world.gates.invite(SET)
    assert world.gates.obstacle((ROUTE,)) is None
    assert ROUTE in world.gates.closed()


def test_a_hold_stops_a_scope_and_is_never_probed(world):
    world.gates.hold(USER, Held(reason="too many complaints"))
    world.clock.advance(30 * 86_400)
    obstacle = world.gates.obstacle((ROUTE, USER))
    assert (obstacle.cause, obstacle.scope, obstacle.reply) == (Cause.HELD, USER, replies.HELD)
    assert obstacle.detail == "too many complaints"
    assert world.gates.probe((ROUTE, USER)) == ()
    assert world.gates.release(USER) == Held(reason="too many complaints")
    assert world.gates.obstacle((ROUTE, USER)) is None


def test_a_hold_ends_by_its_time(world):
    until = world.clock.now() + timedelta(hours=1)
    world.gates.hold(USER, Held(reason="night", until=until))
    assert world.gates.obstacle((USER,)).not_before == until
    assert set(world.gates.holds()) == {USER}
    world.clock.advance(3600)
    assert world.gates.obstacle((USER,)) is None
    assert world.gates.holds() == {}
    assert world.gates.release(USER) is None


def test_a_second_hold_replaces_the_first(world):
    world.gates.hold(USER, Held(reason="first"))
    world.gates.hold(USER, Held(reason="second"))
    assert world.gates.release(USER) == Held(reason="second")
    assert world.gates.release(USER) is None


def test_a_release_of_a_closed_scope_lets_a_probe_go(world):
    world.gates.close(SET, deferred(Cause.CONFIGURATION_SET, SET))
    assert world.gates.release(SET) is None
    assert world.gates.obstacle((SET,)) is None
    world.probe(deferred(Cause.CONFIGURATION_SET, SET), SET)
    assert world.gates.obstacle((SET,)) is not None


def test_gates_that_nobody_asks_for_do_not_pile_up(world, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10)
    for number in range(50):
        scope = Scope(ScopeKind.CONFIGURATION_SET, f"guess-{number}", "default")
        world.gates.close(scope, deferred(Cause.CONFIGURATION_SET, scope))
        world.clock.advance(60)
    assert len(world.gates.closed()) == 10
    assert scope in world.gates.closed()
