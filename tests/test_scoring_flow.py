"""score_batch on real servers: what it writes, what it records, and what stops it."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.artifacts import load_dict
from mlflow.entities import Run as MlflowRun
from prefect.client.schemas.objects import FlowRun, State

from configs.reading import read_model
from configs.settings import Settings
from deployments.runner import deployment
from deployments.stack import Stack
from flows.scoring import score_batch
from flows.training import train_candidate
from tasks.data import digests
from tasks.scoring import job, plan
from tasks.scoring.progress import Progress
from tasks.tracking.model_files import SHA256
from tasks.tracking.runs import Run
from tests.conftest import TINY_HOOKS, write_days
from tests.journeys import Journey


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "scores"


def start(journey: Journey, out: Path, **days: str) -> FlowRun:
    return journey.start(score_batch, out=str(out), **days)


def score(journey: Journey, out: Path, **days: str) -> State[Any]:
    return journey.run(score_batch, start(journey, out, **days))


def files_in(out: Path) -> dict[str, str]:
    """The sha256 of each file below a folder, hidden ones too, by its path there."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def days_in(out: Path) -> list[str]:
    return [path.parent.name.removeprefix("date=") for path in sorted(out.rglob("*.parquet"))]


def without_labels(journey: Journey, *days: str) -> None:
    """Write these days again as they arrive before anybody knows the labels."""
    for day in days:
        file = journey.settings.data / "days" / f"{day}.parquet"
        pd.read_parquet(file).drop(columns="bad").to_parquet(file, index=False)


def test_the_champion_scores_days_whose_labels_nobody_knows(journey: Journey, out: Path) -> None:
    champion = journey.crown()
    without_labels(journey, "2026-01-09", "2026-01-10")
    run = start(journey, out, first="2026-01-09")
    assert journey.run(score_batch, run).name == "Scored"

    folder = out / journey.model
    assert days_in(folder) == ["2026-01-09", "2026-01-10"]
    scores = pd.read_parquet(folder / "date=2026-01-10" / "scores.parquet", partitioning=None)
    rows = pd.read_parquet(journey.settings.data / "days" / "2026-01-10.parquet")
    assert list(scores["id"]) == list(rows.sort_values(["at", "id"])["id"])
    assert list(scores.columns) == [
        "id", "at", "score", "decision", "model_version", "run", "scored_at"
    ]  # fmt: skip
    assert ((scores["score"] >= 0.5) == (scores["decision"] == 1)).all()
    assert set(scores["decision"]) == {0, 1}
    (recorded,) = journey.mlflow_runs(run)
    assert set(scores["model_version"]) == {champion}
    assert set(scores["run"]) == {recorded.info.run_id}
    assert scores["scored_at"].nunique() == 1

    params, metrics = recorded.data.params, recorded.data.metrics
    assert params["days"] == "2026-01-09 .. 2026-01-10"
    assert metrics["rows"] == 400
    assert metrics["decided/0"] + metrics["decided/1"] == 400
    assert metrics["score/p0"] < metrics["score/p50"] < metrics["score/p100"]
    (used,) = journey.mlflow.get_run(recorded.info.run_id).inputs.model_inputs
    registered = journey.mlflow.get_model_version(journey.model, str(champion))
    assert f"models:/{used.model_id}" == registered.source
    assert recorded.inputs.dataset_inputs[0].dataset.name == f"{journey.model} new rows"
    partitions = load_dict(f"{recorded.info.artifact_uri}/partitions.json")["partitions"]
    assert [part["sha256"] for part in partitions] == list(files_in(out).values())


def test_what_prepare_sees_is_what_it_saw_in_training_but_for_labels_that_come_later(
    new_journey: Any, out: Path
) -> None:
    """The mean of labels known to the hook, by day: those of the day itself are not among them."""
    journey = new_journey()
    (journey.settings.models / f"{journey.model}.py").write_text(LOOKING_BACK)
    journey.crown()
    score(journey, out, first="2026-01-08", last="2026-01-09")
    seen = pd.read_csv(journey.settings.data / "seen.csv", names=["first", "last", "labels"])
    # one day of delay: a label is known once a day has passed, at the end of the day scored
    assert seen.tail(2).values.tolist() == [
        ["2026-01-07", "2026-01-08", 200],
        ["2026-01-08", "2026-01-09", 200],
    ]


LOOKING_BACK = """
import os
from pathlib import Path

def add_double(raw):
    days = raw["at"].dt.date
    known = raw["bad"].notna()
    with Path(os.environ["RATCHET_DATA"], "seen.csv").open("a") as file:
        print(days.min(), days.max(), known.sum(), sep=",", file=file)
    return raw.assign(double=raw["amount"] * 2)

def first_customer(rows, window):
    return rows["customer"] == 0

def share_found(rows, scores):
    return float(rows["bad"][scores >= 0.5].sum() / rows["bad"].sum())
"""


