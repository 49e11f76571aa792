"""Events of the relay's own process and of its store.

Errors: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.telemetry.events import Event, Level
from relay.telemetry.faults import name_of, places_of
from relay.telemetry.metrics import Metrics
from relay.telemetry.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Replaced:
    """A worker that another follows after some seconds."""

    number: int
    delay_s: float


class RelayEvents:
    """Start, reload, stop, and bugs."""

    def __init__(self, recorder: Recorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics

    def started(self, *, version: str, listeners: Sequence[str], http: str) -> None:
        """Say that everything is up."""
        facts = {"version": version, "listeners": list(listeners), "http": http}
        self._recorder.record(Event.RELAY_STARTED, Level.INFO, facts)

    def reloaded(
        self,
        *,
        changed: Sequence[str] = (),
        needs_restart: Sequence[str] = (),
        refused: str = "",
    ) -> None:
        """Say what of the configuration changed and what did not, or why the new one was refused.

        `needs_restart` names what stays as it was until then.
        """
        facts = {"changed": list(changed), "needs_restart": list(needs_restart), "reason": refused}
        level = Level.ERROR if refused else Level.WARNING if needs_restart else Level.INFO
        self._recorder.record(Event.RELAY_RELOADED, level, facts)

    def stopped(
        self, *, reason: str, in_flight: int, duration_s: float, worker: Replaced | None = None
    ) -> None:
        """Say that the relay stopped, and how many attempts the grace time cut off.

        Or that one of its workers ended by itself; what it had under way only its store knows.
        """
        facts = {
            "worker": None if worker is None else worker.number,
            "delay_s": None if worker is None else worker.delay_s,
            "reason": reason,
            "in_flight": in_flight,
            "duration_ms": round(duration_s * 1000, 1),
        }
        level = Level.WARNING if in_flight else Level.INFO
        if worker is not None:
            level = Level.ERROR
        self._recorder.record(Event.RELAY_STOPPED, level, facts)

    def fault(
        self, where: str, error: BaseException, *, session_id: str = "", queue_id: str = ""
    ) -> None:
        """Write down an error that nobody classified: a bug of ours, transient for the client.

        `where` is one of few fixed words; it is a label of `faults_total`.
        """
        self._metrics.faults.labels(where).inc()
        facts = {
            "session_id": session_id,
            "queue_id": queue_id,
            "where": where,
            "error": name_of(error),
            "traceback": places_of(error),
        }
        self._recorder.record(Event.RELAY_FAULT, Level.ERROR, facts)


class StoreEvents:
    """What the store could not do."""

    def __init__(self, recorder: Recorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics

    def fault(self, operation: str, reason: str, *, queue_id: str = "") -> None:
        """Say what failed, or which entry was set aside as corrupt.

        `operation` is one of few fixed words; it is a label of `faults_total`.
        """
        self._metrics.faults.labels(f"store.{operation}").inc()
        facts = {"queue_id": queue_id, "operation": operation, "reason": reason}
        self._recorder.record(Event.STORE_FAULT, Level.ERROR, facts)
