"""The composition root: builds the relay from its parts, owns its tasks, starts and stops it."""

from relay.model.settings import Settings
from relay.service.demo import Demo, run_demo
from relay.service.process import run_relay
from relay.service.snapshot import Unusable, snapshot_of

__all__ = ["Demo", "Unusable", "run_demo", "run_relay", "validate"]


def validate(settings: Settings) -> None:
    """Make sure that a relay could use this configuration; raises `Unusable`."""
    snapshot_of(settings)