def test_a_later_job_goes_on_after_the_newest_day_and_then_finds_nothing_new(
    journey: Journey, out: Path
) -> None:
    journey.crown()
    score(journey, out, last="2026-01-08")
    first = files_in(out)
    assert days_in(out) == ["2026-01-08"]
    score(journey, out)
    assert days_in(out) == ["2026-01-08", "2026-01-09", "2026-01-10"]
    scored = files_in(out)
    assert scored.items() >= first.items()
    state = score(journey, out)
    assert state.name == "Scored"
    assert "no day of" in str(state.message)
    assert files_in(out) == scored


@pytest.mark.parametrize(
    ("place", "when"),
    [
        ("flows.scoring:settle", "after"),
        ("tasks.scoring.partitions:Partitions._publish", "before"),
        ("tasks.scoring.partitions:Partitions._publish", "after"),
        ("flows.scoring:record_scores", "before"),
        ("mlflow:MlflowClient.log_inputs", "after"),
    ],
)
def test_killed_at_any_place_the_same_run_again_writes_the_same_bytes(
    journey: Journey, out: Path, place: str, when: str
) -> None:
    journey.crown()
    run = start(journey, out, first="2026-01-08")
    journey.kill_at(run, place, when)
    journey.crown(journey.candidate("train.params.C=0.1"))
    write_days(journey.settings.data / "days", start="2026-01-11", days=1)
    journey.again(run)
    assert journey.run(score_batch, run).name == "Scored"
    after_the_kill = files_in(out)
    assert days_in(out) == ["2026-01-08", "2026-01-09", "2026-01-10"]
    assert len(after_the_kill) == 3, "something unfinished is left"

    (recorded,) = journey.mlflow_runs(run)
    assert recorded.data.params["version"] == "1", "the champion changed while the job was dead"
    undisturbed = out.with_name("undisturbed")
    score_undisturbed(journey, recorded, undisturbed)
    assert after_the_kill == files_in(undisturbed)


def score_undisturbed(journey: Journey, recorded: MlflowRun, out: Path) -> None:
    """Do what this run planned, once more and to another folder, without Prefect."""
    run = Run(recorded.info.run_id, recorded.info.experiment_id, recorded.info.artifact_uri, "")
    planned = plan.read_stored(journey.mlflow, run)
    assert planned
    planned_job = job.open_job(journey.mlflow, run, replace(planned, out=str(out)))
    job.score(planned_job, journey.settings.data, Progress(print))


def test_without_a_champion_nothing_is_scored(journey: Journey, out: Path) -> None:
    journey.candidate()
    state = score(journey, out)
    assert state.type.value == "FAILED"
    assert "has no champion, and only a champion scores; promote a version" in str(state.message)
    assert files_in(out) == {}


def test_a_tag_does_not_make_other_files_the_champions(
    journey: Journey, servers: Stack, out: Path
) -> None:
    champion = journey.crown()
    files = journey.files_of(champion, servers)
    requirements = files / "artifacts" / "requirements.txt"
    if not requirements.exists():
        (requirements,) = files.rglob("requirements.txt")
    text = requirements.read_text()
    try:
        requirements.write_text(f"{text}\n")
        sha256 = digests.of_folder(requirements.parent)
        journey.mlflow.set_model_version_tag(journey.model, str(champion), SHA256, sha256)
        state = score(journey, out)
    finally:
        # other journeys share these files
        requirements.write_text(text)
    assert state.type.value == "FAILED"
    assert "the model's files have sha256" in str(state.message)
    assert files_in(out) == {}


def test_hooks_that_were_exchanged_do_not_run(
    new_journey: Callable[..., Journey], servers: Stack, out: Path
) -> None:
    journey = new_journey(lambda yaml: yaml.replace("C: 1.0", "C: 0.7"))
    champion = journey.crown()
    run = journey.mlflow.get_model_version(journey.model, str(champion)).run_id
    source = "def add_double(raw):\n    raise SystemExit\n" + TINY_HOOKS
    journey.mlflow.log_text(str(run), source, "hooks.py")
    state = score(journey, out)
    assert "the hooks stored with" in str(state.message)
    assert "are not those it was trained with" in str(state.message)


