"""The report of one training run: what was trained on what, how good it is beside its baselines, where it errs, and how to get it again.

Not here: the pictures (plots.py), the page's style (tasks/pages), where the report is kept (tasks/tracking).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import classification_report

from configs.metrics import LOWER_IS_BETTER
from tasks import pages
from tasks.data.labels import count_of
from tasks.data.splits import Parts
from tasks.model import plots, resampling, slices
from tasks.model.evaluation import Evaluation
from tasks.model.metrics import main_metric
from tasks.model.plots import Judged
from tasks.model.threshold import Choice
from tasks.records import ValidationReport


def write(
    judged: Judged,
    parts: Parts,
    evaluation: Evaluation,
    chosen: Choice | None,
    checked: Sequence[ValidationReport],
    facts: Mapping[str, object],
    steps: Mapping[str, tuple[float, float]],
    folder: Path,
) -> None:
    """Write report.html and its pictures into `folder`.

    `facts` are what to know to get this run again, by name; `steps` the seconds and the peak memory in MB of each step so far.
    """
    config = judged.config
    importance = plots.measure_importance(judged)
    pictures = plots.draw(judged, importance, folder)
    features = [str(name) for name in importance.mean.sort_values(ascending=False).index]
    page = pages.render(
        "training.html",
        config=config,
        evaluation=evaluation,
        parts=[(part, count_of(config, rows)) for part, rows in (("training", parts.train), ("holdout", parts.holdout))],
        left_out=parts.left_out,
        chosen=chosen,
        metrics=_metrics(judged, parts.train, evaluation),
        classes=_classes(judged),
        main=main_metric(config),
        slices=slices.by_feature(config, judged.rows, judged.scores, judged.threshold, features),
        pictures=[(pages.embedded(folder / picture.file), picture.sentence) for picture in pictures],
        checked=checked,
        facts=facts,
        steps=steps,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _metrics(judged: Judged, trained: pd.DataFrame, evaluation: Evaluation) -> list[dict[str, Any]]:
    on_train = resampling.intervals(judged.config, trained, evaluation.train_scores, evaluation.threshold)
    on_holdout = resampling.intervals(judged.config, judged.rows, judged.scores, evaluation.threshold)
    return [
        {
            "name": name,
            "lower_is_better": name in LOWER_IS_BETTER,
            "train": evaluation.train.get(name),
            "train_interval": on_train.get(name),
            "holdout": evaluation.holdout.get(name),
            "interval": on_holdout.get(name),
            "baselines": [found.get(name) for found in evaluation.baselines.values()],
        }
        for name in judged.config.metric_names
    ]


def _classes(judged: Judged) -> dict[str, dict[str, float]]:
    """Precision, recall and rows of each class of a multiclass model; empty for others."""
    if judged.config.kind != "multiclass":
        return {}
    decided = judged.decided
    found: dict[str, Any] = classification_report(judged.target, decided, output_dict=True, zero_division=0.0)
    return {name: row for name, row in found.items() if isinstance(row, dict) and not name.endswith(" avg")}
