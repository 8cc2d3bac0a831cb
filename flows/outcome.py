"""What became of a flow run: a state for people, and labels for programs, which read no prose.

The labels are a part of the flow run at Prefect's server (`GET /flow_runs/{id}`):

    ratchet.outcome         registered, explored, scored, or the ledger's event: promoted, ...
    ratchet.version         the version that it is about, if there is one
    ratchet.error           instead: the class (configs/errors.py) of the error that ended the run
    ratchet.error_message   what that error says
    ratchet.run_count       the attempt that set these labels: a later one may have followed

An error that ratchet did not raise on purpose leaves no labels.
Not here: which outcome a flow run has (training.py, scoring.py, promotion.py, rollback.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed

from configs.errors import RatchetError

P = ParamSpec("P")
Labels = dict[str, bool | int | float | str]

OUTCOME = "ratchet.outcome"
VERSION = "ratchet.version"
ERROR = "ratchet.error"
ERROR_MESSAGE = "ratchet.error_message"
RUN_COUNT = "ratchet.run_count"


@dataclass(frozen=True)
class Outcome:
    """What became of a flow run: one word, a sentence for people, and the version it is about."""

    name: str
    message: str
    version: int | None = None

    @property
    def state(self) -> State[Any]:
        """The final state, as Prefect shows it: `rolled_back` is called "Rolled back"."""
        title = self.name.replace("_", " ").capitalize()
        if self.name in ("expired", "withdrawn"):
            return Cancelled(name=title, message=self.message)
        return Completed(name=title, message=self.message)

    @property
    def labels(self) -> Labels:
        labels: Labels = {OUTCOME: self.name}
        if self.version is not None:
            labels[VERSION] = self.version
        return labels


def publish_outcome(body: Callable[P, Outcome]) -> Callable[P, State[Any]]:
    """A flow's body that labels its run with the outcome, or with the error, before the run ends.

    Prefect makes the form from the body's own signature and docstring. A flow run that suspends
    itself passes through without labels.
    """

    @wraps(body)
    def published(*args: P.args, **kwargs: P.kwargs) -> State[Any]:
        try:
            outcome = body(*args, **kwargs)
        except RatchetError as error:
            _label_own_run({ERROR: type(error).__name__, ERROR_MESSAGE: str(error)})
            raise
        _label_own_run(outcome.labels)
        return outcome.state

    return published


def label(prefect: SyncPrefectClient, flow_run_id: UUID, labels: Labels) -> None:
    """Set these labels, with the attempt they belong to, and blank those of an earlier attempt."""
    recorded = prefect.read_flow_run(flow_run_id)
    # Prefect merges labels and removes none: without this, a retry that succeeds keeps the error
    blanks: Labels = {OUTCOME: "", VERSION: 0, ERROR: "", ERROR_MESSAGE: ""}
    outdated = {name: blank for name, blank in blanks.items() if name in recorded.labels}
    attempt = {RUN_COUNT: recorded.run_count}
    prefect.update_flow_run_labels(flow_run_id, {**outdated, **labels, **attempt})


def _label_own_run(labels: Labels) -> None:
    with get_client(sync_client=True) as prefect:
        label(prefect, UUID(flow_run.id), labels)
