"""The references of `run.py`: a line asks, milliseconds of CPU for one come back.

`rsa`: a bare RSA-2048 signature by OpenSSL, as cryptography calls it.
`call PORT`: aioboto3's stock `send_raw_email` of 4 KB.
`call PORT SIZE`: of so many octets.

One process answers all of them, so that a reference can be measured right before and after what is
held against it.
"""

import asyncio
import sys
import time

SIGNATURES, CALLS = 200, 100


def rsa():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    key = generate_private_key(65537, 2048)
    arguments = (b"x" * 32, padding.PKCS1v15(), Prehashed(hashes.SHA256()))

    def measured():
        began = time.process_time()
        for _ in range(SIGNATURES):
            key.sign(*arguments)
        return (time.process_time() - began) * 1000 / SIGNATURES

    return measured


async def call(port, size=4096, calls=CALLS):
    import aioboto3

    session = aioboto3.Session(region_name="eu-west-1")
    async with session.client("ses", endpoint_url=f"http://127.0.0.1:{port}") as client:
        request = {
            "Source": "tickets@example.com",
            "Destinations": ["someone@example.org"],
            "RawMessage": {"Data": b"x" * size},
        }
        await client.send_raw_email(**request)
        began = time.process_time()
        for _ in range(calls):
            await client.send_raw_email(**request)
        return (time.process_time() - began) * 1000 / calls


def main():
    signature = rsa()
    print(0, flush=True)  # no port
    for line in sys.stdin:
        match line.split():
            case ["rsa"]:
                print(signature(), flush=True)
            case ["call", port]:
                print(asyncio.run(call(int(port))), flush=True)
            case ["call", port, size]:
                print(asyncio.run(call(int(port), int(size), 2)), flush=True)


if __name__ == "__main__":
    main()
