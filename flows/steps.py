"""How work becomes a step of a flow: a Prefect task that logs one line when it is done.

A step is retried only after an error that trying again can repair.
Not here: what a step does (tasks/), the order of the steps (training.py, promotion.py), what each
costs (stopwatch.py).
"""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import httpx
from mlflow.exceptions import MlflowException
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger
from prefect.logging.loggers import PrefectLogAdapter
from prefect.tasks import exponential_backoff

from configs.errors import RatchetError
from configs.model import ModelConfig
from flows import stopwatch
from tasks.foreign_errors import cause, reason

P = ParamSpec("P")
R = TypeVar("R")

# the end of the logger's name, by which a command tells our lines from Prefect's own
LOGGER = "ratchet"

# a file that is missing or not readable stays so
LASTING_DISK_ERRORS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
TRANSIENT_MLFLOW_ERRORS = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")


def step(
    work: Callable[P, R],
    name: str,
    summary: Callable[[R], str] | None = None,
    *,
    retries: int = 0,
    timeout_seconds: float | None = None,
) -> Task[P, R]:
    """`work` as a task called `name`, which logs the `summary` of its result and its seconds.

    Retries wait 2, 4, 8, ... seconds, each with jitter. Inputs are not hashed: Prefect's default
    policy would pickle every DataFrame and then store nothing.
    """

    @wraps(work)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        start = time.perf_counter()
        with _told(name, [*args, *kwargs.values()]):
            result = work(*args, **kwargs)
        seconds = time.perf_counter() - start
        stopwatch.report(name, seconds)
        if summary:
            logger = cast(PrefectLogAdapter, get_run_logger())
            logger.getChild(LOGGER).info("%-10s %s  %.1f s", name, summary(result), seconds)
        return result

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


@contextmanager
def _told(name: str, arguments: Sequence[Any]) -> Iterator[None]:
    """Let an error that nobody foresaw name the step; its text may quote a private column."""
    try:
        yield
    except Exception as error:
        if isinstance(error, RatchetError) or is_transient(error):
            raise
        private = _private_columns(arguments)
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise RatchetError(
            f"the step {name} failed with {reason(error, private)} "
            f"({Path(place.filename).name}:{place.lineno})"
        ) from cause(error, private)


def _private_columns(arguments: Sequence[Any]) -> tuple[str, ...]:
    """The private columns of the model whose configuration is among the arguments, or in one."""
    for argument in arguments:
        config = getattr(argument, "config", argument)
        if isinstance(config, ModelConfig):
            return config.data.private
    return ()


def worth_retrying(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Whether a network or a disk may come back; never true of a refusal or a mistake."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, RatchetError):
        return error.retryable
    return is_transient(error)


def is_transient(error: object) -> bool:
    """Whether it is of a network or a disk, and may not be there the next time."""
    if isinstance(error, MlflowException):
        return error.error_code in TRANSIENT_MLFLOW_ERRORS
    if isinstance(error, LASTING_DISK_ERRORS):
        return False
    return isinstance(error, OSError | httpx.TransportError)
