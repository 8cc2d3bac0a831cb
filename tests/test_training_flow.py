"""train_candidate on real servers: what it leaves in MLflow and Prefect, and what it does not touch
when something stops it."""

import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.artifacts import download_artifacts
from prefect.states import Scheduled

from configs.errors import Refused
from deployments.stack import Stack
from flows.training import train_candidate
from tasks.tracking import stored_rows
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
    assert (params["train_rows"], params["holdout_rows"]) == (
        "600",
        str(400 - int(params["holdout_left_out"])),
    )
    assert {
        "git_commit",
        "lock_digest",
        "config_digest",
        "data_digest",
        "version.scikit-learn",
    } <= set(params)
    assert {
        f"{part}/{name}"
        for part in ("train", "holdout")
        for name in ("average_precision", "roc_auc", "share_found")
    } <= set(metrics)
    assert {"seconds/load", "seconds/train", "rows/train_rows"} <= set(metrics)
    assert [entry.dataset.name for entry in recorded.inputs.dataset_inputs] == [
        f"{journey.model} training",
        f"{journey.model} holdout",
    ]

    files = {
        path.name
        for path in Path(
            download_artifacts(run_id=recorded.info.run_id, dst_path=str(tmp_path))
        ).rglob("*")
    }
    assert {
        "plan.json",
        "config.json",
        "hooks.py",
        "holdout_predictions.parquet",
        "raw.json",
        "features.json",
    } <= files
    assert {
        "report.html",
        "confusion_matrix.png",
        "feature_importance.png",
        "precision_recall.png",
        "roc.png",
    } <= files


def test_the_holdout_is_stored_with_its_history_apart_from_the_training_keys(
    journey: Journey,
) -> None:
    journey.train()
    (version,) = journey.versions()
    run = journey.mlflow.get_run(version.run_id)
    experiment, params = run.info.experiment_id, run.data.params
    stored = stored_rows.read(journey.mlflow, experiment, params["holdout_sha256"])
    holdout = stored[stored[stored_rows.JUDGED]]
    assert len(holdout) == int(params["holdout_rows"])
    assert holdout["bad"].sum() == int(params["holdout_positives"])
    assert not (holdout["customer"] == 0).any()
    assert stored["at"].min() < pd.Timestamp("2026-01-08") - pd.Timedelta(hours=23)
    trained = stored_rows.read(journey.mlflow, experiment, params["train_keys_sha256"])
    assert set(trained["id"]).isdisjoint(holdout["id"])


def test_stored_rows_that_were_changed_are_refused(journey: Journey, servers: Stack) -> None:
    journey.train()
    (version,) = journey.versions()
    run = journey.mlflow.get_run(version.run_id)
    sha256 = run.data.params["holdout_sha256"]
    (file,) = servers.settings.home.rglob(f"{run.info.experiment_id}/kept/{sha256}.parquet")
    stored = pd.read_parquet(file)
    stored.assign(amount=0.0).to_parquet(file)
    with pytest.raises(
        Refused, match=rf"the kept rows {sha256[:12]} have changed since they were stored; restore"
    ):
        stored_rows.read(journey.mlflow, run.info.experiment_id, sha256)


def test_plain_mlflow_serves_the_version_under_its_model_signature(journey: Journey) -> None:
    journey.train()
    model = mlflow.pyfunc.load_model(f"models:/{journey.model}/1")
    assert model.metadata.signature.inputs.input_names() == ["amount", "double"]
    assert list(model.predict(pd.DataFrame({"amount": [1.0, 400.0], "double": [2.0, 800.0]}))) == [
        0,
        1,
    ]


def test_two_runs_of_the_same_data_store_them_once(journey: Journey) -> None:
    journey.train()
    journey.train(overrides=["train.params.C=0.1"])
    first, second = (journey.mlflow.get_run(version.run_id) for version in journey.versions())
    assert first.data.params["holdout_sha256"] == second.data.params["holdout_sha256"]
    assert {first.data.params["train.params.C"], second.data.params["train.params.C"]} == {
        "1.0",
        "0.1",
    }


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
    journey.prefect.set_flow_run_state(run.id, Scheduled(), force=True)
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
    # data that arrive before the retry do not change what it trains on
    write_days(journey.settings.data / "days", start="2026-01-11", days=1)
    journey.again(run)
    assert journey.run(train_candidate, run).name == "Registered"
    (recorded,) = journey.mlflow_runs(run)
    assert len(journey.versions()) == 1
    assert recorded.data.params["as_of"] == "2026-01-10T00:00:00"
    assert recorded.info.status == "FINISHED"
    models = journey.mlflow.search_logged_models([recorded.info.experiment_id])
    assert [model.status.value for model in models] == ["READY"]


def test_a_retry_that_finds_other_code_says_start_a_new_run(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.write_text(hooks.read_text().replace("* 2", "* 3"))
    journey.prefect.set_flow_run_state(run.id, Scheduled(), force=True)
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
    report = json.loads(
        Path(
            download_artifacts(run_id=recorded.info.run_id, artifact_path="validation/raw.json")
        ).read_text()
    )
    (failed,) = [outcome for outcome in report["outcomes"] if not outcome["passed"]]
    assert (failed["check"], failed["failed_rows"]) == ("amount-known", 2)


def test_a_warning_goes_on_and_is_recorded(journey: Journey) -> None:
    file = journey.settings.data / "days" / "2026-01-05.parquet"
    rows_of_day = pd.read_parquet(file)
    rows_of_day.loc[3, "amount"] = 5_000.0
    rows_of_day.to_parquet(file)
    journey.train()
    (version,) = journey.versions()
    assert journey.mlflow.get_run(version.run_id).data.metrics["validation/features_failed"] == 1


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
    message = f"hook add_double raised KeyError: 'amuont' ({journey.model}.py:2)"
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
        journey.prefect.set_flow_run_state(run.id, Scheduled(), force=True)
    keys = [promotion.idempotency_key for promotion in journey.promotions()]
    assert keys == [f"{run.id}:promote:1"]
