"""kill -9: what was accepted is still there, and what SES may have is not sent again at once."""

import signal

from relay_process import environment, serving
from relay_world import MAIL, simulated, until
from serve_config import written

from relay.simulator import Fail


async def test_what_was_queued_survives_and_what_was_in_flight_is_not_repeated(tmp_path):
    env = environment(tmp_path)
    async with simulated() as ses:
        config = written(tmp_path, ses.url, store=f"sqlite:///{tmp_path}/queue", wait="0.1s")
        async with serving(config, env) as relay, relay.line() as line:
            ses.hold_back()
            in_flight = await line.send(MAIL)
            ses.script(Fail("ServiceUnavailable", "Try later.", 503), times=1_000)
            queued = [await line.send(MAIL + b"%d\r\n" % number) for number in range(20)]
            assert all("250 2.0.0 Ok: queued as " in reply for reply in [in_flight, *queued])
            relay.signal(signal.SIGKILL)
            assert await relay.end() == -signal.SIGKILL
        ses.simulator.faults.clear()
        ses.answer()
        assert len(ses.messages) == 1
        async with serving(config, env) as relay:
            for reply in queued:
                await relay.logged("message.relayed", queue_id=reply.rpartition(" ")[2])
            await until(lambda: len(ses.messages) == 21)
            bodies = {message.raw.rpartition(b"\r\n\r\n")[2] for message in ses.messages}
            assert len(bodies) == 21
            assert not relay.named("message.relayed", queue_id=in_flight.rpartition(" ")[2])
            relay.signal(signal.SIGTERM)
            assert await relay.end() == 0
