"""A world with a real store, and ways to look at it and to break it."""

from contextlib import asynccontextmanager
from dataclasses import replace

from web_world import World

from relay.model.outcome import ScopeKind
from relay.model.ports import StoreFault
from relay.web import Store

ILL = StoreFault("the disk is ill")


class Operated(World):
    """A world with a store, and its pages."""

    def __init__(self, stores):
        super().__init__()
        shared = stores.shared
        self.stores = stores
        self.store = Store(
            control=shared.control,
            holds=shared.holds,
            suppression=shared.suppression,
            trace=shared.history,
            history=shared.history,
        )
        names = {ScopeKind.USER: ("tickets", "news"), ScopeKind.ROUTE: ("default",)}
        self.sources = replace(
            self.sources, store=self.store, known=lambda kind: names.get(kind, ())
        )

    async def find(self, queue_id):
        return await self.store.control.find(queue_id)

    async def held(self):
        return [one.scope for one in await self.store.holds.holds(self.clock.now())]

    async def listed(self):
        return [one.address for one in await self.store.suppression.listed("", 10)]

    async def fail(self, part, word):
        """Let a word of the store fail from here on."""

        async def failing(*args):
            return ILL

        part_of = getattr(self.store, part)
        ill = type("Ill", (), {**words_of(part_of), word: staticmethod(failing)})()
        self.sources = replace(self.sources, store=replace(self.store, **{part: ill}))


def words_of(part):
    return {
        name: staticmethod(getattr(part, name)) for name in dir(part) if not name.startswith("_")
    }


@asynccontextmanager
async def pages(world, **how):
    async with world.browser(**how) as client:
        yield client


async def after(client, path, **form):
    """Post a form and give the text of the page that follows."""
    answer = await client.post(path, data=form, headers={"Origin": f"http://{_host(client)}"})
    assert answer.history[0].status == 303
    return await answer.text()


def _host(client):
    return f"{client.host}:{client.port}"
