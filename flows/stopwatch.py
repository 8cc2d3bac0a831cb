"""What the steps of one flow run cost: seconds, and the peak memory of the process after each.

A flow opens a stopwatch for the length of a `with` block, and the steps within report to it.
Not here: who reports (steps.py), where the costs are recorded (training.py).
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class StepCost(NamedTuple):
    """Seconds spent in one step, and the peak memory of the process up to its end."""

    seconds: float
    peak_megabytes: float


class Stopwatch:
    """The cost of each step that has ended, by its name; the seconds of a repeated step add up."""

    def __init__(self) -> None:
        self.costs: dict[str, StepCost] = {}

    def add(self, step_name: str, seconds: float) -> None:
        """Record that a step has just ended after that many seconds."""
        earlier_seconds = self.costs[step_name].seconds if step_name in self.costs else 0.0
        self.costs[step_name] = StepCost(earlier_seconds + seconds, _peak_megabytes())

    def metrics(self) -> dict[str, float]:
        """The costs under the names that MLflow shows: `seconds/log_model`, `peak_mb/log_model`."""
        metrics = {}
        for step_name, cost in self.costs.items():
            suffix = step_name.replace(" ", "_")
            metrics[f"seconds/{suffix}"] = cost.seconds
            metrics[f"peak_mb/{suffix}"] = cost.peak_megabytes
        return metrics


# of the flow run in this thread: a step, which Prefect calls in the flow's own context, finds it
_RUNNING: ContextVar[Stopwatch | None] = ContextVar("running stopwatch", default=None)


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """A stopwatch to which the steps of this block report, and none after it."""
    running = Stopwatch()
    token = _RUNNING.set(running)
    try:
        yield running
    finally:
        _RUNNING.reset(token)


def report(step_name: str, seconds: float) -> None:
    """Tell the running stopwatch, if there is one, that a step has just ended."""
    if running := _RUNNING.get():
        running.add(step_name, seconds)


def _peak_megabytes() -> float:
    # the unit of ru_maxrss is a byte on macOS and a kilobyte elsewhere
    unit_in_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_in_bytes / 2**20
