"""What is not as it should be is said while the relay runs, and logged when it changes."""

import asyncio
from datetime import timedelta

import pytest
from fakes import START
from smtp_fakes import Lines, certificate_files

from relay.model.settings import (
    DkimKey,
    Listener,
    NoStore,
    Queue,
    Route,
    Secret,
    Settings,
    TcpBind,
    TlsMode,
)
from relay.model.unanswered import Why
from relay.service.check.check import check_day, check_machine
from relay.service.check.finding import fault, ok, unasked, warning
from relay.service.dkim import make_key
from relay.service.dns_texts import NoAnswer
from relay.service.standing import Standing, Times
from relay.stores.none import NoHistory
from relay.telemetry import Metrics, Telemetry

pytestmark = pytest.mark.fake_time

TIMES = Times(first=30.0, well=3_600.0, ill=600.0)
ABOUT = "routes.default configuration set news"
PAUSED = fault(ABOUT, "its sending is paused", "enable sending for it in SES")
GONE = fault(ABOUT, "does not exist", "make it there")


def settings(files=None, **changes):
    known = {
        "listeners": (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.IMPLICIT),),
        "tls": files,
        "routes": {"default": Route(region="eu-west-1")},
        "queue": Queue(store=NoStore()),
    }
    return Settings(**{**known, **changes})


@pytest.fixture
def log():
    return Lines()


@pytest.fixture
def standing(clock, log):
    """Give a maker of standing checks."""

    def made(checks, known=None, chance=0.5):
        telemetry = Telemetry(
            log=log,
            metrics=Metrics(),
            history=NoHistory(),
            clock=clock,
        )
        return Standing(
            settings=lambda: known or settings(),
            checks=checks,
            times=TIMES,
            telemetry=telemetry,
            clock=clock,
            chance=lambda: chance,
        )

    return made


class Checks:
    """Findings that a test changes."""

    def __init__(self, *findings):
        self.findings = findings
        self.rounds = 0

    async def __call__(self, _settings):
        self.rounds += 1
        for finding in self.findings:
            yield finding


def told(log):
    lines = log.named("account.changed")
    return [(line["what"], line.get("old", ""), line["new"]) for line in lines]


async def test_a_certificate_that_ends_soon_is_a_warning(standing, clock):
    files = certificate_files()  # for a day
    checked = standing(lambda known: check_day(known, clock), settings(files))
    await checked.look()
    [found] = checked.warnings
    assert f"tls {files.certificate[0]} expire" in found
    assert "renew it" in found


async def test_a_listener_without_tls_needs_no_certificate(standing, clock):
    plain = (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.OFF),)
    known = settings(certificate_files(), listeners=plain)
    checked = standing(lambda known: check_day(known, clock), known)
    await checked.look()
    assert checked.warnings == ()


async def test_a_key_is_held_against_the_dns_and_a_silent_dns_says_nothing(standing, clock):
    plain = (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.OFF),)
    key = DkimKey(domain="example.com", selector="s1", key=Secret(make_key(1024).decode()))
    answers = [NoAnswer("no DNS server answered"), (), NoAnswer("no DNS server answered")]

    async def published(_name):
        return answers.pop(0)

    checked = standing(
        lambda known: check_machine(known, published, clock), settings(listeners=plain, dkim=(key,))
    )
    await checked.look()
    assert checked.warnings == ()
    for _ in range(2):
        await checked.look()
        [found] = checked.warnings
        assert found.startswith("dkim s1._domainkey.example.com no TXT record is published")


async def test_a_finding_is_told_when_it_comes_changes_and_goes(standing, log):
    checks = Checks(PAUSED)
    checked = standing(checks)
    await checked.look()
    await checked.look()
    assert told(log) == [(ABOUT, "", f"fault: {PAUSED.says}; {PAUSED.fix}")]
    checks.findings = (GONE,)
    await checked.look()
    checks.findings = (ok(ABOUT, "is there"),)
    await checked.look()
    await checked.look()
    assert told(log)[1:] == [
        (ABOUT, f"fault: {PAUSED.says}", f"fault: {GONE.says}; {GONE.fix}"),
        (ABOUT, f"fault: {GONE.says}", "ok"),
    ]
    assert checked.warnings == ()


