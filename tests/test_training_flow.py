"""train_candidate on real servers: what it leaves in MLflow and Prefect, and what it leaves alone
when something stops it."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import mlflow
import pandas as pd
import pytest
from mlflow.artifacts import download_artifacts, load_dict
from prefect.client.schemas.objects import FlowRun

from configs.errors import Refused, RunChanged
from deployments.stack import Stack
from flows.training import train_candidate
from tasks.tracking import plans, registry, runs, stored_rows
from tasks.tracking.plans import Plan
from tasks.tracking.runs import FLOW_RUN, Run
from tests.conftest import write_days
from tests.journeys import Journey


def test_a_candidate_is_registered_with_everything_later_readers_need(
    journey: Journey, tmp_path: Path
) -> None:
    run = journey.start(train_candidate)
    assert journey.run(train_candidate, run).name == "Registered"

    (version,) = journey.versions()
    (recorded,) = journey.mlflow_runs(run)
    assert version.run_id == recorded.info.run_id
    assert version.tags["ratchet.flow_run"] == str(run.id)
    assert recorded.data.tags["ratchet.flow_run_url"].endswith(str(run.id))
    assert journey.stages() == {1: "None"}
    assert recorded.info.status == "FINISHED"

    params, metrics = recorded.data.params, recorded.data.metrics
    assert params["train.params.C"] == "1.0"
    assert params["as_of"] == "2026-01-10T00:00:00"
    assert params["as_of"] == params["holdout_end"] == version.tags["ratchet.as_of"]
    assert params["train_rows"] == "600"
    assert int(params["holdout_rows"]) == 400 - int(params["holdout_left_out"])
    assert {"git_commit", "lock_digest", "config_digest", "data_digest"} <= set(params)
    assert {"hooks_sha256", "version.scikit-learn", "train_keys_sha256"} <= set(params)
    for partition in ("train", "holdout"):
        for metric in ("average_precision", "roc_auc", "share_found"):
            assert f"{partition}/{metric}" in metrics
    assert {"seconds/load", "seconds/train", "rows/train_rows"} <= set(metrics)
    datasets = [entry.dataset.name for entry in recorded.inputs.dataset_inputs]
    assert datasets == [f"{journey.model} training", f"{journey.model} holdout"]

    folder = download_artifacts(run_id=recorded.info.run_id, dst_path=str(tmp_path))
    files = {path.name for path in Path(folder).rglob("*")}
    assert {"plan.json", "config.json", "hooks.py", "raw.json", "features.json"} <= files
    assert {"holdout_predictions.parquet", "report.html"} <= files
    assert {"confusion_matrix.png", "feature_importance.png"} <= files
    assert {"precision_recall.png", "roc.png"} <= files


def test_the_holdout_is_stored_with_its_history_and_read_back_only_unchanged(
    journey: Journey,
) -> None:
    journey.train()
    (version,) = journey.versions()
    run = journey.mlflow.get_run(version.run_id)
    experiment, params = run.info.experiment_id, run.data.params
    rows = stored_rows.read(journey.mlflow, experiment, params["holdout_sha256"])
    holdout = rows[rows[stored_rows.IS_HOLDOUT]]
    assert len(holdout) == int(params["holdout_rows"])
    assert holdout["bad"].sum() == int(params["holdout_positives"])
    assert not (holdout["customer"] == 0).any()
    assert rows["at"].min() < pd.Timestamp("2026-01-08") - pd.Timedelta(hours=23)
    trained = stored_rows.read(journey.mlflow, experiment, params["train_keys_sha256"])
    assert set(trained["id"]).isdisjoint(holdout["id"])


def test_stored_rows_that_were_changed_are_refused(journey: Journey, servers: Stack) -> None:
    journey.train()
    (version,) = journey.versions()
    run = journey.mlflow.get_run(version.run_id)
    sha256 = run.data.params["holdout_sha256"]
    (file,) = servers.settings.home.rglob(f"{run.info.experiment_id}/kept/{sha256}.parquet")
    pd.read_parquet(file).assign(amount=0.0).to_parquet(file)
    changed = rf"the stored rows {sha256[:12]} have changed since they were stored; restore"
    with pytest.raises(Refused, match=changed):
        stored_rows.read(journey.mlflow, run.info.experiment_id, sha256)


def test_plain_mlflow_serves_the_version_under_its_model_signature(journey: Journey) -> None:
    journey.train()
    model = mlflow.pyfunc.load_model(f"models:/{journey.model}/1")
    assert model.metadata.signature.inputs.input_names() == ["amount", "double"]
    rows = pd.DataFrame({"amount": [1.0, 400.0], "double": [2.0, 800.0]})
    assert list(model.predict(rows)) == [0, 1]


def test_two_runs_of_the_same_data_store_them_once(journey: Journey) -> None:
    journey.train()
    journey.train(overrides=["train.params.C=0.1"])
    first, second = (journey.mlflow.get_run(version.run_id) for version in journey.versions())
    assert first.data.params["holdout_sha256"] == second.data.params["holdout_sha256"]
    values = {run.data.params["train.params.C"] for run in (first, second)}
    assert values == {"1.0", "0.1"}


def test_a_program_reads_the_outcome_of_a_run_from_its_labels(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    labels = journey.read(run.id).labels
    assert {name: labels[name] for name in labels if name.startswith("ratchet.")} == {
        "ratchet.outcome": "registered",
        "ratchet.version": 1,
        "ratchet.run_count": 1,
    }

    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.write_text(hooks.read_text().replace("* 2", "* 3"))
    journey.again(run)
    journey.run(train_candidate, run)
    retried = journey.read(run.id)
    assert retried.labels["ratchet.error"] == "RunChanged"
    assert "start a new run" in str(retried.labels["ratchet.error_message"])
    assert retried.labels["ratchet.run_count"] == retried.run_count == 2
    assert not retried.labels["ratchet.outcome"], "it is left over from the first attempt"
    assert not retried.labels["ratchet.version"]


def test_a_run_again_finds_its_own_version(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    journey.again(run)
    assert journey.run(train_candidate, run).name == "Registered"
    assert len(journey.versions()) == len(journey.mlflow_runs(run)) == 1


@pytest.mark.parametrize(
    ("place", "when"),
    [
        ("flows.training:settle", "after"),
        ("mlflow:MlflowClient.log_model_artifacts", "before"),
        ("mlflow:MlflowClient.finalize_logged_model", "before"),
        ("flows.registration:register", "before"),
        ("flows.registration:register", "after"),
    ],
)
def test_killed_at_any_place_the_same_run_again_makes_one_run_and_one_version(
    journey: Journey, place: str, when: str
) -> None:
    run = journey.start(train_candidate)
    journey.kill_at(run, place, when)
    # a retry next morning means the same rows
    write_days(journey.settings.data / "days", start="2026-01-11", days=1)
    journey.again(run)
    assert journey.run(train_candidate, run).name == "Registered"
    (recorded,) = journey.mlflow_runs(run)
    assert len(journey.versions()) == 1
    assert recorded.data.params["as_of"] == "2026-01-10T00:00:00"
    assert recorded.info.status == "FINISHED"
    models = journey.mlflow.search_logged_models([recorded.info.experiment_id])
    assert [model.status.value for model in models] == ["READY"]


def test_of_runs_and_versions_made_twice_a_look_up_finds_the_oldest_and_deletes_none(
    journey: Journey,
) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    version, recorded = make_twice(journey, run)
    experiment, flow_run = recorded.info.experiment_id, str(run.id)
    oldest = runs.find_run(journey.mlflow, experiment, flow_run)
    assert oldest is not None
    assert oldest.id == recorded.info.run_id
    assert registry.find_version(journey.mlflow, journey.model, flow_run) == int(version.version)
    assert len(journey.versions()) == len(journey.mlflow_runs(run)) == 2


def test_what_was_made_twice_is_deleted_by_the_same_run_again(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    version, recorded = make_twice(journey, run)
    journey.again(run)
    assert journey.run(train_candidate, run).name == "Registered"
    assert [left.version for left in journey.versions()] == [version.version]
    assert [left.info.run_id for left in journey.mlflow_runs(run)] == [recorded.info.run_id]


def test_a_retry_needs_neither_the_yaml_nor_the_newest_data(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.kill_at(run, "flows.training:settle", "after")
    (journey.settings.models / f"{journey.model}.yaml").write_text("name: [no longer YAML")
    (journey.settings.data / "days" / "2026-01-11.parquet").write_bytes(b"not a table")
    journey.again(run)
    assert journey.run(train_candidate, run).name == "Registered"
    (recorded,) = journey.mlflow_runs(run)
    assert recorded.data.params["as_of"] == "2026-01-10T00:00:00"


def test_a_stored_plan_is_followed_when_the_data_are_gone(journey: Journey) -> None:
    run = open_run(journey)
    first = settle(journey, run)
    shutil.rmtree(journey.settings.data)
    again = settle(journey, run, as_of=datetime(2026, 1, 6), overrides=["train.params.C=9"])
    assert (again.config, again.window, again.code) == (first.config, first.window, first.code)
    assert again.hooks.source == first.hooks.source


def test_a_first_attempt_and_its_retry_have_the_columns_in_the_same_order(
    journey: Journey,
) -> None:
    """Their order is part of the data digest, and the stored text sorts them."""
    run = open_run(journey)
    first = settle(journey, run)
    again = settle(journey, run)
    assert list(first.config.data.columns) == list(again.config.data.columns)


@pytest.mark.parametrize("source", [None, "this is not Python", ""])
def test_a_plan_is_not_followed_without_the_hooks_it_was_settled_with(
    journey: Journey, source: str | None
) -> None:
    run = open_run(journey)
    settle(journey, run)
    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.unlink()
    if source is not None:
        hooks.write_text(source)
    with pytest.raises(RunChanged, match=r"began with other code \(.*\); start a new run"):
        settle(journey, run)


def test_a_retry_that_finds_other_code_says_start_a_new_run(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.write_text(hooks.read_text().replace("* 2", "* 3"))
    journey.again(run)
    state = journey.run(train_candidate, run)
    assert state.name == "Failed"
    assert "start a new run" in str(state.message)


def test_rejected_data_stop_the_run_and_register_nothing(journey: Journey) -> None:
    file = journey.settings.data / "days" / "2026-01-05.parquet"
    rows_of_day = pd.read_parquet(file)
    rows_of_day.loc[[3, 5], "amount"] = None
    rows_of_day.to_parquet(file)

    run = journey.start(train_candidate)
    state = journey.run(train_candidate, run)
    assert state.type.value == "FAILED"
    assert "DataRejected" in str(state.message)
    assert "amount-known" in str(state.message)
    first_key = "803"
    assert first_key in str(state.message)
    assert journey.versions() == []
    (recorded,) = journey.mlflow_runs(run)
    assert recorded.info.status == "FAILED"
    report = load_dict(f"{recorded.info.artifact_uri}/validation/raw.json")
    (failed,) = [outcome for outcome in report["outcomes"] if not outcome["passed"]]
    assert (failed["check"], failed["failed_rows"]) == ("amount-known", 2)


def test_a_warning_goes_on_and_is_recorded(journey: Journey) -> None:
    file = journey.settings.data / "days" / "2026-01-05.parquet"
    rows_of_day = pd.read_parquet(file)
    rows_of_day.loc[3, "amount"] = 5_000.0
    rows_of_day.to_parquet(file)
    journey.train()
    (version,) = journey.versions()
    metrics = journey.mlflow.get_run(version.run_id).data.metrics
    assert metrics["validation/features_failed"] == 1


def test_explore_reads_no_holdout_and_registers_nothing(journey: Journey) -> None:
    for day in ("2026-01-08", "2026-01-09"):
        (journey.settings.data / "days" / f"{day}.parquet").write_bytes(b"nobody reads this")
    run = journey.start(train_candidate, explore=True)
    assert journey.run(train_candidate, run).name == "Explored"
    assert journey.versions() == []
    labels = journey.read(run.id).labels
    assert labels["ratchet.outcome"] == "explored"
    assert "ratchet.version" not in labels
    (recorded,) = journey.mlflow_runs(run)
    assert "train/average_precision" in recorded.data.metrics
    assert not [name for name in recorded.data.metrics if name.startswith("holdout/")]


def test_a_hook_that_raises_is_named_with_its_line(journey: Journey) -> None:
    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.write_text(hooks.read_text().replace('raw["amount"] * 2', 'raw["amuont"] * 2'))
    run = journey.start(train_candidate)
    state = journey.run(train_candidate, run)
    message = f"at {journey.model}.py:2; fix it and start a new run"
    assert message in str(state.message)
    labels = journey.read(run.id).labels
    assert labels["ratchet.error"] == "HookFailed"
    assert message in str(labels["ratchet.error_message"])
    assert "ratchet.outcome" not in labels
    assert journey.versions() == []


def test_promotion_of_a_candidate_is_requested_once_where_the_yaml_says_so(
    journey: Journey,
) -> None:
    path = journey.settings.models / f"{journey.model}.yaml"
    path.write_text(path.read_text().replace("ask: manual", "ask: on_candidate"))
    run = journey.start(train_candidate)
    for _ in range(2):
        journey.run(train_candidate, run)
        journey.again(run)
    key = f"{run.id}:promote:1"
    promotions = [other for other in journey.promotions() if other.idempotency_key == key]
    assert [promotion.parameters["version"] for promotion in promotions] == [1]


def make_twice(journey: Journey, flow_run: FlowRun) -> tuple[Any, Any]:
    """Make a second run and a second version of one flow run, as a request does that is sent again
    after its answer was lost. Returns the first version and the first run."""
    (version,) = journey.versions()
    (recorded,) = journey.mlflow_runs(flow_run)
    tags = {FLOW_RUN: str(flow_run.id)}
    journey.mlflow.create_run(recorded.info.experiment_id, tags=tags)
    model_id = version.source.removeprefix("models:/")
    journey.mlflow.create_model_version(
        journey.model, version.source, version.run_id, version.tags, model_id=model_id
    )
    return version, recorded


def open_run(journey: Journey) -> Run:
    """An MLflow run to settle a plan in, of a flow run that does not exist."""
    return runs.open_run(journey.mlflow, journey.model, "a run", str(uuid4()), {})


def settle(
    journey: Journey, run: Run, as_of: datetime | None = None, overrides: Sequence[str] = ()
) -> Plan:
    settings = journey.settings
    return plans.settle(journey.mlflow, run, settings, journey.model, as_of, overrides)
