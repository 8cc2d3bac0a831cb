"""A flow run as Prefect's server describes it, with the outcome that its flow recorded in labels.

An outcome is read from labels alone; the state's message is a sentence for people.
Not here: asking the server (prefect_api.py); what a command makes of an outcome
(commands/progress.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from configs.errors import RatchetError
from tasks.release.events import EventName

Outcome = Literal["registered", "explored", "scored"] | EventName


@dataclass(frozen=True)
class FlowRun:
    """A flow run: its state's type (COMPLETED, PAUSED, ...), name and message, and its outcome.

    `outcome`, `version` and `error` are those of the run's present attempt, None while its flow
    has recorded none: it still runs, it crashed or was cancelled, or a library raised.
    """

    id: str
    name: str
    type: str
    state: str
    message: str
    outcome: Outcome | None = None
    version: int | None = None
    error: RatchetError | None = None

    @property
    def ended(self) -> bool:
        return self.type in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

    @property
    def suspended(self) -> bool:
        return self.type == "PAUSED"


def read_flow_run(body: Mapping[str, Any]) -> FlowRun:
    """The flow run that an answer of Prefect's server describes."""
    state = body.get("state") or {}
    labels = _labels_of_present_attempt(body)
    return FlowRun(
        id=body["id"],
        name=body["name"],
        type=state.get("type", ""),
        state=state.get("name", ""),
        message=state.get("message") or "",
        outcome=labels.get("ratchet.outcome") or None,
        version=labels.get("ratchet.version") or None,
        error=_error_in(labels),
    )


def _labels_of_present_attempt(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The run's labels, or none: those of an earlier attempt say nothing about this one.

    A label may be blank (`""`, or 0 for a version): Prefect removes none, so a flow that has
    nothing to say under a name of an earlier attempt overwrites it.
    """
    labels: Mapping[str, Any] = body.get("labels") or {}
    return labels if labels.get("ratchet.run_count") == body.get("run_count", 0) else {}


def _error_in(labels: Mapping[str, Any]) -> RatchetError | None:
    name = labels.get("ratchet.error")
    if not name:
        return None
    message = labels.get("ratchet.error_message", "")
    if name not in ERRORS:
        return RatchetError(f"{name}: {message}")
    return ERRORS[name](message)


def _with_subclasses(kind: type[RatchetError]) -> Iterator[type[RatchetError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _with_subclasses(subclass)


# the tree of configs/errors.py by the names of its classes
ERRORS = {kind.__name__: kind for kind in _with_subclasses(RatchetError)}
