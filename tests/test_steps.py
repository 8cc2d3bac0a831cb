"""A step is retried only after an error that a retry can repair, and reports what it cost."""

import asyncio

import httpx
import pytest
from mlflow.exceptions import MlflowException, RestException
from prefect.states import exception_to_failed_state

from configs.errors import (
    ConfigError,
    DataRejected,
    HookFailed,
    ModelRejected,
    RunChanged,
    Unreachable,
)
from flows.steps import worth_retrying
from flows.stopwatch import report, stopwatch

REPAIRED_BY_WAITING = [
    Unreachable("no answer"),
    OSError("stale file handle"),
    httpx.ConnectError("refused"),
    MlflowException("API request failed"),
]
NEVER = [
    DataRejected("12 nulls"),
    ModelRejected("a lambda"),
    RunChanged("other code"),
    ConfigError("a typo"),
    HookFailed("KeyError"),
    FileNotFoundError("no such file"),
    PermissionError("not readable"),
    IsADirectoryError("a folder"),
    NotADirectoryError("a file"),
    ValueError("a mistake of ours"),
    RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "changed"}),
]


@pytest.mark.parametrize("error", REPAIRED_BY_WAITING, ids=repr)
def test_after_a_network_or_disk_error_a_step_is_retried(error: Exception) -> None:
    assert worth_retrying(None, None, asyncio.run(exception_to_failed_state(error)))


@pytest.mark.parametrize("error", NEVER, ids=repr)
def test_after_a_refusal_or_a_mistake_a_step_is_not_retried(error: Exception) -> None:
    assert not worth_retrying(None, None, asyncio.run(exception_to_failed_state(error)))


def test_a_stopwatch_adds_up_a_repeated_step_and_names_its_metrics() -> None:
    with stopwatch() as watch:
        report("log model", 1.5)
        report("log model", 2.0)
    metrics = watch.metrics()
    assert metrics.keys() == {"seconds/log_model", "peak_mb/log_model"}
    assert metrics["seconds/log_model"] == 3.5
    assert metrics["peak_mb/log_model"] > 1


def test_a_stopwatch_sees_nothing_of_what_runs_beside_it_or_after_it() -> None:
    with stopwatch() as outer:
        with stopwatch() as inner:
            report("inner", 1.0)
        report("outer", 1.0)
    report("later", 1.0)
    assert inner.costs.keys() == {"inner"}
    assert outer.costs.keys() == {"outer"}
