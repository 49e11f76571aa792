"""Any order of verbs, crashes and clocks over SQLite; a crash forgets what was not synced."""

import shutil
import tempfile
from pathlib import Path

import pytest
from disks import MEMORY, ForgetfulFiles
from fakes import FakeClock
from hypothesis import settings
from queue_machine import QueueMachine

from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.opening import open_sqlite


class SqliteMachine(QueueMachine):
    def begin(self):
        self.root = Path(tempfile.mkdtemp(dir=MEMORY))
        self.clock = FakeClock()
        self.lives = 0
        self.open(self.root / "0")

    def open(self, folder):
        self.folder = folder
        self.files = ForgetfulFiles()
        self.stores = self.wait(open_sqlite(folder, 0, Crew.inline(self.files, self.clock), 0.0))
        self.queue = self.stores.queue

    def die_and_come_back(self):
        self.lives += 1
        copy = self.root / str(self.lives)
        self.files.crash(self.folder, copy)
        self.wait(self.stores.close())
        self.open(copy)

    def end(self):
        self.wait(self.stores.close())
        shutil.rmtree(self.root)


TestQueueMachine = SqliteMachine.TestCase
TestQueueMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


class LongSqliteMachine(SqliteMachine):
    """The same for some minutes."""


TestLongQueueMachine = pytest.mark.long(LongSqliteMachine.TestCase)
TestLongQueueMachine.settings = settings(max_examples=1_000, stateful_step_count=60, deadline=None)
