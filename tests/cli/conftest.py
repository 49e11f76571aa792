"""The command line that these tests type on."""

import os

import pytest
from command_line import CommandLine

from relay.stores.sqlite.database import Sync


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """A command line, its configuration, and the folder of its store.

    Nothing is synced: durability is tested elsewhere, and a busy disk would set the pace here.
    """
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(Sync.FULL, "_value_", Sync.RELAXED.value)
    return CommandLine(tmp_path)