def test_a_day_that_cannot_be_scored_stops_the_job_and_leaves_all_partitions_whole(
    journey: Journey, out: Path
) -> None:
    journey.crown()
    score(journey, out, first="2026-01-08")
    before = files_in(out)
    file = journey.settings.data / "days" / "2026-01-09.parquet"
    rows = pd.read_parquet(file)
    rows.assign(amount=rows["amount"].mask(rows.index == 3)).to_parquet(file, index=False)
    state = score(journey, out, first="2026-01-08")
    assert state.type.value == "FAILED"
    assert "2026-01-09: " in str(state.message)
    assert "of 200, 1 have no amount, 1 have no double; give them" in str(state.message)
    after = files_in(out)
    assert after.keys() == before.keys()
    unchanged = [path for path in after if after[path] == before[path]]
    assert [path.split("/")[1] for path in unchanged] == ["date=2026-01-09", "date=2026-01-10"]


def test_rows_without_times_are_all_scored_into_one_file(
    new_journey: Callable[..., Journey], out: Path
) -> None:
    journey = new_journey(undated)
    journey.crown()
    assert score(journey, out).name == "Scored"
    scores = pd.read_parquet(out / journey.model / "scores.parquet")
    assert len(scores) == 2000
    assert scores["id"].is_unique
    assert list(scores.columns[:3]) == ["id", "score", "decision"]
    state = score(journey, out, first="2026-01-08")
    assert "have no times (data.time), so all of them are scored" in str(state.message)


def undated(yaml: str) -> str:
    yaml = yaml.replace("  time: at\n", "").replace("  history_days: 1\n", "")
    return re.sub("split: .*", "split: {by: hash, holdout: 0.3}", yaml)


def test_the_yaml_names_the_folder_and_the_schedule(
    new_journey: Callable[..., Journey], settings: Settings
) -> None:
    scoring = 'scoring: {out: "${RATCHET_DATA}/scores", schedule: {cron: "0 5 * * *"}}\n'
    journey = new_journey(lambda yaml: yaml + scoring)
    journey.crown()
    assert journey.run(score_batch, journey.start(score_batch)).name == "Scored"
    assert days_in(journey.settings.data / "scores") == ["2026-01-10"]
    config = read_model(journey.model, journey.settings)
    (scheduled,) = deployment(score_batch, config).schedules
    assert scheduled.schedule.cron == "0 5 * * *"
    assert not deployment(train_candidate, config).schedules


def test_a_finished_job_that_is_run_again_changes_nothing(journey: Journey, out: Path) -> None:
    journey.crown()
    run = start(journey, out)
    journey.run(score_batch, run)
    journey.crown(journey.candidate("train.params.C=0.1"))
    score(journey, out, first="2026-01-10")
    by_the_new_champion = files_in(out)
    journey.again(run)
    assert journey.run(score_batch, run).name == "Scored"
    assert files_in(out) == by_the_new_champion
    assert journey.read(run.id).labels["ratchet.version"] == 1


def test_a_target_made_by_prepare_of_selected_rows_is_learned_judged_and_scored(
    journey: Journey, out: Path
) -> None:
    models, days = journey.settings.models, journey.settings.data / "days"
    yaml = models / f"{journey.model}.yaml"
    selected = """  where: {column: amount, operator: is_not_null}
  drop_duplicates: {by: [id]}
  key: id
"""
    text = yaml.read_text().replace("bad: int64", "fraud: string")
    yaml.write_text(text.replace("  key: id\n", selected))
    hooks = models / f"{journey.model}.py"
    made = TINY_HOOKS.replace("raw.assign(", 'raw.assign(bad=raw["fraud"] == "yes", ')
    hooks.write_text(made)
    for path in days.glob("*.parquet"):
        rows = pd.read_parquet(path)
        fraud = rows.pop("bad").map({1: "yes", 0: "no"})
        rows = pd.concat([rows.assign(fraud=fraud), rows.tail(2).assign(fraud=fraud)])
        rows.iloc[:3, rows.columns.get_loc("amount")] = float("nan")
        rows.to_parquet(path, index=False)

    champion = journey.crown()
    version = journey.mlflow.get_model_version(journey.model, str(champion))
    report = load_dict(f"runs:/{version.run_id}/validation/raw.json")
    sentences = [outcome["sentence"] for outcome in report["outcomes"]]
    assert sentences[:2] == [
        "21 of 1,414 rows do not meet amount is_not_null",
        "14 of 1,393 rows are copies: used is the first of those with the same id",
    ]
    assert score(journey, out, first="2026-01-10", last="2026-01-10").name == "Scored"
    scores = pd.read_parquet(out / journey.model, partitioning=None)
    rows = pd.read_parquet(days / "2026-01-10.parquet")
    assert len(scores) == len(rows) - 3 - 2
    assert scores["id"].is_unique
