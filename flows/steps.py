"""How work becomes a step of a flow: a Prefect task that says one line when it is done, and is retried only where that can help.

Not here: what any step does (tasks/), in which order (training.py, promotion.py).
"""

import resource
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import httpx
from mlflow.exceptions import MlflowException
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger
from prefect.logging.loggers import PrefectLogAdapter
from prefect.runtime import flow_run
from prefect.tasks import exponential_backoff

from configs.errors import RatchetError

P = ParamSpec("P")
R = TypeVar("R")

LOGGER = "ratchet"  # the last part of the logger's name, by which a command tells our lines from Prefect's own

_spent: dict[
    str, dict[str, tuple[float, float]]
] = {}  # of each flow run in this process, of each step: seconds, and peak MB until then


def step(
    work: Callable[P, R],
    name: str,
    said: Callable[[R], str] | None = None,
    *,
    retries: int = 0,
    timeout_seconds: float | None = None,
) -> Task[P, R]:
    """`work` as a task called `name`; when done it logs what `said` makes of its answer, and its seconds.

    Retries wait 2, 4, 8, ... seconds, each with jitter, and only after an error that trying again can mend. Inputs are not hashed:
    Prefect's default policy would pickle every DataFrame and then store nothing.
    """

    @wraps(work)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        start = time.perf_counter()
        answer = work(*args, **kwargs)
        seconds = time.perf_counter() - start
        spent = _spent.setdefault(str(flow_run.id), {})
        spent[name] = (spent.get(name, (0.0, 0.0))[0] + seconds, _peak_megabytes())
        if said:
            cast(PrefectLogAdapter, get_run_logger()).getChild(LOGGER).info(
                "%-10s %s  %.1f s", name, said(answer), seconds
            )
        return answer

    return task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        retries=retries,
        retry_delay_seconds=exponential_backoff(2),
        retry_jitter_factor=0.5,
        retry_condition_fn=worth_retrying,
        timeout_seconds=timeout_seconds,
    )(timed)


def spent() -> dict[str, tuple[float, float]]:
    """Of each step that this flow run has finished so far in this process: its seconds, and the process's peak memory until then in MB."""
    return dict(_spent.get(str(flow_run.id), {}))


def spent_as_metrics() -> dict[str, float]:
    named = {name.replace(" ", "_"): each for name, each in spent().items()}
    seconds = {f"seconds/{name}": seconds for name, (seconds, _) in named.items()}
    return seconds | {f"peak_mb/{name}": megabytes for name, (_, megabytes) in named.items()}


def _peak_megabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def worth_retrying(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """True for a network or a disk that may come back; never for a refusal or a mistake."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, RatchetError):
        return error.retryable
    if isinstance(error, MlflowException):
        return error.error_code in (
            "INTERNAL_ERROR",
            "TEMPORARILY_UNAVAILABLE",
            "REQUEST_LIMIT_EXCEEDED",
        )
    return isinstance(error, OSError | httpx.TransportError)
