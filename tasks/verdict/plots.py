"""Plots of candidate (blue, solid) and champion (orange, dashed) together.

Not here: the curves (curves.py), the page (report.py), plots of one version (tasks/model/plots.py).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    PredictionErrorDisplay,
    confusion_matrix_at_thresholds,
)

from configs.built_in_metrics import Kind
from tasks.comparison.contest import Contest
from tasks.data.labels import labels
from tasks.model.plots import DRAWN_POINTS, Picture, figure
from tasks.model.scores import decisions
from tasks.records import Estimate, NotEstimated
from tasks.verdict.curves import plot_precision_recall, plot_roc
from tasks.verdict.drawn_versions import MARKERS, drawn_versions
from tasks.verdict.rule_wording import own_sign


def draw(
    contest: Contest, slices: Sequence[Estimate | NotEstimated], folder: Path
) -> Iterator[Picture]:
    """Write the plots that suit the kind of model to `folder`, in the order of the report."""
    if estimated := [part for part in slices if isinstance(part, Estimate)]:
        yield _forest(contest, estimated, folder)
    for plot in BY_KIND[contest.config.kind]:
        yield plot(contest, folder)
    threshold = contest.config.threshold
    if contest.config.kind == "binary" and threshold and threshold.minimise:
        yield _costs(contest, folder)


def _forest(contest: Contest, parts: Sequence[Estimate], folder: Path) -> Picture:
    """A forest plot of the differences on the parts of all slices, in the metric's own sign."""
    shown = parts[::-1]
    differences = np.array([own_sign(part, part.spare) for part in shown])
    reach = np.array([part.high - part.spare for part in shown])
    is_better = "right" if shown[0].greater_is_better else "left"
    with figure(folder / "slices.png", height=1.4 + 0.35 * len(shown)) as axes:
        places = range(len(shown))
        axes.errorbar(differences, places, xerr=reach, fmt="o", color="black", capsize=3)
        axes.axvline(0, color="grey", linestyle=":")
        axes.set_yticks(places, [f"{part.part} ({part.rows:,} rows)" for part in shown])
        metric = contest.config.main_metric
        axes.set(title="Difference by slice", xlabel=f"{metric}: candidate minus champion")
    return Picture(
        "slices.png",
        f"To the {is_better} of the dotted line the candidate is better; the intervals are "
        "simultaneous for all slices.",
    )


def _calibration(contest: Contest, folder: Path) -> Picture:
    target = labels(contest.config, contest.rows)
    end = 0.0
    with figure(folder / "calibration.png") as axes:
        for drawn in drawn_versions(contest):
            display = CalibrationDisplay.from_predictions(
                target,
                drawn.contestant.scores.clip(0, 1),
                n_bins=10,
                strategy="quantile",
                ax=axes,
                name=drawn.label,
                **drawn.style,
            )
            end = max(end, display.prob_pred.max(), display.prob_true.max())
        # the bins of rare targets all lie near zero
        limits = (0, min(1.05 * end, 1))
        axes.set(title="Calibration, ten bins of equal size", xlim=limits, ylim=limits)
    return Picture(
        "calibration.png",
        "On the diagonal, three in ten rows with a score of 0.3 are positive; below it, scores are "
        "too high.",
    )


def _score_shift(contest: Contest, folder: Path) -> Picture:
    bins = list(np.linspace(0, 1, 41))
    with figure(folder / "scores.png") as axes:
        for drawn in drawn_versions(contest):
            scores = drawn.contestant.scores
            axes.hist(
                scores, bins, histtype="step", label=drawn.label, linewidth=1.5, **drawn.style
            )
        axes.set(title="Scores of the same rows", xlabel="score", ylabel="rows", yscale="log")
        axes.legend()
    return Picture(
        "scores.png",
        "How the scores move: an alert at a fixed score would fire more or less often. The row "
        "counts are on a logarithmic scale.",
    )


def _costs(contest: Contest, folder: Path) -> Picture:
    prices = contest.config.threshold
    assert prices
    target = labels(contest.config, contest.rows)
    with figure(folder / "cost.png") as axes:
        for drawn in drawn_versions(contest):
            _, false_positives, false_negatives, _, thresholds = confusion_matrix_at_thresholds(
                target, drawn.contestant.scores
            )
            total = false_positives * prices.false_positive
            total = total + false_negatives * prices.false_negative
            axes.plot(thresholds, total / len(contest.rows), label=drawn.label, **drawn.style)
            axes.axvline(drawn.contestant.threshold, color=drawn.color, linestyle=":")
        axes.set(title="Cost by threshold", xlabel="threshold (dotted: the one in use)")
        axes.set(ylabel="cost per row", ylim=(0, None))
        axes.legend()
    return Picture(
        "cost.png",
        "What wrong decisions cost at each threshold; a dotted line far from the lowest point of "
        "its curve was badly chosen.",
    )


def _errors(contest: Contest, folder: Path) -> Picture:
    target = labels(contest.config, contest.rows)
    with figure(folder / "errors.png") as axes:
        for drawn in drawn_versions(contest):
            PredictionErrorDisplay.from_predictions(
                target,
                drawn.contestant.scores,
                kind="residual_vs_predicted",
                subsample=DRAWN_POINTS,
                random_state=0,
                ax=axes,
                scatter_kwargs={
                    "alpha": 0.5,
                    "s": 16,
                    "color": drawn.color,
                    "marker": MARKERS[drawn.role],
                    "label": drawn.label,
                },
            )
        axes.set_title("Residuals")
        axes.legend()
    return Picture(
        "errors.png",
        "The cloud that is narrower around zero has the smaller errors; the champion's points are "
        "crosses.",
    )


def _recall_by_class(contest: Contest, folder: Path) -> Picture:
    target = labels(contest.config, contest.rows)
    versions = drawn_versions(contest)
    recalls = {}
    for drawn in versions:
        contestant = drawn.contestant
        decided = decisions(contest.config, contestant.scores, contestant.threshold)
        recalls[drawn.label] = (decided == target).groupby(target).mean()
    with figure(folder / "classes.png") as axes:
        colors: Any = [drawn.color for drawn in versions]
        pd.DataFrame(recalls).plot.bar(ax=axes, color=colors, edgecolor="black", rot=0)
        for bar in axes.patches[target.nunique() :]:
            bar.set_hatch("//")
        axes.legend()
        axes.set(title="Recall by class", xlabel=contest.config.data.target, ylabel="recall")
    return Picture(
        "classes.png",
        "The share of each class's rows that is recognised; the champion's bars are hatched.",
    )


BY_KIND: dict[Kind, tuple[Callable[[Contest, Path], Picture], ...]] = {
    "binary": (plot_precision_recall, plot_roc, _calibration, _score_shift),
    "multiclass": (_recall_by_class,),
    "regression": (_errors,),
}
