"""What the whole suite shares: fake time by marker, and Hypothesis by one profile.

See `fakes` for how to use the first.
"""

import asyncio

import pytest
from fakes import FakeClock, FakeTimeLoop
from hypothesis import settings

# A busy machine must not fail an example for being slow.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "fake_time: the test's event loop jumps over waiting (see tests/fakes.py)"
    )


def pytest_asyncio_loop_factories(config, item):
    if item.get_closest_marker("fake_time"):
        return {"fake_time": FakeTimeLoop}
    return {"system": asyncio.new_event_loop}


@pytest.fixture
async def clock():
    """A clock that follows the loop of a `fake_time` test and otherwise moves by hand."""
    return FakeClock()
