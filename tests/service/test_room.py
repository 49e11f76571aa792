"""The queue stops growing before it or its disk is full."""

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fakes import FakeClock

from relay.model.custody import QueueUsage
from relay.model.settings import Listener, Queue, Route, Settings, SqliteStore, TcpBind
from relay.service.room import QueueRoom


@pytest.fixture
def settings(tmp_path):
    return Settings(
        listeners=(Listener(bind=TcpBind("127.0.0.1", 0)),),
        routes={"default": Route(region="eu-west-1")},
        queue=Queue(store=SqliteStore(tmp_path), max_messages=10, max_size=2**20),
    )


def room(settings, folder, usage, clock=None):
    return QueueRoom(lambda: usage, folder, lambda: settings, clock or FakeClock())


def free(monkeypatch, octets):
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_bavail=octets, f_frsize=1))


@pytest.mark.parametrize(
    ("messages", "octets", "named"),
    [(9, 0, None), (10, 0, "queue.max_messages"), (0, 2**20, "queue.max_size")],
)
def test_the_limits_of_the_queue_hold(settings, messages, octets, named):
    usage = QueueUsage(messages=messages, octets=octets)
    full = room(settings, None, usage).full()
    assert full is None if named is None else named in full


def test_the_disk_keeps_room_for_what_is_in_memory(settings, tmp_path, monkeypatch):
    needed = settings.limits.octets_in_flight
    clock = FakeClock()
    watch = room(settings, tmp_path, QueueUsage(messages=0, octets=0), clock)
    free(monkeypatch, needed - 1)
    assert "queue.store" in watch.full()
    free(monkeypatch, needed)
    assert "queue.store" in watch.full()  # looked at once a second
    clock.advance(1.0)
    assert watch.full() is None


def test_a_folder_that_cannot_be_asked_is_the_stores_matter(settings, tmp_path):
    assert room(settings, tmp_path / "gone", QueueUsage(messages=0, octets=0)).full() is None


def test_a_reload_moves_the_limits(settings):
    now = [settings]
    usage = QueueUsage(messages=10, octets=0)
    watch = QueueRoom(lambda: usage, None, lambda: now[0], FakeClock())
    assert watch.full() is not None
    now[0] = replace(settings, queue=replace(settings.queue, max_messages=11))
    assert watch.full() is None
