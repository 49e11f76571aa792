"""A message that takes long to read is read where it does not stop the others."""

import asyncio
import threading

import pytest
from flow_world import MAIL, USER, World, settings

from relay.flow import compose, receive
from relay.model.settings import Actions, Conditions, Glob, Rule

LONG = (
    b"From: t@example.com\r\nTo: a@example.org" + b",\r\n a@example.org" * 2_000 + b"\r\n\r\nHi\r\n"
)
BIG = MAIL + b"x" * 78 + b"\r\n" * 200_000
STEPS = [(receive, "read_authors"), (receive, "decide"), (compose, "shape")]


@pytest.fixture
def threads(monkeypatch):
    """Note in which thread each step ran."""
    ran = {}

    def note(module, name):
        real = getattr(module, name)

        def noted(*arguments):
            ran[name] = threading.current_thread()
            return real(*arguments)

        monkeypatch.setattr(module, name, noted)

    for module, name in STEPS:
        note(module, name)
    return ran


async def test_a_usual_message_is_worked_on_at_once(threads):
    assert (await World().submit()).code == 250
    assert set(threads.values()) == {threading.main_thread()}


async def test_a_long_header_is_read_decided_on_and_shaped_aside(threads):
    assert (await World().submit(octets=LONG)).code == 250
    assert threading.main_thread() not in threads.values()


async def test_a_large_body_is_shaped_aside(threads):
    assert (await World().submit(octets=BIG)).code == 250
    assert threads["shape"] is not threading.main_thread()


async def test_the_others_go_on_while_the_longest_header_is_read():
    authors = b"From: " + b"a,\r\n " * 48_000 + b"\r\n\r\nHi\r\n"  # every one of them a fault
    assert len(authors) < 256 * 1024
    submission = asyncio.create_task(World().submit(octets=authors))
    turns = 0
    while not submission.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await submission).code == 554
    assert turns > 10  # read at once, it would be two or three


async def test_a_rule_on_a_long_header_refuses_as_ever():
    staging = Rule(
        name="staging",
        when=Conditions(header={"X-Env": Glob("staging")}),
        then=Actions(reject="not from here"),
    )
    world = World(settings(users=(USER,), rules=(staging,)))
    assert (await world.submit(octets=b"X-Env: staging\r\n" + LONG)).text == "not from here"
