"""Candidate and champion in the same pictures: the candidate blue and solid, the champion orange and dashed.

Not here: the page they stand on (report.py), the pictures of one model alone (tasks/model/plots.py).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
    confusion_matrix_at_thresholds,
)

from configs.metrics import Kind
from tasks.comparison.bootstrap import Codes, Units
from tasks.comparison.contest import Contest, Contestant
from tasks.data.labels import labels
from tasks.model import resampling
from tasks.model.plots import DRAWN_POINTS, Picture, figure
from tasks.model.resampling import Values
from tasks.model.scores import decisions
from tasks.records import Estimate

STYLES: dict[str, dict[str, Any]] = {
    "candidate": {"color": "tab:blue", "linestyle": "-"},
    "champion": {"color": "tab:orange", "linestyle": "--"},
}
BAND_RESAMPLES = 200
GRID = np.linspace(0, 1, 101)

Line = Callable[
    [Values, Values], tuple[Values, Values]
]  # of the positives found and the negatives disturbed, from the highest score down


def draw(contest: Contest, slices: tuple[Estimate, ...], folder: Path) -> Iterator[Picture]:
    """Write the pictures that suit the kind of model into `folder`; what they are, in the order of the report."""
    if any(part.spare is not None for part in slices):
        yield _forest(slices, folder)
    for make in BY_KIND[contest.config.kind]:
        yield make(contest, folder)
    if (
        contest.config.kind == "binary"
        and contest.config.threshold
        and contest.config.threshold.minimise
    ):
        yield _costs(contest, folder)


def _compared(contest: Contest) -> Iterator[tuple[str, Contestant, dict[str, Any]]]:
    return (
        (f"{role} {each.version.number}", each, STYLES[role])
        for role, each in contest.contestants.items()
        if role in STYLES
    )


def _forest(slices: tuple[Estimate, ...], folder: Path) -> Picture:
    shown = [
        part
        for part in slices
        if part.spare is not None and part.low is not None and part.high is not None
    ][::-1]
    with figure(folder / "slices.png", height=1.4 + 0.35 * len(shown)) as axes:
        middles = np.array([part.spare for part in shown], dtype=float)
        reach = np.array([part.high for part in shown], dtype=float) - middles
        axes.errorbar(middles, range(len(shown)), xerr=reach, fmt="o", color="black", capsize=3)
        axes.axvline(0, color="grey", linestyle=":")
        axes.set_yticks(range(len(shown)), [f"{part.part} ({part.rows:,} rows)" for part in shown])
        axes.set(
            title="Difference on each slice", xlabel="champion is better   |   candidate is better"
        )
    return Picture(
        "slices.png",
        "Right of the dotted line the candidate is better; the whiskers hold for all slices at once.",
    )


def _precision_recall(contest: Contest, folder: Path) -> Picture:
    with figure(folder / "precision_recall.png") as axes:
        for name, each, style in _compared(contest):
            PrecisionRecallDisplay.from_predictions(
                labels(contest.config, contest.rows),
                each.scores,
                ax=axes,
                name=name,
                drop_intermediate=True,
                curve_kwargs=style,
            )
            _band(axes, contest, each, style, _recall_and_precision)
        axes.set_title("Precision against recall")
    return Picture(
        "precision_recall.png",
        f"The higher curve finds as many positives with fewer false alerts. {_bands(contest)}",
    )


def _recall_and_precision(found: Values, disturbed: Values) -> tuple[Values, Values]:
    alerted = found + disturbed
    return found / found[-1], np.divide(found, alerted, out=np.ones_like(found), where=alerted > 0)


def _roc(contest: Contest, folder: Path) -> Picture:
    with figure(folder / "roc.png") as axes:
        for name, each, style in _compared(contest):
            RocCurveDisplay.from_predictions(
                labels(contest.config, contest.rows),
                each.scores,
                ax=axes,
                name=name,
                curve_kwargs=style,
            )
            _band(
                axes,
                contest,
                each,
                style,
                lambda found, disturbed: (disturbed / disturbed[-1], found / found[-1]),
            )
        axes.set_title("ROC curve")
    return Picture(
        "roc.png",
        f"The higher curve finds more positives while it disturbs as many negatives. {_bands(contest)}",
    )


def _bands(contest: Contest) -> str:
    return f"Bands hold 95 of 100 resamples of {_drawn(contest)[0]}."


def _drawn(contest: Contest) -> tuple[str, Codes]:
    """What is resampled, by its name, and the number of each row's: of two kinds of units the rarer, else the one, else rows."""
    names = contest.config.comparison.units
    ways = Units.of([contest.rows[column] for column in names], len(contest.rows)).ways
    return min(zip(names or ("rows",), ways, strict=True), key=lambda way: int(way[1].max()))


