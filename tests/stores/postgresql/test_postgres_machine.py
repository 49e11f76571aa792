"""Any order of verbs, crashes and clocks over PostgreSQL; a crash cuts a node's connections."""

import pytest
from hypothesis import settings
from postgres_store import PostgresDatabase
from queue_machine import QueueMachine


class PostgresMachine(QueueMachine):
    leases_by_wall = False
    server = None  # the session's, set by the fixture below

    def begin(self):
        self.database = PostgresDatabase(self.server, "machine")
        self.clock = self.database.clock
        self.wait(self.database.prepare())
        self.open()

    def open(self):
        self.stores = self.wait(self.database.open())
        self.queue = self.stores.queue

    def die_and_come_back(self):
        name = self.stores.node.name
        self.wait(self.database.crash(self.stores))
        self.open()
        assert self.stores.node.name == name

    def end(self):
        self.wait(self.database.close())


@pytest.fixture(autouse=True)
def server(postgres):
    PostgresMachine.server = postgres


TestPostgresMachine = PostgresMachine.TestCase
TestPostgresMachine.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)


class LongPostgresMachine(PostgresMachine):
    """The same for some minutes."""


TestLongPostgresMachine = pytest.mark.long(LongPostgresMachine.TestCase)
TestLongPostgresMachine.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)
