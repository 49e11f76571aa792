"""A verdict that is asked for while it is being written."""

import asyncio

from stored import AT, later

from relay.model.reply import Reply


async def test_a_verdict_asked_for_while_it_is_being_kept_is_given_out_once(folder):
    verdicts = (await folder.open()).shared.verdicts
    assert await verdicts.take(b"print", AT) is None  # the list is known now
    reply = Reply(250, "2.0.0", "Ok: queued as a")
    keeping = asyncio.create_task(verdicts.keep(b"print", reply, later(60)))
    await asyncio.sleep(0)
    assert await verdicts.take(b"print", AT) == reply
    assert await keeping is None
    assert await verdicts.take(b"print", AT) is None
