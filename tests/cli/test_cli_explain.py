"""`explain` as it is typed; that it says what the relay does is tested among the scenarios."""

import asyncio
from datetime import UTC, datetime

import pytest
from postgres_server import PostgresServer

from relay.model.clock import SystemClock
from relay.model.ports import Suppressed
from relay.stores.postgresql.opening import open_node

MAIL = b"From: a@example.com\nTo: b@example.org\nBcc: hidden@example.org\nSubject: Hi\n\nHello\n"
CONFIG = """\
hostname: relay.example.com
listeners:
  - {{bind: "127.0.0.1:2525", name: inside, tls: off, auth: optional, cleartext_auth: true,
     networks: ["127.0.0.0/8", "10.0.0.0/8"]}}
  - {{bind: "127.0.0.1:2587", name: outside}}
tls: {{certificate: cert.pem, key: key.pem, client_ca: cert.pem}}
users:
  - {{name: tickets, password: {{secret: x}}, senders: ["*@example.com", "<>"],
     networks: 127.0.0.0/8}}
  - {{name: devices, identify_by: network, networks: 10.0.0.0/8, senders: "*@example.com"}}
  - {{name: ledger, identify_by: certificate, certificates: [ledger.example.com],
     senders: "*@example.com"}}
routes:
  default: {{region: eu-west-1, recipients_per_request: 2, null_sender: null@example.com}}
  large: {{region: us-east-1, api: v2, tenant: t1}}
queue: {{store: "{store}"}}
rules:
  - {{name: far, when: {{recipient: "*@far.example"}}, then: {{route: large}}}}
  - {{name: review, when: {{header: {{Subject: "Review*"}}}}, then: {{hold: true}}}}
  - {{name: nowhere, when: {{recipient: "*@nowhere.example"}}, then: {{discard: true}}}}
"""


@pytest.fixture
def asked(typed):
    """Write a configuration and a message, and give what explains it."""
    for name in ("cert.pem", "key.pem"):
        (typed.folder / name).write_text("not read here")
        (typed.folder / name).chmod(0o600)
    typed.config.write_text(CONFIG.format(store="sqlite:///store"))
    file = typed.folder / "mail.eml"
    file.write_bytes(MAIL)

    def run(*words, sender="a@example.com", to=("b@example.org",), as_json=True):
        recipients = [word for address in to for word in ("--to", address)]
        more = ["--json"] if as_json else []
        return typed.run("explain", file, "--from", sender, *recipients, *words, *more)

    run.file, run.typed = file, typed
    return run


def test_the_whole_story_for_people(asked):
    answer = asked("--user", "tickets", to=("b@example.org", "x@nowhere.example"), as_json=False)
    assert answer.code == 0
    out = answer.out
    stages = [line.split("  ", 1)[0] for line in answer.lines[2:9]]
    assert stages[1:] == [
        *("connect from 127.0.0.1", "AUTH as tickets", "MAIL FROM:<a@example.com>"),
        *("RCPT TO:<b@example.org>", "RCPT TO:<x@nowhere.example>", "DATA"),
    ]
    assert "listener inside, user tickets" in out
    assert "250 2.0.0 Ok MESSAGE-ID-OF-SES\n" in out
    assert "x@nowhere.example  discard   nowhere" in out
    assert "left out: x@nowhere.example, rule nowhere" in out
    assert "message 1: route default (eu-west-1), lane transactional\n" in out
    assert "  -Bcc: hidden@example.org\n" in out
    assert "  +Received: from client ([127.0.0.1])\n" in out
    assert "  body: as received, 7 octets\n" in out
    assert "  SendRawEmail\n    Source: a@example.com\n    Destinations: ['b@example.org']\n" in out


