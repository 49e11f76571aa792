"""Control calls: whatever comes back, the relay hears a value."""

import pytest

from relay.delivery.control import heard
from relay.model.unanswered import Unanswered, Why


@pytest.mark.parametrize(
    "error",
    [
        KeyError("GetCallerIdentityResult"),
        TypeError("no str"),
        ValueError("x"),
        AttributeError("y"),
    ],
)
async def test_a_proxys_page_that_botocore_trips_over_is_no_answer(error):
    async def call():
        raise error

    found = await heard(call)
    assert isinstance(found, Unanswered)
    assert found.why is Why.UNREACHABLE
    assert found.detail.startswith("the answer cannot be read")
