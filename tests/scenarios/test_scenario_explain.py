"""`explain` says what the relay does: both are shown the same mail, rule by rule.

Every condition of a rule meets every action, once fitting and once not. The real way is a relay on
sockets with a simulated SES behind it; compared are all replies, what SES was told, and the header
that SES was given. Only ids, times and signatures' octets may differ.
"""

import base64
import itertools
import re
from dataclasses import dataclass
from difflib import unified_diff
from ipaddress import ip_address, ip_network

import pytest
from relay_world import LOCAL, relaying, route, settings, simulated, until

from relay.model.address import Address
from relay.model.clock import SystemClock
from relay.model.settings import (
    Actions,
    AddressPattern,
    AuthMode,
    ClearPassword,
    Conditions,
    DkimKey,
    Glob,
    Lane,
    Listener,
    Rule,
    Secret,
    SqliteStore,
    TcpBind,
    TlsMode,
    User,
)
from relay.service.dkim import make_key
from relay.service.explain import Attempted, explain
from relay.service.snapshot import snapshot_of
from relay.simulator import ConfigurationSet
from relay.stores.none import NoSuppression

PASSWORD = "secret"
OTHER = "c@other.example"  # a second recipient, whom the conditions on recipients never fit
CHOSEN = Address("chosen", "example.com")

# What a rule asks for, besides its user.
CONDITIONS = {
    "user": Conditions(),
    "recipient": Conditions(recipient=(AddressPattern("*@hit.example"),)),
    "author": Conditions(author=(AddressPattern("hit@example.com"),)),
    "sender": Conditions(sender=(AddressPattern("hit@example.com"),)),
    "network": Conditions(network=(ip_network("127.0.0.0/8"),)),
    "other-network": Conditions(network=(ip_network("10.0.0.0/8"),)),
    "listener": Conditions(listener=(Glob("insi*"),)),
    "other-listener": Conditions(listener=(Glob("outside"),)),
    "header": Conditions(header={"X-Env": Glob("hit*")}),
    "larger-than": Conditions(larger_than=2000),
}
ACTIONS = {
    "reject": Actions(reject="Not like this"),
    "discard": Actions(discard=True),
    "hold": Actions(hold=True),
    "redirect": Actions(redirect=(CHOSEN, Address("second", "example.com"))),
    "rewrite-from": Actions(rewrite_from=CHOSEN),
    "rewrite-sender": Actions(rewrite_sender=CHOSEN),
    "add-header": Actions(add_header={"X-Added": "yes"}),
    "remove-header": Actions(remove_header=("X-Env",)),
    "route": Actions(route="other"),
    "lane": Actions(lane=Lane.BULK),
    "configuration-set": Actions(configuration_set="chosen"),
    "tags": Actions(tags={"rule": "yes"}),
}


@dataclass(frozen=True)
class Case:
    """One condition, one action, and mail that fits the condition or not."""

    condition: str
    action: str
    fits: bool

    @property
    def name(self):
        return f"{self.condition}.{self.action}.{'hit' if self.fits else 'miss'}"

    @property
    def word(self):
        return "hit" if self.fits else "miss"

    @property
    def sender(self):
        return f"{self.word}@example.com"

    @property
    def recipients(self):
        return (f"b@{self.word}.example", OTHER)

    @property
    def octets(self):
        filling = b"x" * 70 + b"\r\n"
        return (
            f"From: Grüße <{self.word}@example.com>\r\nTo: b@example.org\r\n"
            f"X-Env: {self.word}\r\nBcc: hidden@example.org\r\nSubject: {self.name}\r\n\r\n"
        ).encode() + filling * (40 if self.fits else 1)


CASES = [Case(*parts) for parts in itertools.product(CONDITIONS, ACTIONS, (True, False))]


def rule(case):
    when = CONDITIONS[case.condition]
    known = {name: getattr(when, name) for name in when.__dataclass_fields__}
    return Rule(
        name=case.name,
        when=Conditions(**{**known, "user": (Glob(case.name),)}),
        then=ACTIONS[case.action],
    )


def user(name):
    everything = (AddressPattern("*@example.com"),)
    return User(name=name, password=ClearPassword(Secret(PASSWORD)), senders=everything)


def configuration(url, folder, pem):
    return settings(
        url,
        store=SqliteStore(folder),
        users=(*(user(case.name) for case in CASES), LOCAL),
        rules=tuple(rule(case) for case in CASES),
        routes={"default": route(url), "other": route(url, recipients_per_request=1)},
        dkim=(DkimKey(domain="example.com", selector="s1", key=Secret(pem)),),
        listeners=(
            Listener(
                bind=TcpBind("127.0.0.1", 0),
                name="inside",
                tls=TlsMode.OFF,
                auth=AuthMode.OPTIONAL,
                cleartext_auth=True,
                networks=(ip_network("127.0.0.0/8"),),
            ),
        ),
    )


