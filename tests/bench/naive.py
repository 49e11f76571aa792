"""What one writes first: aiosmtpd in front of aioboto3. No DKIM, no queue, no policy.

`naive.py URL` relays to that SES; `naive.py` alone throws mail away (aiosmtpd as it comes). Prints
its port.
"""

import asyncio
import sys


class Discard:
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        return "250 2.0.0 Ok"


class Relay:
    def __init__(self, client):
        self._client = client

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        answer = await self._client.send_raw_email(
            Source=envelope.mail_from,
            Destinations=envelope.rcpt_tos,
            RawMessage={"Data": envelope.content},
        )
        return f"250 2.0.0 Ok {answer['MessageId']}"


async def serve(handler):
    from aiosmtpd.smtp import SMTP

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="naive.test", data_size_limit=2**26), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def main():
    if len(sys.argv) == 1:
        await serve(Discard())
        return
    import aioboto3
    from botocore.config import Config

    config = Config(max_pool_connections=50)
    session = aioboto3.Session(region_name="eu-west-1")
    async with session.client("ses", endpoint_url=sys.argv[1], config=config) as client:
        await serve(Relay(client))


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(main())
    except ImportError:
        asyncio.run(main())
