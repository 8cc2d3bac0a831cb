"""What a verdict leaves in MLflow: its evidence, its page and pictures, its metrics and bounds, with the promotion's own run.

Not here: the evidence that counts, which lies with the ledger (release/ledger.py).
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient

from tasks.tracking import runs
from tasks.verdict import report
from tasks.verdict.judgement import Judgement


def keep(client: MlflowClient, run_id: str, judged: Judgement) -> None:
    """evidence.json, report.html and its pictures, and of each rule the metrics and the bounds, in this run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report.write(judged, folder)
        (folder / "evidence.json").write_text(json.dumps(judged.document, indent=1, allow_nan=False), encoding="utf-8")
        client.log_artifacts(run_id, name)
    runs.log_metrics(client, run_id, dict(_metrics(judged)))


def _metrics(judged: Judgement) -> Iterator[tuple[str, float]]:
    for number, rule in enumerate(judged.verdict.rules, 1):
        for said in ("candidate", "other", "spare", "low", "high"):
            if (value := getattr(rule.estimate, said)) is not None:
                yield f"rule{number}/{rule.metric}/{said}", value
    if judged.compared.power is not None:
        yield "power", judged.compared.power
    yield "looks", float(judged.document["looks"])
