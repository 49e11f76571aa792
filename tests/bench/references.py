"""The references of `run.py`, each in a process of its own: prints milliseconds of CPU for one.

`references.py rsa`: a bare RSA-2048 signature by OpenSSL, as cryptography calls it.
`references.py call PORT`: aioboto3's stock `send_raw_email` of 4 KB.
"""

import asyncio
import sys
import time


def rsa():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    key = generate_private_key(65537, 2048)
    arguments = (b"x" * 32, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    key.sign(*arguments)
    began = time.process_time()
    for _ in range(500):
        key.sign(*arguments)
    return (time.process_time() - began) * 1000 / 500


async def call(port):
    import aioboto3

    session = aioboto3.Session(region_name="eu-west-1")
    async with session.client("ses", endpoint_url=f"http://127.0.0.1:{port}") as client:
        request = {
            "Source": "tickets@example.com",
            "Destinations": ["someone@example.org"],
            "RawMessage": {"Data": b"x" * 4096},
        }
        await client.send_raw_email(**request)
        began = time.process_time()
        for _ in range(200):
            await client.send_raw_email(**request)
        return (time.process_time() - began) * 1000 / 200


if __name__ == "__main__":
    spent = rsa() if sys.argv[1] == "rsa" else asyncio.run(call(int(sys.argv[2])))
    print(spent)