def _band(
    axes: Axes, contest: Contest, each: Contestant, style: dict[str, Any], line: Line
) -> None:
    target = labels(contest.config, contest.rows).to_numpy() == 1
    cumulate = resampling.curve(target, np.asarray(each.scores))
    lines = [
        np.interp(GRID, *line(found, disturbed))
        for weights in resampling.resamples(_drawn(contest)[1], BAND_RESAMPLES, seed=0)
        for found, disturbed in zip(*cumulate(weights), strict=True)
        if found[-1] > 0
    ]
    low, high = np.quantile(lines, (0.025, 0.975), axis=0)
    axes.fill_between(GRID, low, high, color=style["color"], alpha=0.15, linewidth=0)


def _calibration(contest: Contest, folder: Path) -> Picture:
    end = 0.0
    with figure(folder / "calibration.png") as axes:
        for name, each, style in _compared(contest):
            drawn = CalibrationDisplay.from_predictions(
                labels(contest.config, contest.rows),
                each.scores.clip(0, 1),
                n_bins=10,
                strategy="quantile",
                ax=axes,
                name=name,
                **style,
            )
            end = max(end, drawn.prob_pred.max(), drawn.prob_true.max())
        axes.set(
            title="Calibration, ten bins of as many rows",
            xlim=(0, min(1.05 * end, 1)),
            ylim=(0, min(1.05 * end, 1)),
        )
    return Picture(
        "calibration.png",
        "On the diagonal a score of 0.3 means that three in ten are positive; below it scores are too high.",
    )


def _score_shift(contest: Contest, folder: Path) -> Picture:
    with figure(folder / "scores.png") as axes:
        for name, each, style in _compared(contest):
            axes.hist(
                each.scores,
                list(np.linspace(0, 1, 41)),
                histtype="step",
                label=name,
                linewidth=1.5,
                **style,
            )
        axes.set(title="Scores of the same rows", xlabel="score", ylabel="rows", yscale="log")
        axes.legend()
    return Picture(
        "scores.png",
        "How the scores move: what alerts on them will see more or fewer of a height. Rows are counted logarithmically.",
    )


def _costs(contest: Contest, folder: Path) -> Picture:
    prices = contest.config.threshold
    assert prices
    with figure(folder / "cost.png") as axes:
        for name, each, style in _compared(contest):
            _, false_alerts, missed, _, at = confusion_matrix_at_thresholds(
                labels(contest.config, contest.rows), each.scores
            )
            axes.plot(
                at,
                (false_alerts * prices.false_positive + missed * prices.false_negative)
                / len(contest.rows),
                label=name,
                **style,
            )
            axes.axvline(each.threshold, color=style["color"], linestyle=":")
        axes.set(
            title="Cost over threshold",
            xlabel="threshold (dotted: the one it decides at)",
            ylabel="cost a row",
            ylim=(0, None),
        )
        axes.legend()
    return Picture(
        "cost.png",
        "What wrong decisions cost at each threshold; a dotted line far from its curve's lowest point was badly chosen.",
    )


def _errors(contest: Contest, folder: Path) -> Picture:
    with figure(folder / "errors.png") as axes:
        for name, each, style in _compared(contest):
            PredictionErrorDisplay.from_predictions(
                labels(contest.config, contest.rows), each.scores, kind="residual_vs_predicted", subsample=DRAWN_POINTS, random_state=0, ax=axes,
                scatter_kwargs={"alpha": 0.3, "s": 8, "color": style["color"], "marker": "o" if style["linestyle"] == "-" else "x", "label": name},
            )  # fmt: skip
        axes.set_title("Residuals")
        axes.legend()
    return Picture(
        "errors.png", "The narrower cloud around zero errs less; the champion's points are crosses."
    )


def _classes(contest: Contest, folder: Path) -> Picture:
    target = labels(contest.config, contest.rows)
    recalls = {
        name: pd.Series(decisions(contest.config, each.scores, each.threshold) == target)
        .groupby(target)
        .mean()
        for name, each, _ in _compared(contest)
    }
    with figure(folder / "classes.png") as axes:
        colours = [style["color"] for _, _, style in _compared(contest)]
        pd.DataFrame(recalls).plot.bar(ax=axes, color=colours, edgecolor="black", rot=0)
        for bar in axes.patches[len(next(iter(recalls.values()))) :]:
            bar.set_hatch("//")
        axes.legend()
        axes.set(
            title="Recall of each class", xlabel=contest.config.data.target, ylabel="share found"
        )
    return Picture(
        "classes.png",
        "Of each class, the share of its rows that is recognised; the champion's bars are hatched.",
    )


BY_KIND: dict[Kind, tuple[Callable[[Contest, Path], Picture], ...]] = {
    "binary": (_precision_recall, _roc, _calibration, _score_shift),
    "multiclass": (_classes,),
    "regression": (_errors,),
}