def test_the_whole_story_for_programs(asked):
    story = asked("--user", "tickets", to=("b@example.org", "c@far.example")).json
    assert story["accepted"] is True
    assert [stage["said"] for stage in story["stages"]][-2:] == ["DATA", "end of data"]
    assert "queued as" in story["stages"][-1]["heard"]
    near, far = story["messages"]
    assert (near["route"], far["route"], far["region"]) == ("default", "large", "us-east-1")
    [request] = far["requests"]
    assert request["operation"] == "SendEmail"
    assert request["parameters"]["TenantName"] == "t1"
    assert request["parameters"]["Content"]["Raw"]["Data"].endswith(" octets>")
    assert {
        "recipient": "c@far.example",
        "decision": "accept",
        "rules": ["far"],
        "redirect": [],
    } in (story["recipients"])


def test_recipients_are_cut_into_requests(asked):
    story = asked("--user", "tickets", to=("a@x.org", "b@x.org", "c@x.org")).json
    [message] = story["messages"]
    cut = [request["parameters"]["Destinations"] for request in message["requests"]]
    assert cut == [["a@x.org", "b@x.org"], ["c@x.org"]]


def test_a_message_that_a_rule_holds_says_why(asked):
    asked.file.write_bytes(MAIL.replace(b"Subject: Hi", b"Subject: Review me"))
    [message] = asked("--user", "tickets").json["messages"]
    assert message["held"] == "rule review"


@pytest.mark.parametrize(
    ("words", "sender", "to", "last"),
    [
        (("--client", "192.0.2.1", "--listener", "inside"), "a@example.com", "b@x.org", "connect"),
        (("--listener", "outside"), "a@example.com", "b@x.org", "MAIL FROM:<a@example.com>"),
        (("--user", "tickets", "--client", "10.0.0.1"), "a@example.com", "b@x.org", "AUTH"),
        (("--user", "devices", "--client", "10.0.0.1"), "a@example.com", "b@x.org", "AUTH"),
        (("--user", "tickets"), "a@elsewhere.example", "b@x.org", "MAIL FROM"),
        (("--user", "tickets"), "a", "b@x.org", "MAIL FROM:<a>"),
        (("--user", "tickets"), "a@example.com", "b", "RCPT TO:<b>"),
    ],
)
def test_who_is_refused_hears_it_and_the_exit_code_is_1(asked, words, sender, to, last):
    answer = asked(*words, sender=sender, to=(to,))
    assert answer.code == 1
    final = answer.json["stages"][-1]
    assert final["said"].startswith(last)
    assert final["heard"] in answer.err
    assert answer.json["messages"] == []


def test_networks_name_the_user(asked):
    assert asked("--client", "10.0.0.1").json["user"] == "devices"
    assert asked().json["user"] == "-"


def test_a_listener_that_wants_tls_shows_in_received(asked):
    diff = asked("--user", "tickets", "--listener", "outside").json["messages"][0]["diff"]
    assert any("ESMTPSA" in line for line in diff)


def test_a_certificate_stands_in_for_auth(asked):
    story = asked("--user", "ledger", "--listener", "outside").json
    assert (story["accepted"], story["user"]) == (True, "ledger")
    assert [stage["said"].split()[0] for stage in story["stages"]][:2] == ["connect", "MAIL"]
    assert any("ESMTPS" in line for line in story["messages"][0]["diff"])
    # Where no TLS is spoken there is no certificate to show.
    assert asked("--user", "ledger", "--listener", "inside").code == 1


def test_the_null_sender_is_stood_in_for(asked):
    [message] = asked("--user", "tickets", sender="<>").json["messages"]
    assert message["requests"][0]["parameters"]["Source"] == "null@example.com"


def test_a_body_that_must_be_encoded_is_told(asked):
    asked.file.write_bytes(MAIL + b"x" * 1200 + b"\n")
    body = asked("--user", "tickets").json["messages"][0]["body"]
    assert body.startswith("encoded anew, 1209 octets became ")


