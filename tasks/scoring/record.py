"""What a scoring job records in MLflow: its version and days, counts, scores, digests in and out.

Not here: the plan (plan.py), which is recorded when the job begins.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mlflow.artifacts import load_dict
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput

from configs import canonical_json
from tasks.scoring import summary
from tasks.scoring.job import Scored, ScoringJob, Written
from tasks.scoring.summary import Summary
from tasks.tracking import registry, runs
from tasks.tracking.training_record import DIGEST_CHARACTERS

SHOWN_PERCENTS = (0, 1, 5, 25, 50, 75, 95, 99, 100)
PARTITIONS_FILE = "partitions.json"


def record(job: ScoringJob, scored: Scored) -> None:
    """Record the finished job: params, metrics, the version, the rows, and what was written."""
    client, run = job.client, job.run
    runs.log_params(client, run, _params(job, scored))
    runs.log_metrics(client, run.id, _metrics(scored.total))
    model_id = registry.read_logged_model(client, job.plan.model, job.version.number)
    models = [LoggedModelInput(model_id)] if model_id else None
    client.log_inputs(run.id, [_dataset(job, scored)], models)
    # last: a run that has it is finished
    client.log_dict(run.id, {"partitions": _documents(job, scored)}, PARTITIONS_FILE)


def read_finished(job: ScoringJob) -> Scored | None:
    """What this run has recorded when it was finished before; else None."""
    if PARTITIONS_FILE not in {file.path for file in job.client.list_artifacts(job.run.id)}:
        return None
    documents = load_dict(f"{job.run.artifacts}/{PARTITIONS_FILE}")["partitions"]
    written = tuple(_read(document) for document in documents)
    return Scored(written, summary.total([partition.summary for partition in written]))


def page(job: ScoringJob, scored: Scored) -> str:
    """What both systems show of the job, in Markdown."""
    total = scored.total
    lines = [f"# {job.plan}", "", f"{scored}, written below `{job.plan.out}/{job.plan.model}`."]
    if total.decisions:
        lines += ["", "| decision | rows |", "|---|---|"]
        lines += [f"| {answer} | {count:,} |" for answer, count in total.decisions.items()]
    if total.percentiles:
        lines += ["", "| percentile | score |", "|---|---|"]
        lines += [f"| {p} | {total.percentiles[p]:.4g} |" for p in SHOWN_PERCENTS]
    return "\n".join(lines)


def _params(job: ScoringJob, scored: Scored) -> dict[str, object]:
    return {
        "model": job.plan.model,
        "version": job.version.number,
        "model_sha256": job.version.sha256,
        "days": job.plan.days or "all rows",
        "out": job.plan.out,
        "scored_at": job.plan.scored_at.isoformat(),
        "rows_sha256": scored.total.rows_sha256,
        "scores_sha256": canonical_json.digest([part.sha256 for part in scored.partitions]),
    }


def _metrics(total: Summary) -> dict[str, float]:
    counts = {"rows": float(total.rows), "rows_left_out": float(total.left_out)}
    decided = {f"decided/{answer}": float(count) for answer, count in total.decisions.items()}
    if not total.percentiles:
        return counts | decided
    return counts | decided | {f"score/p{p}": total.percentiles[p] for p in SHOWN_PERCENTS}


def _dataset(job: ScoringJob, scored: Scored) -> DatasetInput:
    dataset = Dataset(
        name=f"{job.plan.model} new rows",
        digest=scored.total.rows_sha256[:DIGEST_CHARACTERS] or "none",
        source_type="local",
        source=json.dumps({"uri": str(job.plan.source)}),
        profile=json.dumps({"rows": scored.total.rows, "plan": str(job.plan)}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "scoring")])


def _documents(job: ScoringJob, scored: Scored) -> list[dict[str, object]]:
    return [
        {
            "file": job.partitions.path(part.day) if part.sha256 else None,
            "day": part.day and part.day.isoformat(),
            "sha256": part.sha256,
            "summary": asdict(part.summary),
        }
        for part in scored.partitions
    ]


def _read(document: dict[str, Any]) -> Written:
    day = document["day"]
    return Written(
        datetime.fromisoformat(day) if day else None,
        Summary(**document["summary"]),
        document["sha256"],
    )
