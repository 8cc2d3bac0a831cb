"""No error of foreign code carries a private value to people, nor into either system."""

import io
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.models import Model
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)

from configs.errors import RatchetError
from configs.model import ModelConfig
from flows.training import train_candidate
from tasks.data.hooks import parse_hooks
from tasks.foreign_errors import told_as
from tasks.model.scores import score
from tasks.model.training import fit
from tasks.tracking import model_files
from tests.journeys import Journey
from tests.test_file_rows import model

SECRET = "jane.doe@example.com"
ESTIMATORS = [
    "sklearn.linear_model.Ridge",
    "sklearn.tree.DecisionTreeRegressor",
    "sklearn.ensemble.RandomForestRegressor",
    "sklearn.ensemble.HistGradientBoostingRegressor",
    "sklearn.neighbors.KNeighborsRegressor",
    "sklearn.svm.SVR",
    "sklearn.neural_network.MLPRegressor",
    "sklearn.linear_model.HuberRegressor",
]


def config_of(estimator: str, **private: list[str]) -> ModelConfig:
    """A regression on x, which the YAML declares as a number."""
    config = model({"x": "float64"}, **private).model_dump()
    config["data"]["features"] = ["x"]
    config["train"] = {"estimator": estimator}
    return ModelConfig.model_validate(config)


NUMBERS = pd.DataFrame({"x": np.arange(20.0), "y": np.arange(20.0) / 2})
TEXTS = NUMBERS.assign(x=SECRET)


def printed(error: BaseException) -> str:
    """All that a log may show of an error."""
    text = io.StringIO()
    traceback.print_exception(error, file=text)
    return text.getvalue()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_estimator_that_quotes_a_row_is_quoted_only_if_nothing_is_private(
    estimator: str,
) -> None:
    private, public = config_of(estimator, private=["x"]), config_of(estimator)
    fitted = fit(public, NUMBERS)
    signed = model_files.sign(fitted, private, NUMBERS)
    for act in (
        lambda config: fit(config, TEXTS),
        lambda config: score(fitted, config, TEXTS),
    ):
        with pytest.raises(RatchetError) as refusal:
            act(private)
        assert SECRET not in printed(refusal.value)
        with pytest.raises(RatchetError) as refusal:
            act(public)
        assert SECRET in printed(refusal.value)
    with pytest.raises(RatchetError) as refusal:
        model_files.sign(fitted, private, TEXTS)
    assert SECRET not in printed(refusal.value)
    assert signed.private_inputs == ("x",)


def test_mlflows_schema_check_quotes_no_private_row(tmp_path: Path) -> None:
    config = config_of("sklearn.linear_model.Ridge", private=["x"])
    signed = model_files.sign(fit(config, NUMBERS), config, NUMBERS)
    files = tmp_path / "model"
    model_files.save(signed, config, Model(), files)
    with pytest.raises(RatchetError) as refusal:
        replace(signed, sample=TEXTS[["x"]]).require_same_predictions(files)
    assert SECRET not in printed(refusal.value)


HOOK = f"""
def prepare(raw):
    raise ValueError("{SECRET}")


def measure(rows, scores):
    import sys
    sys.exit("{SECRET}")
"""


def test_a_hook_that_quotes_a_row_is_named_by_its_line_alone() -> None:
    config = config_of("sklearn.linear_model.Ridge", private=["y"]).model_dump()
    config["data"]["prepare"] = "prepare"
    config["metrics"] = [{"name": "r2"}, {"name": "measure"}]
    hooks = parse_hooks(ModelConfig.model_validate(config), HOOK, Path("m.py"))
    for name, line, arguments in (("prepare", 3, [TEXTS]), ("measure", 8, [TEXTS, None])):
        with pytest.raises(
            RatchetError, match=rf"hook {name} raised .* at m\.py:{line}"
        ) as refusal:
            hooks.call(name, *arguments)
        assert SECRET not in printed(refusal.value).replace(f'ValueError("{SECRET}")', "").replace(
            f'sys.exit("{SECRET}")', ""
        )


def test_ratchets_own_errors_pass_through_the_door_as_they_are() -> None:
    with pytest.raises(RatchetError, match=r"^as it was$"), told_as("changed", ["x"]):
        raise RatchetError("as it was")


def test_neither_system_shows_a_private_value_of_a_run_that_failed(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey()
    hooks = journey.settings.models / f"{journey.model}.py"
    quoting = 'raise ValueError(f"no account {raw.customer.iloc[0] + 40_532_013_000}")'
    hooks.write_text(hooks.read_text().replace("return raw", f"{quoting}\n    return raw"))
    run = journey.start(train_candidate)
    state = journey.run(train_candidate, run)
    assert state.is_failed()
    shown = [str(state), str(journey.read(run.id).labels)]
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    shown += [log.message for log in journey.prefect.read_logs(of_run)]
    of_flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    tasks = journey.prefect.read_task_runs(flow_run_filter=of_flow_run)
    shown += [str(task.state) for task in tasks]
    (mirrored,) = journey.mlflow_runs(run)
    shown += [str(mirrored.data.to_dictionary()), str(mirrored.info)]
    assert any("hook add_double raised ValueError" in text for text in shown)
    assert not [text for text in shown if "no account 405" in text]
