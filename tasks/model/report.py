"""The report of one training run: what was trained on what, how good it is, where it errs.

Not here: the pictures (plots.py, feature_effects.py), the page (tasks/pages/training.html), where
the report is stored (tasks/tracking).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.metrics import classification_report

from tasks.data.labels import row_counts
from tasks.model import feature_effects, plots, slices
from tasks.model.intervals import Interval, intervals
from tasks.model.trained_model import EvaluatedModel, TrainedModel
from tasks.pages import rendering
from tasks.pages.numbers import readable


@dataclass(frozen=True)
class MetricRow:
    """One metric on both partitions; None where it is undefined or has no interval."""

    name: str
    lower_is_better: bool
    holdout: float | None
    holdout_interval: Interval | None
    baselines: tuple[float | None, ...]
    train: float | None
    train_interval: Interval | None


@dataclass(frozen=True)
class ClassRow:
    """One class of a multiclass model on the holdout."""

    name: str
    precision: float
    recall: float
    rows: int


def write(
    trained: TrainedModel,
    facts: Mapping[str, object],
    steps: Mapping[str, tuple[float, float]],
    folder: Path,
) -> None:
    """Write report.html and its pictures into `folder`.

    `facts` are what reproduces the run, by name; `steps` have the seconds and the peak memory in
    MB of each step so far.
    """
    config, partitions, evaluated = trained.config, trained.partitions, trained.on_holdout
    importance = feature_effects.measure_importance(evaluated)
    pictures = plots.draw(evaluated, folder)
    pictures += feature_effects.draw(evaluated, importance, folder)
    page = rendering.render(
        "training.html",
        number=readable,
        config=config,
        evaluation=trained.evaluation,
        counts={
            "training": row_counts(config, partitions.train),
            "holdout": row_counts(config, partitions.holdout),
        },
        left_out=partitions.left_out,
        threshold=trained.threshold,
        metrics=_metric_rows(trained),
        units=" x ".join(config.comparison.units) or "the rows",
        classes=_class_rows(evaluated),
        main=config.main_metric,
        parts=slices.by_feature(
            config, evaluated.rows, evaluated.scores, evaluated.threshold, importance.features
        ),
        pictures=[
            (rendering.embed_png(folder / picture.file), picture.caption) for picture in pictures
        ],
        validation=trained.validation,
        facts=facts,
        steps=steps,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _metric_rows(trained: TrainedModel) -> list[MetricRow]:
    evaluation = trained.evaluation
    on_holdout, on_train = _intervals(trained.on_holdout), _intervals(trained.on_train)
    return [
        MetricRow(
            name=metric.name,
            lower_is_better=metric.sign < 0,
            holdout=evaluation.holdout.get(metric.name),
            holdout_interval=on_holdout.get(metric.name),
            baselines=tuple(
                measured.get(metric.name) for measured in evaluation.baselines.values()
            ),
            train=evaluation.train.get(metric.name),
            train_interval=on_train.get(metric.name),
        )
        for metric in trained.config.metrics
    ]


def _intervals(evaluated: EvaluatedModel) -> dict[str, Interval]:
    return intervals(evaluated.config, evaluated.rows, evaluated.scores, evaluated.threshold)


def _class_rows(evaluated: EvaluatedModel) -> list[ClassRow]:
    """The classes of a multiclass model; none for others."""
    if evaluated.config.kind != "multiclass":
        return []
    report: dict[str, Any] = classification_report(
        evaluated.target, evaluated.decided, output_dict=True, zero_division=0.0
    )
    return [
        ClassRow(name, row["precision"], row["recall"], int(row["support"]))
        for name, row in report.items()
        # besides the classes it has averages, and the accuracy as a bare number
        if isinstance(row, dict) and not name.endswith(" avg")
    ]
