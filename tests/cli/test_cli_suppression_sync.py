"""`suppression sync`: the accounts' lists and ours, brought together by hand."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from served import served
from stored import new

from relay.cli.suppression_sync import Shown, progress_bar
from relay.simulator import (
    Account,
    Denial,
    Fail,
    Fault,
    Simulator,
    Suppressed,
    SuppressionReason,
)

A, B = "a@example.org", "b@example.org"
NOTHING = dict.fromkeys(("read", "added", "removed", "put", "deleted", "refused"), 0)


class Ses:
    """A simulated account with the list of one Region."""

    def __init__(self, simulator, url):
        self.simulator = simulator
        self.url = url

    def holds(self, *addresses):
        entries = [
            Suppressed(
                address=address,
                reason=SuppressionReason.BOUNCE,
                since=self.simulator.service.clock(),
            )
            for address in addresses
        ]
        self.simulator.account = self.simulator.account.suppressing(entries)

    def change(self, **changes):
        self.simulator.account = replace(self.simulator.account, **changes)

    @property
    def listed(self):
        return set(self.simulator.account.suppressed)


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulator")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def ses(typed):
    typed.keep(new("a"))
    simulator = Simulator(Account(), clock=typed.clock.now)
    with served(simulator) as url:
        configure(typed, "sync", url)
        yield Ses(simulator, url)


def configure(typed, mode, *urls):
    names = ["default", "second", "third"]
    routes = ", ".join(
        f'{name}: {{region: eu-west-1, endpoint_url: "{url}"}}'
        for name, url in zip(names, urls, strict=False)
    )
    typed.config.write_text(
        'listeners: [{bind: "127.0.0.1:2525", tls: off, auth: off, networks: 127.0.0.0/8}]\n'
        f'routes: {{{routes}}}\nqueue: {{store: "sqlite:///store"}}\n'
        f"suppression: {{account_list: {mode}}}\n"
    )


def listed(typed):
    return {one["address"]: one["reason"] for one in typed.run("suppression list --json").json}


def sums(answer):
    return {name: n for name, n in answer.json.items() if name != "lists" and n}


def test_both_lists_become_one_and_stay_so(typed, ses):
    ses.holds(A)
    typed.run(f"suppression add {B}")
    answer = typed.run("suppression sync --json")
    assert (answer.code, answer.err) == (0, "")
    assert sums(answer) == {"read": 1, "added": 1, "put": 1}
    assert answer.json["lists"] == [
        {
            "list": "123456789012/eu-west-1",
            "routes": ["default"],
            **NOTHING,
            "read": 1,
            "added": 1,
            "put": 1,
            "troubles": [],
        }
    ]
    assert listed(typed) == {A: "ses_account_list", B: "manual"}
    assert ses.listed == {A, B}
    assert sums(typed.run("suppression sync --json")) == {"read": 2}


def test_what_it_did_is_shown_as_a_table(typed, ses):
    ses.holds(A)
    titles, row = typed.run("suppression sync").lines
    assert titles.split() == [
        *("ACCOUNT", "AND", "REGION", "ROUTES"),
        *("READ", "ADDED", "REMOVED", "PUT", "DELETED", "REFUSED"),
    ]
    assert row.split() == ["123456789012/eu-west-1", "default", "1", "1", "0", "0", "0", "0"]


def test_a_removal_goes_both_ways(typed, ses):
    ses.holds(A, B)
    typed.run("suppression sync")
    assert typed.run(f"suppression remove {A}").err == ""
    ses.change(suppressed={A: ses.simulator.account.suppressed[A]})
    typed.clock.advance(11 * 60)
    assert sums(typed.run("suppression sync --json")) == {"read": 1, "deleted": 1, "removed": 1}
    assert (listed(typed), ses.listed) == ({}, set())
    life = typed.run(f"trace {B} --json").json["events"]
    assert [(event["event"], event["by"]) for event in life] == [("suppression.removed", "account")]


@pytest.mark.parametrize("mode", ["off", "read", "sync"])
def test_reading_alone_changes_nothing_at_ses(typed, ses, mode):
    configure(typed, mode, ses.url)
    ses.holds(A)
    typed.run(f"suppression add {B}")
    assert sums(typed.run("suppression sync --read-only --json")) == {"read": 1, "added": 1}
    assert ses.listed == {A}


def test_a_removal_that_ses_will_not_heed_says_so(typed, ses):
    configure(typed, "read", ses.url)
    ses.holds(A)
    typed.run("suppression sync")
    answer = typed.run(f"suppression remove {A}")
    assert (answer.code, answer.out) == (0, "1 address removed\n")
    assert answer.err == (
        f"{A} is on the list of account 123456789012, so that SES sends it nothing: aws sesv2 "
        f"delete-suppressed-destination --region eu-west-1 --email-address {A}\n"
    )


def test_off_is_refused_with_what_to_write(typed, ses):
    configure(typed, "off", ses.url)
    answer = typed.run("suppression sync")
    assert answer.code == 2
    assert answer.err == (
        "suppression.account_list is off; write read or sync there, or try --read-only\n"
    )


def test_a_lacking_permission_ends_it_with_the_action(typed, ses):
    typed.run(f"suppression add {A}")
    ses.change(denied=(Denial(action="ses:PutSuppressedDestination"),))
    answer = typed.run("suppression sync --json")
    assert answer.code == 1
    assert answer.err.startswith("default: PutSuppressedDestination: HTTP 403 AccessDenied")
    assert answer.err.endswith("; allow ses:PutSuppressedDestination\n")
    [trouble] = answer.json["lists"][0]["troubles"]
    assert trouble["fix"] == "allow ses:PutSuppressedDestination"
    ses.change(denied=())
    assert sums(typed.run("suppression sync --json")) == {"put": 1}


def test_credentials_that_aws_does_not_take(typed, ses):
    ses.change(credentials={"other": "secret"})
    answer = typed.run("suppression sync --json")
    assert answer.code == 1
    assert answer.err.startswith("default: GetCallerIdentity: ")
    assert "give the route credentials that AWS takes" in answer.err
    assert answer.json["lists"][0]["list"] is None


def test_a_list_that_lost_most_of_it_is_followed_by_word(typed, ses):
    many = [f"a{n:03}@example.org" for n in range(150)]
    ses.holds(*many)
    typed.run("suppression sync")
    ses.change(suppressed={})
    typed.clock.advance(11 * 60)
    answer = typed.run("suppression sync")
    assert answer.code == 1
    assert "has lost 150 of 150 addresses at once" in answer.err
    assert len(listed(typed)) == 150
    answer = typed.run("suppression sync --all-removals --json")
    assert (answer.code, sums(answer)) == (0, {"removed": 150})
    assert not listed(typed)


def test_each_account_has_its_list_and_is_asked_once(typed, ses):
    with served(Simulator(Account(account_id="210987654321"), clock=typed.clock.now)) as url:
        configure(typed, "sync", ses.url, url, ses.url)
        ses.holds(A)
        typed.run(f"suppression add {B}")
        answer = typed.run("suppression sync --json")
        assert [(one["list"], one["routes"], one["put"]) for one in answer.json["lists"]] == [
            ("123456789012/eu-west-1", ["default", "third"], 1),
            ("210987654321/eu-west-1", ["second"], 1),
        ]


def test_an_address_that_ses_does_not_take_is_counted(typed, ses):
    typed.run(f"suppression add {A} {B}")
    refused = Fail(code="BadRequestException", message="Illegal address", status=400)
    ses.simulator.faults.add(Fault(operation="PutSuppressedDestination", times=1, then=refused))
    answer = typed.run("suppression sync --json")
    assert (answer.code, sums(answer)) == (0, {"put": 1, "refused": 1})
    assert sums(typed.run("suppression sync --json")) == {"read": 1, "put": 1}


def test_a_profile_that_does_not_exist_is_a_wrong_configuration(typed, ses):
    text = typed.config.read_text()
    typed.config.write_text(text.replace("region:", "profile: nobody, region:"))
    answer = typed.run("suppression sync")
    assert answer.code == 2
    assert "nobody" in answer.err


def drawn(**console):
    written = io.StringIO()
    with progress_bar(Console(file=written, width=120, **console)) as bar:
        shown = Shown(bar)
        for done in (1, 250, 1_000):
            shown("123456789012/eu-west-1", done, 1_000)
        shown("210987654321/eu-west-1", 3, 7)
    return written.getvalue()


def test_a_terminal_sees_how_far_each_list_is():
    text = drawn(force_terminal=True)
    for words in ("123456789012/eu-west-1", "1000/1000", "addresses", "3/7"):
        assert words in text


def test_a_file_sees_no_bar():
    assert drawn(force_terminal=False) == ""
