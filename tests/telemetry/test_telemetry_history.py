"""Histories that keep nothing themselves."""

from fakes import START
from mail_events import Notes

from relay.stores.none import NoHistory
from relay.telemetry import Histories


def test_each_history_hears_the_same():
    one, other = Notes(), Notes()
    Histories(one, NoHistory(), other).note("message.held", START, {"queue_id": "q"})
    assert one.noted == other.noted == [("message.held", START, {"queue_id": "q"})]