@dataclass
class Real:
    """The relay that runs, and the account behind it."""

    world: object
    ses: object
    snapshot: object

    async def replies(self, case):
        """Go through the session that `explain` walks; gives what it heard."""
        async with self.world.line(ehlo="client") as line:
            heard = [line.greeting]
            login = base64.b64encode(f"\0{case.name}\0{PASSWORD}".encode()).decode()
            heard.append(await line.say(f"AUTH PLAIN {login}"))
            heard.append(await line.say(f"MAIL FROM:<{case.sender}> SIZE={len(case.octets)}"))
            for recipient in case.recipients:
                heard.append(await line.say(f"RCPT TO:<{recipient}>"))
            if not any(reply.startswith("250 ") for reply in heard[3:]):
                return heard
            heard.append(await line.say("DATA"))
            if heard[-1].startswith("354 "):
                line.writer.write(case.octets + b".\r\n")
                heard.append(await line.reply())
            return heard

    def sent(self, case):
        """Give what SES was told of a case's mail."""
        return [
            message
            for message in self.ses.messages
            if ("relay-user", case.name.replace(".", "_")) in message.tags
        ]

    def log(self, event, case):
        return self.world.lines(event, user=case.name)


async def explained(real, case):
    attempted = Attempted(
        sender=case.sender,
        recipients=case.recipients,
        octets=case.octets,
        user=case.name,
        address=ip_address("127.0.0.1"),
        listener=real.snapshot.settings.listeners[0],
    )
    return await explain(real.snapshot, attempted, NoSuppression(), SystemClock())


# Queue ids, SES's ids, dates, and what signatures make of them.
CHANGING = (
    (re.compile(r"(Ok(: queued as)?) \S+$"), r"\1 ID"),
    (re.compile(r"\b0[0-9a-z]{15}\b"), "ID"),
    (re.compile(r"\w{3}, \d{1,2} \w{3} \d{4} [\d:]{8} \+0000"), "DATE"),
    (re.compile(r"\b(t|b)=[^;]*"), r"\1=..."),
)


def settled(text):
    for pattern, instead in CHANGING:
        text = pattern.sub(instead, text)
    return text


def settled_header(diff):
    """Unfold the fields of a diff and settle each, since signatures fold where they like."""
    unfolded = re.sub(r"\n[-+ ]?[ \t]+", " ", "\n".join(diff))
    return [re.sub(r"\s", "", settled(line)) for line in unfolded.split("\n")]


def lines(header):
    return [line.decode("utf-8", "replace") for line in header.split(b"\r\n") if line]


def told(message, received):
    """Put what SES was told in the words of `explain`."""
    header, _, body = bytes(message.raw).partition(b"\r\n\r\n")
    old, _, old_body = received.partition(b"\r\n\r\n")
    diff = unified_diff(lines(old), lines(header), "as received", "as sent", lineterm="", n=1)
    tags = sorted((name, settled(value)) for name, value in message.tags)
    return (
        message.source,
        message.destinations,
        message.configuration_set,
        tags,
        settled_header(diff),
        body == old_body,
    )


def planned(story):
    for message in story.messages:
        if message.held is not None:
            continue
        for request in message.requests:
            assert request.operation == "SendRawEmail"
            known = request.parameters
            yield (
                known["Source"],
                tuple(known["Destinations"]),
                known.get("ConfigurationSetName"),
                sorted((tag["Name"], settled(tag["Value"])) for tag in known["Tags"]),
                settled_header(message.diff.splitlines()),
                message.body.startswith("as received"),
            )


async def compare(real, case):
    """Show both the same mail."""
    story = await explained(real, case)
    assert story.faults == []
    heard = await real.replies(case)
    assert [settled(str(stage.reply)) for stage in story.stages] == [*map(settled, heard)]
    expected = sorted(planned(story), key=repr)
    await until(lambda: len(real.sent(case)) >= len(expected))
    assert sorted((told(one, case.octets) for one in real.sent(case)), key=repr) == expected
    held = [message.held.reason for message in story.messages if message.held]
    assert [line["reason"] for line in real.log("message.held", case)] == held
    discarded = [line["reason"] for line in real.log("message.discarded", case)]
    assert [reason for _, reason in story.left_out] == discarded
    return story


@pytest.fixture(scope="module")
def pem():
    return make_key(1024).decode()


@pytest.fixture
def no_sync(monkeypatch):
    """Durability is tested elsewhere, and a busy disk would set the pace here."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


async def test_explain_says_what_the_relay_does(tmp_path, pem, no_sync):
    sets = {"chosen": ConfigurationSet()}
    async with simulated(configuration_sets=sets) as ses:
        known = configuration(ses.url, tmp_path, pem)
        async with relaying(known) as world:
            real = Real(world, ses, snapshot_of(known))
            stories = {case: await compare(real, case) for case in CASES}
            assert len(ses.messages) == sum(len([*planned(story)]) for story in stories.values())
    matched = {case: any(one.rules for one in story.recipients) for case, story in stories.items()}
    for case, found in matched.items():
        always = case.condition in {"user", "network", "listener"}
        never = case.condition.startswith("other-")
        assert found is ((case.fits or always) and not never), case
