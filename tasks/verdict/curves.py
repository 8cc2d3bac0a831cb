"""Precision-recall and ROC curves of candidate and champion together, with bootstrap bands.

Not here: the other plots (plots.py), cumulated counts of resamples (model/weighted_metrics.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from tasks.comparison.contest import Contest
from tasks.data.labels import labels
from tasks.model import resampling, weighted_metrics
from tasks.model.plots import Picture, figure
from tasks.model.resampling import Values
from tasks.model.units import Codes, Units
from tasks.verdict.drawn_versions import Drawn, drawn_versions

BAND_RESAMPLES = 200
GRID = np.linspace(0, 1, 101)

# a curve, from the cumulated positives and negatives from the highest score down
Curve = Callable[[Values, Values], tuple[Values, Values]]


def plot_precision_recall(contest: Contest, folder: Path) -> Picture:
    target = labels(contest.config, contest.rows)
    with figure(folder / "precision_recall.png") as axes:
        for drawn in drawn_versions(contest):
            PrecisionRecallDisplay.from_predictions(
                target,
                drawn.contestant.scores,
                ax=axes,
                name=drawn.label,
                drop_intermediate=True,
                curve_kwargs=drawn.style,
            )
            _draw_band(axes, contest, drawn, _recall_and_precision)
        axes.set_title("Precision against recall")
    return Picture(
        "precision_recall.png",
        "The higher curve finds as many positives with fewer false alerts. "
        + _band_sentence(contest),
    )


def _recall_and_precision(positives: Values, negatives: Values) -> tuple[Values, Values]:
    alerts = positives + negatives
    precision = np.divide(positives, alerts, out=np.ones_like(positives), where=alerts > 0)
    return positives / positives[-1], precision


def plot_roc(contest: Contest, folder: Path) -> Picture:
    target = labels(contest.config, contest.rows)
    with figure(folder / "roc.png") as axes:
        for drawn in drawn_versions(contest):
            RocCurveDisplay.from_predictions(
                target,
                drawn.contestant.scores,
                ax=axes,
                name=drawn.label,
                curve_kwargs=drawn.style,
            )
            _draw_band(axes, contest, drawn, _rates)
        axes.set_title("ROC curve")
    return Picture(
        "roc.png",
        "The higher curve finds more positives at the same rate of false alerts. "
        + _band_sentence(contest),
    )


def _rates(positives: Values, negatives: Values) -> tuple[Values, Values]:
    return negatives / negatives[-1], positives / positives[-1]


@dataclass(frozen=True)
class ResampledUnits:
    """What the bands of curves are resampled by: its name, and the number of each row's unit."""

    name: str
    codes: Codes


def _resampled_units(contest: Contest) -> ResampledUnits:
    """Of two kinds of units the rarer, else the one there is, else rows."""
    names = contest.config.comparison.units or ("rows",)
    columns = [contest.rows[name] for name in contest.config.comparison.units]
    kinds = Units.of(columns, len(contest.rows)).kinds
    name, codes = min(zip(names, kinds, strict=True), key=lambda kind: int(kind[1].max()))
    return ResampledUnits(name, codes)


def _band_sentence(contest: Contest) -> str:
    return f"The bands hold 95% of {BAND_RESAMPLES} resamples of {_resampled_units(contest).name}."


def _draw_band(axes: Axes, contest: Contest, drawn: Drawn, curve: Curve) -> None:
    """Shade where the curve lies in 95% of resamples."""
    target = labels(contest.config, contest.rows).to_numpy() == 1
    cumulate = weighted_metrics.curve(target, np.asarray(drawn.contestant.scores))
    units = _resampled_units(contest).codes
    curves = []
    for weights in resampling.resamples(units, BAND_RESAMPLES, seed=0):
        for positives, negatives in zip(*cumulate(weights), strict=True):
            if positives[-1] > 0:
                curves.append(np.interp(GRID, *curve(positives, negatives)))
    low, high = np.quantile(curves, (0.025, 0.975), axis=0)
    axes.fill_between(GRID, low, high, color=drawn.color, alpha=0.15, linewidth=0)
