"""What one of several workers may take."""

from dataclasses import replace
from pathlib import Path

from relay.model.settings import (
    Limits,
    Listener,
    NoStore,
    PostgresStore,
    Queue,
    Route,
    Secret,
    Settings,
    SqliteStore,
    TcpBind,
)
from relay.service.supervisor.portion import portion

MIB = 1024 * 1024
WHOLE = Settings(
    listeners=(Listener(bind=TcpBind("127.0.0.1", 0)),),
    users=(),
    routes={"default": Route(region="eu-west-1", max_send_rate=100.0, headroom=0.9)},
    queue=Queue(store=SqliteStore(Path("queue")), max_messages=1000, max_size=100 * MIB),
    limits=Limits(octets_in_flight=512 * MIB, requests_in_flight=200),
)


def test_what_is_limited_for_all_is_divided():
    one = portion(WHOLE, 4)
    assert one.routes == WHOLE.routes  # workers share the rates by the store
    assert one.queue.max_messages == 250
    assert one.queue.max_size == 25 * MIB
    assert one.limits.octets_in_flight == 128 * MIB
    assert one.limits.requests_in_flight == 50


def test_without_a_store_to_share_them_by_the_rates_are_divided_too():
    one = portion(replace(WHOLE, queue=Queue(store=NoStore())), 4)
    assert one.routes["default"].headroom == 0.9 / 4
    assert one.routes["default"].max_send_rate == 100.0


def test_there_is_always_enough_for_one_message():
    one = portion(WHOLE, 64)
    assert one.limits.octets_in_flight == 64 * MIB
    assert one.limits.requests_in_flight == 3
    assert portion(replace(WHOLE, queue=Queue(max_messages=1)), 2).queue.max_messages == 1


def test_a_database_that_all_see_whole_is_not_divided():
    queue = Queue(store=PostgresStore(Secret("postgresql://db/relay")), max_messages=1000)
    assert portion(replace(WHOLE, queue=queue), 4).queue == queue


def test_one_worker_has_all_of_it():
    assert portion(WHOLE, 1) == WHOLE
