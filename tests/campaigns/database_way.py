"""The way of one node to the database: a TCP port in front of the server's Unix socket.

It can be cut, so that nothing answers and nobody is told, and it can be slow.
"""

import asyncio
from contextlib import asynccontextmanager, suppress


class DatabaseWay:
    """Carries octets both ways, while it is open."""

    def __init__(self, socket):
        self.delay = 0.0  # seconds for each piece that is carried
        self._socket = socket
        self._open = asyncio.Event()
        self._open.set()
        self._tasks = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, server, host):
        """Listen on a loopback address; gives the way with its `url`."""
        way = cls(str(server.folder / ".s.PGSQL.5432"))
        listening = await asyncio.start_server(way._carry, host, 0)
        port = listening.sockets[0].getsockname()[1]
        way.url = f"postgresql://relay@{host}:{port}/postgres"
        try:
            yield way
        finally:
            listening.close()
            for task in way._tasks:
                task.cancel()
            await asyncio.gather(*way._tasks, return_exceptions=True)

    def cut(self):
        """Carry nothing any more, in either direction, and say so to nobody."""
        self._open.clear()

    def mend(self):
        self._open.set()

    async def _carry(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with suppress(OSError):
                await self._open.wait()
                there = await asyncio.open_unix_connection(self._socket)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, there[1]))
                    both.create_task(self._pump(there[0], writer))
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pump(self, reader, writer):
        with suppress(OSError):
            while octets := await reader.read(65_536):
                await self._open.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(octets)
                await writer.drain()
        writer.close()