async def test_two_findings_about_one_thing_are_both_told(standing, log):
    checks = Checks(warning("tls a.pem", "expires on Monday", "renew it"), ok("tls a.pem", "fits"))
    checked = standing(checks)
    await checked.look()
    other = warning("tls a.pem", "is not for relay.example.com", "add the name")
    checks.findings = (*checks.findings, other)
    await checked.look()
    assert [new for _, _, new in told(log)] == [
        "warning: expires on Monday; renew it",
        "warning: is not for relay.example.com; add the name",
    ]
    assert len(checked.warnings) == 2


async def test_a_number_that_moves_is_no_news(standing, log):
    checks = Checks(warning("queue.store", "1,024 MiB are free", "make room"))
    checked = standing(checks)
    await checked.look()
    checks.findings = (warning("queue.store", "1,011.5 MiB are free", "make room"),)
    await checked.look()
    assert len(told(log)) == 1
    assert checked.warnings == ("queue.store 1,011.5 MiB are free: make room",)


async def test_what_could_not_be_found_out_leaves_what_was_known(standing, log):
    silent = unasked(ABOUT, "cannot be asked about: slow down", "allow it", Why.THROTTLED)
    checks = Checks(silent)
    checked = standing(checks)
    await checked.look()
    assert told(log) == []
    checks.findings = (GONE,)
    await checked.look()
    checks.findings = (silent,)
    await checked.look()
    assert len(told(log)) == 1
    assert checked.warnings == (f"{ABOUT} {GONE.says}: {GONE.fix}",)


async def test_what_the_role_may_not_ask_is_told_once_and_no_warning(standing, log):
    denied = unasked(ABOUT, "cannot be asked about: denied", "allow ses:GetX", Why.DENIED)
    checked = standing(Checks(denied))
    await checked.look()
    await checked.look()
    assert [about for about, _, _ in told(log)] == [ABOUT]
    assert checked.warnings == ()


@pytest.mark.parametrize(("chance", "first", "well"), [(0.0, 0, 2_700), (0.5, 15, 3_600)])
async def test_it_looks_soon_after_the_start_and_then_now_and_then(
    standing, clock, chance, first, well
):
    checks = Checks()
    running = asyncio.create_task(standing(checks, chance=chance).run())
    await clock.sleep(first - 0.5)
    assert checks.rounds == 0 or not first
    await clock.sleep(1)
    assert checks.rounds == 1
    await clock.sleep(well - 2)
    assert checks.rounds == 1
    await clock.sleep(2)
    assert checks.rounds == 2
    running.cancel()


async def test_it_looks_sooner_while_something_is_wrong_and_after_a_reload(standing, clock):
    checks = Checks(PAUSED)
    checked = standing(checks)
    running = asyncio.create_task(checked.run())
    await clock.sleep(16)
    await clock.sleep(TIMES.ill)
    assert checks.rounds == 2
    checked.again()
    await clock.sleep(1)
    assert checks.rounds == 3
    running.cancel()


async def test_a_key_whose_time_ends_while_the_relay_runs_is_seen(standing, clock):
    ends = START + timedelta(seconds=1.5 * TIMES.well)
    key = DkimKey(
        domain="example.com", selector="s1", key=Secret(make_key(1024).decode()), active_until=ends
    )
    plain = (Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.OFF),)
    known = settings(listeners=plain, dkim=(key,))
    checked = standing(lambda known: check_day(known, clock), known)
    running = asyncio.create_task(checked.run())
    await clock.sleep(1 + TIMES.well)
    assert checked.warnings == ()
    await clock.sleep(TIMES.well + TIMES.first)
    running.cancel()
    assert "has not signed since 2026-11-21" in checked.warnings[0]


async def test_a_check_that_trips_over_something_does_not_end_the_checks(standing, clock, log):
    checks = Checks(PAUSED)

    async def tripping(known):
        if checks.rounds == 0:
            checks.rounds += 1
            raise KeyError("a bug")
        async for finding in checks(known):
            yield finding

    checked = standing(tripping)
    running = asyncio.create_task(checked.run())
    await clock.sleep(2 * TIMES.well)
    [line] = log.named("relay.fault")
    assert line["where"] == "checks"
    assert checked.warnings
    running.cancel()
    await asyncio.wait([running])
