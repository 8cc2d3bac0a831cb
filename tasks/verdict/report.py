"""The page a person decides on: the verdict in one sentence, what would make one doubt it, the numbers, the pictures, what changed.

Not here: its sentences (wording.py), its pictures (plots.py), its style (tasks/pages), where it is kept (recording.py).
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient

from tasks.pages import rendering
from tasks.tracking import runs
from tasks.verdict import plots, wording
from tasks.verdict.judgement import Judgement


def keep(client: MlflowClient, run_id: str, judged: Judgement) -> None:
    """evidence.json, report.html and its pictures, and of each rule the metrics and the bounds, in this run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(judged, folder)
        (folder / "evidence.json").write_text(
            json.dumps(judged.document, indent=1, allow_nan=False), encoding="utf-8"
        )
        client.log_artifacts(run_id, name)
    runs.log_metrics(client, run_id, dict(_metrics(judged)))


def write(judged: Judgement, folder: Path) -> None:
    """Write report.html and its pictures into `folder`; without pictures where nothing could be compared."""
    drawn = (
        list(plots.draw(judged.contest, judged.compared.slices, folder))
        if "candidate" in judged.contest.contestants
        else []
    )
    page = rendering.render(
        "verdict.html",
        document=judged.document,
        words=wording,
        pictures=[
            (rendering.embed_png(folder / picture.file), picture.sentence) for picture in drawn
        ],
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _metrics(judged: Judgement) -> Iterator[tuple[str, float]]:
    for number, rule in enumerate(judged.verdict.rules, 1):
        for said in ("candidate", "other", "spare", "low", "high"):
            if (value := getattr(rule.estimate, said)) is not None:
                yield f"rule{number}/{rule.metric}/{said}", value
    if judged.compared.power is not None:
        yield "power", judged.compared.power
    yield "looks", float(judged.document["looks"])
