"""The report of one training run: what was trained on what, how good it is beside its baselines, where it errs, and how to get it again.

Not here: the pictures (plots.py), the page's style (tasks/pages), where the report is kept (tasks/tracking).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import classification_report

from configs.metrics import LOWER_IS_BETTER
from tasks.data.labels import count_of
from tasks.data.splits import Partitions
from tasks.model import plots, resampling, slices
from tasks.model.evaluation import Evaluation
from tasks.model.plots import EvaluatedModel
from tasks.model.threshold import Choice
from tasks.pages import rendering
from tasks.records import ValidationReport


def write(
    evaluated: EvaluatedModel,
    partitions: Partitions,
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
    config = evaluated.config
    importance = plots.measure_importance(evaluated)
    pictures = plots.draw(evaluated, importance, folder)
    features = [str(name) for name in importance.mean.sort_values(ascending=False).index]
    page = rendering.render(
        "training.html",
        config=config,
        evaluation=evaluation,
        counts=[
            (part, count_of(config, rows))
            for part, rows in (("training", partitions.train), ("holdout", partitions.holdout))
        ],
        left_out=partitions.left_out,
        chosen=chosen,
        metrics=_metrics(evaluated, partitions.train, evaluation),
        classes=_classes(evaluated),
        main=config.main_metric,
        slices=slices.by_feature(
            config, evaluated.rows, evaluated.scores, evaluated.threshold, features
        ),
        pictures=[
            (rendering.embed_png(folder / picture.file), picture.sentence) for picture in pictures
        ],
        checked=checked,
        facts=facts,
        steps=steps,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _metrics(
    evaluated: EvaluatedModel, trained: pd.DataFrame, evaluation: Evaluation
) -> list[dict[str, Any]]:
    on_train = resampling.intervals(
        evaluated.config, trained, evaluation.train_scores, evaluation.threshold
    )
    on_holdout = resampling.intervals(
        evaluated.config, evaluated.rows, evaluated.scores, evaluation.threshold
    )
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
        for name in evaluated.config.metric_names
    ]


def _classes(evaluated: EvaluatedModel) -> dict[str, dict[str, float]]:
    """Precision, recall and rows of each class of a multiclass model; empty for others."""
    if evaluated.config.kind != "multiclass":
        return {}
    decided = evaluated.decided
    found: dict[str, Any] = classification_report(
        evaluated.target, decided, output_dict=True, zero_division=0.0
    )
    return {
        name: row
        for name, row in found.items()
        if isinstance(row, dict) and not name.endswith(" avg")
    }
