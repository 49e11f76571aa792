"""What an operator reads in the end, over both queues: the simulator's own, and moto's SQS server.

Mail by SMTP, SES simulated, its events through SNS and SQS as somebody else built them (with moto),
and then `trace`, `report` and `suppression` as commands on the store of the running relay.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import aioboto3
import pytest
from relay_world import PATIENCE, relaying, settings, simulated, until
from typer.testing import CliRunner

from relay.cli import app
from relay.model.settings import Feedback, Queue, SqliteStore, SqsQueue
from relay.simulator import Fate, Publishing, Scripted

SIM = "simulator.amazonses.com"
MAILBOXES = ("success", "bounce", "complaint", "ooto", "suppressionlist")
GONE = "gone@example.org"
CONFIG = """\
listeners: [{{bind: "127.0.0.1:2525", tls: off, auth: off, networks: 127.0.0.0/8}}]
routes: {{default: {{region: eu-west-1}}}}
queue: {{store: "sqlite:///{store}"}}
"""


@asynccontextmanager
async def own(ses):
    """Read the simulator's own queue; gives its URL and the number that is left in it."""

    async def left():
        return len(ses.simulator.service.publisher.queue)

    yield f"{ses.url}/123456789012/events", left


@asynccontextmanager
async def moto(ses, *, raw):
    """Let moto's SNS bring what the simulator tells to a queue of moto's SQS."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            while b"Running on " not in (line := await process.stderr.readline()):
                assert line, "moto's server ended"
        where = {"endpoint_url": line.split()[-1].decode(), "region_name": "eu-west-1"}
        session = aioboto3.Session()
        async with session.client("sqs", **where) as sqs, session.client("sns", **where) as sns:
            url = (await sqs.create_queue(QueueName="ses-events"))["QueueUrl"]
            topic = (await sns.create_topic(Name="ses-events"))["TopicArn"]
            arn = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            await sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=arn["Attributes"]["QueueArn"],
                Attributes={"RawMessageDelivery": "true" if raw else "false"},
            )
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

            async def left():
                shown = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
                return sum(int(shown["Attributes"][name]) for name in names)

            told = asyncio.create_task(tell(ses.simulator.service.publisher.published, sns, topic))
            yield url, left
            told.cancel()
            await asyncio.wait([told])
    finally:
        process.terminate()
        await process.communicate()


async def tell(published, sns, topic):
    """Publish each event of the simulator twice, as at least once allows."""
    done = 0
    while True:
        for one in list(published)[done:]:
            for _ in range(2):
                await sns.publish(TopicArn=topic, Message=one.event)
            done += 1
        await asyncio.sleep(0.01)


BUSES = {
    "simulator": own,
    "moto, wrapped": lambda ses: moto(ses, raw=False),
    "moto, raw": lambda ses: moto(ses, raw=True),
}


@pytest.mark.parametrize("bus", BUSES.values(), ids=BUSES)
async def test_what_came_back_is_there_to_be_read(tmp_path, bus):
    async with simulated() as ses, bus(ses) as (url, left):
        publisher = ses.simulator.service.publisher
        publisher.change(Publishing(format="configuration_set", copies=2))
        gone = Fate(kind="Bounce", type="Permanent", subtype="General", status="5.1.1")
        publisher.fates.add(Scripted(recipient=GONE, fate=gone))
        given = settings(
            ses.url,
            feedback=Feedback(sqs=(SqsQueue(queue_url=url),)),
            queue=Queue(store=SqliteStore(tmp_path / "store")),
        )
        async with relaying(given) as world:
            sent = {}
            for recipient in [*(f"{mailbox}@{SIM}" for mailbox in MAILBOXES), GONE]:
                sent[recipient] = (await world.send(recipients=(recipient,))).split()[-1]
            await until(lambda: len(world.lines("feedback.delivery")) == 3)
            await until(lambda: len(world.lines("feedback.bounce")) == 4)
            await until(lambda: len(world.lines("feedback.complaint")) == 1)
            async with asyncio.timeout(PATIENCE):
                while await left():  # noqa: ASYNC110 - nobody tells when a queue is empty
                    await asyncio.sleep(0.02)
            refused = [f"{mailbox}@{SIM}" for mailbox in ("bounce", "complaint", "suppressionlist")]
            async with world.line() as line:
                await line.say("MAIL FROM:<a@example.com>")
                for recipient in sent:
                    answer = await line.say(f"RCPT TO:<{recipient}>")
                    assert answer[:3] == ("550" if recipient in [*refused, GONE] else "250")
            await world.relay._office.close()  # counts are written every ten seconds
            await the_commands_say_it(tmp_path, sent, [*refused, GONE])


async def the_commands_say_it(folder, sent, suppressed):
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(store=folder / "store"))

    async def said(*words):
        args = [*words, "--config", str(config), "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, args)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    async def traced(ses_id):
        args = ["trace", ses_id, "--config", str(config), "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, args)
        told = json.loads(result.stdout)["events"] if result.exit_code == 0 else []
        return {event["event"] for event in told}

    listed, report = await said("suppression", "list"), await said("report")
    assert sorted(one["address"] for one in listed) == sorted(suppressed)
    [user] = report["users"]
    # Mail to the mailbox simulator counts in no reputation.
    counts = {name: user[name] for name in ("recipients", "bounced", "complained")}
    assert (user["user"], counts) == (
        "local",
        {"recipients": 1, "bounced": 1, "complained": 0},
    )
    ends = {
        f"success@{SIM}": {"feedback.delivery"},
        f"bounce@{SIM}": {"feedback.bounce"},
        f"complaint@{SIM}": {"feedback.delivery", "feedback.complaint"},
        f"ooto@{SIM}": {"feedback.delivery", "feedback.bounce"},
        f"suppressionlist@{SIM}": {"feedback.bounce"},
        GONE: {"feedback.bounce"},
    }
    for recipient, ses_id in sent.items():
        async with asyncio.timeout(PATIENCE):  # the history is written with the next commit
            while not (known := await traced(ses_id)) >= ends[recipient]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert {"message.received", "message.relayed"} < known
        assert {one for one in known if one.startswith("feedback.")} == ends[recipient]
