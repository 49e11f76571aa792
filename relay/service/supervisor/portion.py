"""What one of several workers may take of what is limited for the whole relay.

Errors: none.
"""

from dataclasses import replace

from relay.model.settings import NoStore, Settings, SqliteStore

# What the configuration asks for at least; with less, a large message finds no room.
_LEAST_OCTETS = 64 * 1024 * 1024


def portion(settings: Settings, workers: int) -> Settings:
    """Give the settings that one of so many workers runs with.

    The requests under way, the octets in memory and the room in the queue are divided; no worker
    has less memory than one relay must have. The size of a PostgreSQL queue is not divided: each
    worker sees all of it. The accounts' rates are shared by the store, as each has use for them
    (`relay.service.membership`), and divided evenly where there is none.
    """
    limits, queue = settings.limits, settings.queue
    headroom_for = workers if isinstance(queue.store, NoStore) else 1
    if isinstance(queue.store, SqliteStore):
        queue = replace(
            queue,
            max_messages=max(1, queue.max_messages // workers),
            max_size=queue.max_size // workers,
        )
    return replace(
        settings,
        routes={
            name: replace(route, headroom=route.headroom / headroom_for)
            for name, route in settings.routes.items()
        },
        limits=replace(
            limits,
            requests_in_flight=max(1, limits.requests_in_flight // workers),
            octets_in_flight=max(_LEAST_OCTETS, limits.octets_in_flight // workers),
        ),
        queue=queue,
    )
