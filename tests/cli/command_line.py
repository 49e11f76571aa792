"""The command line on a store folder made for a test, at a time that a test sets."""

import asyncio
import json

from fakes import FakeClock
from typer.testing import CliRunner

from relay.cli import app
from relay.cli.surroundings import Surroundings
from relay.model.ports import StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

CONFIG = """\
listeners: [{{bind: "127.0.0.1:2525", tls: off, auth: off, networks: 127.0.0.0/8}}]
users:
  - {{name: tickets, password: {{secret: x}}, senders: "*"}}
  - {{name: news, password: {{secret: x}}, senders: "*"}}
routes: {{default: {{region: eu-west-1}}}}
queue: {{store: "{store}"}}
"""
KEEP = 30 * 86_400.0


class Answer:
    """What a command said, and how it ended."""

    def __init__(self, result):
        self.code = result.exit_code
        self.out = result.stdout
        self.err = result.stderr

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return self.out.splitlines()


class CommandLine:
    """`ses-relay` with a configuration of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.store = folder / "store"
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG.format(store="sqlite:///store"))
        self.clock = FakeClock()
        self.texts = {}  # what the DNS has

    def run(self, *words, stdin=None):
        """Run one command line; its words are separated by blanks or given one by one."""
        args = words[0].split() if len(words) == 1 else [str(word) for word in words]
        around = Surroundings(clock=self.clock, texts_at=lambda name: self.texts.get(name, ()))
        return Answer(
            CliRunner().invoke(
                app,
                args,
                obj=around,
                input=stdin,
                env={"SES_RELAY_CONFIG": str(self.config), "COLUMNS": "200"},
                catch_exceptions=False,
            )
        )

    def as_relay(self, work):
        """Do something as the relay that owns the folder, and give what it gave."""

        async def owning():
            stores = await self.opened()
            try:
                return await work(stores)
            finally:
                await stores.close()

        return asyncio.run(owning())

    async def opened(self):
        """Open the folder as the relay."""
        stores = await open_sqlite(self.store, 0, Crew.inline(Files(), self.clock), KEEP)
        assert not isinstance(stores, StoreFault), stores.reason
        return stores

    def keep(self, *new):
        """Let the relay keep messages."""
        self.as_relay(lambda stores: stores.queue.put(new))

    def find(self, queue_id):
        """Look at an entry."""
        return self.as_relay(lambda stores: stores.shared.control.find(queue_id))
