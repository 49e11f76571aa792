"""An SES that takes everything: the smallest HTTP server that answers SendRawEmail and SendEmail.

A process of its own, so that its CPU is not the relay's. Prints its port. `GET /count` says how
many messages it took. It parses no more of a request than its length, so that it is not what limits
a measurement; `run.py` looks at its CPU and says so when it was.
"""

import argparse
import asyncio
import sys

V1 = (
    b'<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult>'
    b"<MessageId>0102018f00000000-00000000-0000-0000-0000-000000000000-000000</MessageId>"
    b"</SendRawEmailResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    b"</SendRawEmailResponse>"
)
V2 = b'{"MessageId":"0102018f00000000-00000000-0000-0000-0000-000000000000-000000"}'
ACCOUNT = (
    b'{"ProductionAccessEnabled":true,"SendingEnabled":true,"EnforcementStatus":"HEALTHY",'
    b'"SendQuota":{"Max24HourSend":-1,"MaxSendRate":100000,"SentLast24Hours":0}}'
)


IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    b"<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/bench</Arn>"
    b"<UserId>bench</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
    b"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


def answer(body, kind):
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
        b"x-amzn-RequestId: r\r\n\r\n%s" % (kind, len(body), body)
    )


MESSAGES = {b"POST / ": answer(V1, b"text/xml"), b"POST /v2": answer(V2, b"application/json")}
ACCOUNT_ANSWER = answer(ACCOUNT, b"application/json")
IDENTITY_ANSWER = answer(IDENTITY, b"text/xml")


class Sink(asyncio.Protocol):
    """Reads requests by their Content-Length and answers after `delay` seconds."""

    taken = 0

    def __init__(self, delay):
        self._delay = delay
        self._head = b""
        self._left = None
        self._answer = b""
        self._counts = 0

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        while data:
            if self._left is None:
                self._head += data
                end = self._head.find(b"\r\n\r\n")
                if end < 0:
                    return
                data, head = self._head[end + 4 :], self._head[:end]
                self._head = b""
                self._begin(head)
            taken = min(self._left, len(data))
            self._left -= taken
            data = data[taken:]
            if self._left == 0:
                self._left = None
                Sink.taken += self._counts
                if self._delay and self._counts:
                    asyncio.get_running_loop().call_later(
                        self._delay, self._transport.write, self._answer
                    )
                else:
                    self._transport.write(self._answer)

    def _begin(self, head):
        known = MESSAGES.get(head[:8], MESSAGES.get(head[:7]))
        if b"/sts/aws4_request" in head:  # the relay's checks have the same endpoint
            known, self._answer = None, IDENTITY_ANSWER
        elif head.startswith(b"GET /count"):
            self._answer = answer(str(Sink.taken).encode(), b"text/plain")
        else:
            self._answer = known or ACCOUNT_ANSWER
        self._counts = int(known is not None)
        at = head.lower().find(b"content-length:")
        self._left = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    args = parser.parse_args()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(args.delay), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent closes our input


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(main())
    except ImportError:
        asyncio.run(main())
