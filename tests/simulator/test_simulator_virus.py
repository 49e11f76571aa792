"""SES's own test of its virus scan: the file of EICAR as an attachment."""

import base64
import json
import quopri

import pytest

from relay.simulator import ConfigurationSet
from relay.simulator.virus import EICAR, is_infected

MIXED = (
    b"From: a@example.com\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b"--m\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b"--m\r\nContent-Type: application/octet-stream; name=eicar.txt\r\n%s\r\n\r\n%s\r\n--m--\r\n"
)


def attached(content, encoding="7bit"):
    field = f"Content-Transfer-Encoding: {encoding}".encode()
    return MIXED % (field, content)


def in_base64(content, width):
    text = base64.b64encode(content)
    return b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    "raw",
    [
        attached(EICAR),
        attached(EICAR + b"\r\n \t\r\n"),
        attached(quopri.encodestring(EICAR), "quoted-printable"),
        attached(in_base64(EICAR, 76), "base64"),
        attached(in_base64(EICAR + b"\r\n", 60), "base64"),
        attached(in_base64(EICAR, 1000), "base64"),
        b"From: a@example.com\r\n\r\n" + EICAR,
    ],
)
def test_the_test_file_is_found(raw):
    assert is_infected(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        attached(b"harmless"),
        attached(EICAR[:-1]),
        attached(b" " + EICAR),
        attached(EICAR + b"and more"),
        attached(EICAR + b" " * 61),
        attached(in_base64(EICAR + b"and more", 76), "base64"),
        attached(in_base64(EICAR[:-1], 76), "base64"),
        attached(in_base64(EICAR, 76)[:-3], "base64"),
    ],
)
def test_what_only_looks_like_it_is_not(raw):
    assert not is_infected(raw)


def test_it_is_accepted_counted_and_told_of_and_nothing_else_happens(simulator, send):
    publisher = simulator.service.publisher
    send.account(configuration_sets={"app": ConfigurationSet()}, max_24_hour_send=2)
    raw = attached(in_base64(EICAR, 76), "base64")
    given = {"destinations": ("bounce@simulator.amazonses.com", "a@x.example", "b@x.example")}
    message = send.accepted(raw, configuration_set="app", **given)
    assert message.infected
    [told] = publisher.published
    event = json.loads(told.event)
    assert (event["eventType"], event["reject"]) == ("Reject", {"reason": "Bad content"})
    assert event["mail"]["destination"] == list(given["destinations"])
    assert "Daily message quota exceeded" in send.refused()
    assert not send.accepted(destinations=("success@simulator.amazonses.com",)).infected