def test_octets_that_no_listener_takes_are_refused(asked):
    asked.file.write_bytes(MAIL + b"\0")
    answer = asked("--user", "tickets")
    assert answer.code == 1
    assert answer.json["stages"][-1]["heard"] == "554 5.6.0 NUL octet in the message"


@pytest.fixture(scope="session")
def postgres():
    """One private PostgreSQL for these tests."""
    server = PostgresServer()
    try:
        server.create()
        yield server
    finally:
        server.remove()


def test_the_suppression_list_is_asked_in_postgresql_too(asked, postgres):
    url = postgres.url()
    asked.typed.config.write_text(CONFIG.format(store=url))
    before = asked("--user", "tickets")
    assert before.code == 0
    assert before.err.startswith("the suppression list was not asked: no relay has kept anything")

    async def suppress():
        stores = await open_node(url, 60.0, SystemClock())
        gone = Suppressed(address="b@example.org", reason="bounce", since=datetime.now(UTC))
        assert await stores.shared.suppression.suppress([gone]) is None
        await stores.close()

    asyncio.run(suppress())
    after = asked("--user", "tickets")
    assert after.code == 1
    last = after.json["stages"][-1]
    assert last["heard"] == "550 5.1.1 b@example.org is on the suppression list (bounce)"


def test_a_database_that_cannot_be_reached_is_no_reason_to_explain_nothing(asked):
    asked.typed.config.write_text(CONFIG.format(store="postgresql://r@/none?host=/nowhere"))
    answer = asked("--user", "tickets")
    assert answer.code == 0
    assert answer.err.startswith("the suppression list was not asked: PostgreSQL cannot be reached")


def test_the_suppression_list_is_asked_and_nothing_is_written(asked):
    gone = Suppressed(address="gone@x.org", reason="bounce", since=datetime.now(UTC))
    asked.typed.as_relay(lambda stores: stores.shared.suppression.suppress([gone]))
    before = {path: path.stat().st_size for path in asked.typed.store.iterdir()}
    answer = asked("--user", "tickets", to=("gone@x.org", "b@x.org"))
    # A rule asks for the content, so that RCPT could not tell yet.
    last = answer.json["stages"][-1]
    assert last["said"] == "end of data"
    assert last["heard"] == "550 5.1.1 gone@x.org is on the suppression list (bounce)"
    assert {path: path.stat().st_size for path in asked.typed.store.iterdir()} == before


def test_without_a_store_all_recipients_must_fit_one_request(asked):
    text = CONFIG.format(store="none")
    asked.typed.config.write_text(text.partition("rules:")[0])
    story = asked("--user", "tickets", to=("a@x.org", "b@x.org", "c@x.org")).json
    assert story["stages"][-3]["heard"].startswith("452 4.5.3")
    assert len(story["messages"]) == 1


def test_no_store_is_made_where_none_is(asked):
    assert asked("--user", "tickets").code == 0
    assert not asked.typed.store.exists()


def test_standard_input_is_a_message(asked):
    typed = asked.typed
    answer = typed.run(
        *("explain", "-", "--from", "a@example.com", "--to", "b@x.org", "--json"), stdin=MAIL
    )
    assert answer.json["accepted"] is True


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--user", "nobody"), "write one of: tickets, devices, ledger"),
        (("--client", "here"), "not an IP address"),
        (("--listener", "none"), "write one of: inside, outside"),
    ],
)
def test_a_name_that_is_none_is_exit_2(asked, words, says):
    answer = asked(*words)
    assert answer.code == 2
    assert says in answer.err


def test_a_file_that_cannot_be_read_is_exit_2(asked):
    asked.file.unlink()
    assert asked().code == 2


def test_a_key_that_is_no_key_is_exit_2(asked):
    key = asked.typed.folder / "s1.pem"
    key.write_text("hello")
    key.chmod(0o600)
    with asked.typed.config.open("a") as config:
        config.write("dkim: [{domain: example.com, selector: s1, key: {file: s1.pem}}]\n")
    assert asked("--user", "tickets").code == 2
