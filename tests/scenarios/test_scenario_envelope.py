"""Who gets a message is said by the envelope alone, and nobody behind SES can read it elsewhere."""

from dataclasses import replace

from relay_world import LOCAL, MAIL, relaying, route, settings, simulated, until

from relay.model.message import TAG_QUEUE_ID, TAG_USER
from relay.model.settings import Api, SesHeader, SqliteStore
from relay.simulator import ConfigurationSet

OURS = {TAG_QUEUE_ID, TAG_USER}
HIDDEN = (
    b"From: a@example.com\r\n"
    b"To: shown@example.org\r\n"
    b"Bcc: secret@example.org,\r\n more-secret@example.org\r\n"
    b"Resent-Bcc: secret@example.org\r\n"
    b"X-SES-CONFIGURATION-SET:\r\n folded\r\n"
    b"x-ses-message-tags: app=mine,\r\n\tkind=test\r\n"
    b"X-SES-SOURCE-ARN: arn:aws:ses:eu-west-1:123456789012:identity/example.com\r\n"
    b"Return-Path: <elsewhere@example.org>\r\n"
    b"Subject: hidden\r\n\r\nNothing to see.\r\n"
)


def header_of(octets):
    return octets.partition(b"\r\n\r\n")[0].lower()


async def test_a_message_reaches_ses_and_the_client_hears_its_id():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        reply = await world.send()
        [message] = ses.messages
        assert reply == f"250 2.0.0 Ok {message.id}"
        assert (message.source, message.destinations) == ("a@example.com", ("b@example.org",))
        [line] = world.lines("message.relayed")
        assert line["ses_message_id"] == message.id
        assert dict(message.tags)[TAG_QUEUE_ID] == line["queue_id"]


async def test_recipients_of_the_envelope_alone_stay_hidden():
    wanted = ["shown@example.org", "secret@example.org", "unnamed@example.net"]
    for api in (Api.V1, Api.V2):
        async with simulated() as ses:
            configuration = settings(ses.url, routes={"default": route(ses.url, api=api)})
            async with relaying(configuration) as world:
                assert (await world.send(HIDDEN, recipients=wanted)).startswith("250 ")
            [message] = ses.messages
            assert message.api == api.value
            assert list(message.destinations) == wanted
            header = header_of(message.raw)
            assert b"shown@example.org" in header
            for hidden in (b"secret", b"unnamed", b"bcc", b"x-ses", b"folded", b"elsewhere"):
                assert hidden not in header, hidden


async def test_received_names_client_and_relay_but_no_recipient():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        await world.send(MAIL, recipients=["only@example.net"])
        received = ses.messages[0].raw.partition(b"\r\nFrom:")[0]
        assert received.startswith(b"Received: from client.example.com ([127.0.0.1])\r\n\tby relay")
        assert b"only@" not in received
        assert b"for" not in received.split()


async def test_ses_headers_are_obeyed_for_users_who_may_and_for_nobody_else():
    sets = {"folded": ConfigurationSet()}
    app = replace(LOCAL, ses_headers=tuple(SesHeader))
    async with simulated(configuration_sets=sets) as ses:
        for user, wanted_set in ((app, "folded"), (LOCAL, None)):
            async with relaying(settings(ses.url, users=[user])) as world:
                assert (await world.send(HIDDEN)).startswith("250 ")
            message = ses.messages[-1]
            assert message.configuration_set == wanted_set
            tags = {name: value for name, value in message.tags if name not in OURS}
            assert tags == ({"app": "mine", "kind": "test"} if wanted_set else {})
            assert b"x-ses" not in message.raw.lower()


async def test_more_recipients_than_a_request_takes_are_split(tmp_path):
    wanted = [f"r{number}@example.org" for number in range(120)]
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            reply = await world.send(MAIL, recipients=wanted)
            assert reply.startswith("250 2.0.0 Ok: queued as ")
            await until(lambda: len(ses.messages) == 3)
            await until(lambda: len(world.lines("message.relayed")) == 3)
        # The requests go side by side, so that the order is not promised.
        assert sorted(len(message.destinations) for message in ses.messages) == [20, 50, 50]
        got = [to for message in ses.messages for to in message.destinations]
        assert sorted(got) == sorted(wanted)
        assert len({message.raw for message in ses.messages}) == 1


async def test_without_a_store_the_51st_recipient_is_sent_separately():
    wanted = [f"r{number}@example.org" for number in range(52)]
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        async with world.line() as line:
            answers = await line.envelope(recipients=wanted)
            assert {answer[:10] for answer in answers[:50]} == {"250 2.1.5 "}
            assert {answer[:10] for answer in answers[50:]} == {"452 4.5.3 "}
            await line.begin(MAIL)
            assert (await line.reply()).startswith("250 2.0.0 Ok ")
            # The client comes back with the rest (RFC 5321 §4.5.3.1.10).
            assert (await line.send(MAIL, recipients=wanted[50:])).startswith("250 2.0.0 Ok ")
        assert [to for message in ses.messages for to in message.destinations] == wanted


async def test_recipients_per_request_gives_each_one_a_request(tmp_path):
    async with simulated() as ses:
        routes = {"default": route(ses.url, recipients_per_request=1)}
        configuration = settings(ses.url, store=SqliteStore(tmp_path), routes=routes)
        async with relaying(configuration) as world:
            reply = await world.send(MAIL, recipients=["b@example.org", "c@example.org"])
            assert reply.startswith("250 2.0.0 Ok: queued as ")
            await until(lambda: len(world.lines("message.relayed")) == 2)
        assert sorted(message.destinations for message in ses.messages) == [
            ("b@example.org",),
            ("c@example.org",),
        ]
