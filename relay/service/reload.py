"""What a new configuration changes in a relay that runs, and what waits for a restart.

Errors: `Unusable` when what must stay as it is does not go with the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from relay.model.settings import Settings
from relay.service.snapshot import Unusable

# What a running worker stands on.
FIXED = ("http", "log", "workers", "history", "feedback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The configuration to go on with, and how it differs from the one before and the one asked."""

    settings: Settings
    changed: tuple[str, ...]  # sections, and routes by their names
    needs_restart: tuple[str, ...]  # options that stay as they were until then


def change(before: Settings, asked: Settings) -> Change:
    """Take what can be taken; the rest stays as it was."""
    waits = {
        name: getattr(before, name)
        for name in FIXED
        if getattr(asked, name) != getattr(before, name)
    }
    needs_restart = [*waits]
    queue, limits = asked.queue, asked.limits
    if queue.store != before.queue.store:
        needs_restart.append("queue.store")
        queue = replace(queue, store=before.queue.store)
    if limits.octets_in_flight != before.limits.octets_in_flight:
        needs_restart.append("limits.octets_in_flight")
        limits = replace(limits, octets_in_flight=before.limits.octets_in_flight)
    settings = replace(asked, queue=queue, limits=limits, **waits)
    for place, source in enumerate(before.feedback.sqs):
        about = f"feedback.sqs[{place}]"
        if source.route not in settings.routes:
            raise Unusable(
                f"routes.{source.route}: cannot be removed while the relay runs, {about} reads by "
                "its credentials; keep the route until the next restart"
            )
        if settings.routes[source.route] != before.routes[source.route]:
            needs_restart.append(f"{about} (credentials of routes.{source.route})")
    return Change(
        settings=settings,
        changed=tuple(_changed(before, settings)),
        needs_restart=tuple(needs_restart),
    )


def _changed(before: Settings, settings: Settings) -> Iterator[str]:
    for field in fields(Settings):
        if field.name == "routes":
            for name in {**before.routes, **settings.routes}:
                if before.routes.get(name) != settings.routes.get(name):
                    yield f"routes.{name}"
        elif getattr(before, field.name) != getattr(settings, field.name):
            yield field.name
