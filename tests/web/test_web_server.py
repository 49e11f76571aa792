"""The application on a socket that somebody else opened."""

import socket

from aiohttp import ClientSession
from web_world import LOOPBACK, World

from relay.web import Access, make_app, serve


async def test_it_serves_on_a_given_socket_until_it_is_cleaned_up():
    world = World()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = make_app(world.sources, Access(LOOPBACK, None, world.clock))
    served = await serve(app, listening)
    async with ClientSession() as client, client.get(f"http://127.0.0.1:{port}/healthz") as answer:
        assert answer.status == 200
    await served.close()
    assert listening.fileno() == -1
