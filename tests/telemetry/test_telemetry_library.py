"""Libraries log into our lines, and what passes through them stays out."""

import asyncio
import logging

import pytest
from mail_events import Heard

from relay.model.settings import LogLevel
from relay.telemetry import adopt_library_logs


@pytest.fixture
def heard():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    heard = Heard(level=LogLevel.DEBUG)
    adopt_library_logs(heard.log)
    yield heard
    root.handlers[:] = before
    root.setLevel(level)


def test_a_warning_has_level_and_logger(heard):
    logging.getLogger("botocore.credentials").warning("Refresh failed %d times", 3)
    (line,) = heard.lines
    assert line["event"] == "library.log"
    assert (line["level"], line["logger"]) == ("warning", "botocore.credentials")
    assert line["message"] == "Refresh failed 3 times"


@pytest.mark.parametrize(
    "log",
    [
        lambda logger: logger.warning("%r << %s", ("127.0.0.1", 1), b"AUTH PLAIN swordfish"),
        lambda logger: logger.warning("sent %(body)s", {"body": "swordfish"}),
        lambda logger: logger.warning("Task was never retrieved\nfuture: swordfish"),
        lambda logger: logger.warning("first line\n%s", "swordfish"),
        lambda logger: logger.warning(ValueError("swordfish")),
        lambda logger: logger.info("AUTH PLAIN swordfish"),
        lambda logger: logger.debug("AUTH PLAIN swordfish"),
    ],
)
def test_arguments_stay_out(heard, log):
    log(logging.getLogger("mail.log"))
    assert "swordfish" not in heard.text


def test_arguments_are_shown_by_their_type(heard):
    logging.getLogger("mail.log").warning("%r << %s", ("127.0.0.1", 1), b"AUTH PLAIN")
    assert heard.lines[0]["message"] == "<tuple> << <bytes>"


def test_an_exception_is_an_error_with_its_place(heard):
    try:
        int("swordfish")
    except ValueError:
        logging.getLogger("asyncio").exception("Unhandled exception in event loop")
    (line,) = heard.lines
    assert (line["level"], line["error"]) == ("error", "ValueError")
    assert line["traceback"][0].startswith("tests/telemetry/test_telemetry_library.py:")
    assert "swordfish" not in heard.text


async def test_what_the_event_loop_complains_about_is_heard(heard):
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Fatal error on transport", "protocol": "swordfish"}
    )
    assert heard.lines[0]["message"] == "Fatal error on transport"
    assert "swordfish" not in heard.text
