"""What SES delivers still carries the relay's valid signature, as an implementation not ours says.

SES puts its own Date and Message-ID into every message; a signature must not notice.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from odd_messages import BODIES, HEADERS, SHAPES
from programs import perl_with
from relay_world import MAIL, relaying, route, settings, simulated

from relay.mail.dkim_keys import generate_rsa, pem
from relay.model.settings import DkimKey, DkimSigner, Secret

PRIVATE = generate_rsa()
KEY = DkimKey(domain="example.com", selector="s1", key=Secret(pem(PRIVATE).decode()))
SCRIPT = Path(__file__).parent.parent / "mail" / "verify_with_mail_dkim.pl"
# One body each for all odd headers, the bodies in turn, and all odd shapes. What SES itself
# refuses is another scenario's matter.
UNSENDABLE = ("route", "odd_type", "multipart_no_parts", "multipart_no_boundary")
ODD = {
    name: fields + b"\r\n" + list(BODIES.values())[number % len(BODIES)]
    for number, (name, fields) in enumerate(HEADERS.items())
} | SHAPES
SENT = {name: octets for name, octets in ODD.items() if name not in UNSENDABLE}


@pytest.fixture
def verify(tmp_path):
    """Give a verifier: octets by name in, Mail::DKIM's verdicts out."""
    perl = perl_with("Mail::DKIM::Verifier")
    records = tmp_path / "records"
    records.write_text(f"s1._domainkey.example.com {PRIVATE.record}\n")

    async def run(messages):
        for name, octets in messages.items():
            (tmp_path / name).write_bytes(octets)
        process = await asyncio.create_subprocess_exec(
            perl,
            str(SCRIPT),
            str(records),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        paths = "".join(f"{tmp_path / name}\n" for name in messages)
        out, _ = await process.communicate(paths.encode())
        assert process.returncode == 0
        verdicts = (line.split(" ", 1) for line in out.decode().splitlines())
        return {Path(path).name: verdict for path, verdict in verdicts}

    return run


async def delivered(messages, **changes):
    """Send messages by a relay that signs; gives what SES delivers of them."""
    found = {}
    async with simulated() as ses, relaying(settings(ses.url, dkim=(KEY,), **changes)) as world:
        for name, octets in messages.items():
            assert (await world.send(octets)).startswith("250 2.0.0 Ok "), name
            found[name] = ses.messages[-1]
    return found


async def test_the_delivered_form_of_every_odd_message_is_verified(verify):
    messages = await delivered(SENT)
    verdicts = await verify({name: message.delivered for name, message in messages.items()})
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "pass"} == {}
    assert len(verdicts) == len(SENT)


async def test_a_verdict_is_not_given_away(verify):
    messages = await delivered({"mail": MAIL})
    [message] = messages.values()
    assert b"amazonses.com>" in message.delivered
    verdicts = await verify(
        {
            "as_delivered": message.delivered,
            "other_subject": message.delivered.replace(b"Hello", b"Hullo"),
            "other_body": message.delivered.replace(b"It works", b"It broke"),
            "second_from": message.delivered.replace(b"From:", b"From: x@example.net\r\nFrom:", 1),
        }
    )
    assert verdicts.pop("as_delivered") == "pass"
    assert all(verdict.startswith("fail") for verdict in verdicts.values()), verdicts


async def test_only_the_authors_domain_signs():
    async with (
        simulated(identities=frozenset({"example.com", "example.net"})) as ses,
        relaying(settings(ses.url, dkim=(KEY,))) as world,
    ):
        signatures = {b"example.com": 1, b"sub.example.com": 1, b"example.net": 0}
        for domain, signed in signatures.items():
            octets = MAIL.replace(b"a@example.com", b"a@" + domain)
            assert (await world.send(octets)).startswith("250 2.0.0 Ok ")
            assert ses.messages[-1].raw.count(b"DKIM-Signature:") == signed, domain


async def test_a_route_on_which_ses_signs_is_left_unsigned():
    async with simulated() as ses:
        routes = {"default": replace(route(ses.url), dkim=DkimSigner.SES)}
        async with relaying(settings(ses.url, dkim=(KEY,), routes=routes)) as world:
            assert (await world.send()).startswith("250 2.0.0 Ok ")
        assert b"DKIM-Signature" not in ses.messages[0].raw
