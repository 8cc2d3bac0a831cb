"""A step is retried only after an error that a retry can repair, and reports what it cost."""

import asyncio
import traceback
from collections.abc import Callable

import httpx
import pytest
from mlflow.exceptions import MlflowException, RestException
from prefect.states import exception_to_failed_state

from configs.errors import (
    ConfigError,
    DataRejected,
    HookFailed,
    ModelRejected,
    RatchetError,
    RunChanged,
    Unreachable,
)
from configs.model import ModelConfig
from flows.steps import step, worth_retrying
from flows.stopwatch import report, stopwatch
from tasks.comparison.comparison import Compared
from tasks.comparison.contest import Contest
from tasks.verdict.judgement import Judgement, Verdict
from tests.test_file_rows import model

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


def step_that_fails() -> Callable[..., None]:
    def work(*_arguments: object) -> None:
        raise ValueError("no account DE89")

    return step(work, "work").fn


@pytest.mark.parametrize("wrap", [lambda config: config, lambda config: held(config)])
def test_an_error_that_nobody_foresaw_names_its_step_and_quotes_nothing_private(
    wrap: Callable[[ModelConfig], object],
) -> None:
    sentence = r"^the step work failed with ValueError: no account DE89 \(test_steps.py:\d+\)$"
    with pytest.raises(RatchetError, match=sentence):
        step_that_fails()("rows", wrap(model({})))
    with pytest.raises(RatchetError, match=r"failed with ValueError \(its text") as refusal:
        step_that_fails()("rows", wrap(model({}, private=["y"])))
    assert "DE89" not in "".join(traceback.format_exception(refusal.value)).replace(
        'raise ValueError("no account DE89")', ""
    )


def held(config: ModelConfig) -> Judgement:
    """What the step that draws a verdict's plots is handed, beside no configuration."""
    empty = Compared()
    return Judgement(Verdict("PASS", ()), None, Contest(config, {}), empty)  # type: ignore[arg-type]


def test_an_error_that_waiting_repairs_passes_through_a_step_as_it_is() -> None:
    def work() -> None:
        raise httpx.ConnectError("refused")

    with pytest.raises(httpx.ConnectError):
        step(work, "work").fn()


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
