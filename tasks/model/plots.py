"""The pictures of one evaluation, drawn by scikit-learn's displays; each has a sentence that says what to see in it.

Not here: the page they stand on (report.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)

from configs.metrics import Kind
from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.model.scores import Scores, decisions

PERMUTED_ROWS = 2_000  # enough to rank features; permutation predicts them 5 times a feature
SHOWN_FEATURES = 20
DEPENDENCES = 4  # features whose partial dependence is drawn
DEPENDENCE_ROWS = 300
DRAWN_POINTS = 5_000

PERMUTED_METRIC: dict[Kind, tuple[str, str]] = {
    "binary": ("roc_auc", "loss of ROC AUC"),
    "multiclass": ("balanced_accuracy", "loss of balanced accuracy"),
    "regression": ("neg_root_mean_squared_error", "growth of root mean squared error"),
}


@dataclass(frozen=True)
class EvaluatedModel:
    """What is drawn: a model with the rows it was evaluated on and its scores of them."""

    model: BaseEstimator
    config: ModelConfig
    rows: pd.DataFrame
    scores: Scores
    threshold: float

    @property
    def target(self) -> "pd.Series[Any]":
        return labels(self.config, self.rows)

    @property
    def decided(self) -> "pd.Series[Any]":
        return decisions(self.config, self.scores, self.threshold)


@dataclass(frozen=True)
class Picture:
    """A file beside the report, and what to see in it."""

    file: str
    sentence: str


@dataclass(frozen=True)
class Importance:
    """By how much a metric gets worse when a feature is shuffled: of each feature the mean and spread over five shuffles."""

    mean: "pd.Series[float]"
    spread: "pd.Series[float]"
    of: str


def draw(evaluated: EvaluatedModel, importance: Importance, folder: Path) -> list[Picture]:
    """Write the pictures that suit the kind of model into `folder`; what they are, in the order of the report."""
    drawn = [
        *(make(evaluated, folder) for make in BY_KIND[evaluated.config.kind]),
        _feature_importance(importance, folder),
        _partial_dependence(evaluated, importance, folder),
    ]
    return [picture for picture in drawn if picture]


def measure_importance(evaluated: EvaluatedModel) -> Importance:
    """Permutation importance on rows of the holdout, of classes drawn alike: rare ones would hardly be in a sample of all."""
    scoring, of = PERMUTED_METRIC[evaluated.config.kind]
    target, features = evaluated.target, list(evaluated.config.data.features)
    weights = (
        None if evaluated.config.kind == "regression" else 1 / target.map(target.value_counts())
    )
    count = min(len(target), PERMUTED_ROWS)
    chosen = target.sample(
        count,
        weights=weights,
        replace=weights is not None,
        random_state=evaluated.config.train.seed,
    )
    sample = evaluated.rows.loc[chosen.index, features]
    found = permutation_importance(
        evaluated.model, sample, chosen, scoring=scoring, random_state=evaluated.config.train.seed
    )
    return Importance(
        pd.Series(found.importances_mean, features), pd.Series(found.importances_std, features), of
    )


def _confusion_matrix(evaluated: EvaluatedModel, folder: Path) -> Picture:
    decided = evaluated.decided
    classes = sorted(set(evaluated.target) | set(decided))
    with figure(folder / "confusion_matrix.png", height=max(4.8, 1 + 0.5 * len(classes))) as axes:
        ConfusionMatrixDisplay.from_predictions(
            evaluated.target,
            decided,
            labels=classes,
            ax=axes,
            cmap="Blues",
            values_format=",d",
            colorbar=False,
        )
        axes.set_title(f"Decisions on {len(evaluated.rows):,} holdout rows")
    wrong = int((decided != evaluated.target).sum())
    at = (
        f" at the threshold of {evaluated.threshold:.3g}"
        if evaluated.config.kind == "binary"
        else ""
    )
    return Picture(
        "confusion_matrix.png",
        f"{wrong:,} of {len(evaluated.rows):,} decisions{at} are wrong: those off the diagonal.",
    )


def _precision_recall(evaluated: EvaluatedModel, folder: Path) -> Picture:
    rate = float(evaluated.target.mean())
    with figure(folder / "precision_recall.png") as axes:
        PrecisionRecallDisplay.from_predictions(
            evaluated.target,
            evaluated.scores,
            ax=axes,
            name=evaluated.config.name,
            drop_intermediate=True,
        )
        axes.axhline(rate, linestyle=":", color="grey", label=f"chance ({rate:.2%})")
        axes.legend(loc="lower left")
        axes.set_title("Precision against recall")
    return Picture(
        "precision_recall.png",
        f"How pure the alerts are as more of the positives are found; chance is {rate:.2%}.",
    )


def _roc(evaluated: EvaluatedModel, folder: Path) -> Picture:
    with figure(folder / "roc.png") as axes:
        RocCurveDisplay.from_predictions(
            evaluated.target,
            evaluated.scores,
            ax=axes,
            name=evaluated.config.name,
            plot_chance_level=True,
        )
        axes.set_title("ROC curve")
    return Picture(
        "roc.png",
        "The share of positives found against the share of negatives disturbed; chance is the diagonal.",
    )


def _calibration(evaluated: EvaluatedModel, folder: Path) -> Picture:
    with figure(folder / "calibration.png") as axes:
        drawn = CalibrationDisplay.from_predictions(
            evaluated.target,
            evaluated.scores.clip(0, 1),
            n_bins=10,
            strategy="quantile",
            ax=axes,
            name=evaluated.config.name,
        )
        end = min(
            1.05 * max(drawn.prob_pred.max(), drawn.prob_true.max()), 1
        )  # of rare targets all bins lie near zero
        axes.set(title="Calibration, ten bins of as many rows", xlim=(0, end), ylim=(0, end))
    return Picture(
        "calibration.png",
        "On the diagonal a score of 0.3 means that three in ten are positive; below it scores are too high.",
    )


def _score_distribution(evaluated: EvaluatedModel, folder: Path) -> Picture:
    with figure(folder / "scores.png") as axes:
        bins = list(np.linspace(0, 1, 41))
        for label, hatch, color in ((0, "", "tab:blue"), (1, "//", "tab:orange")):
            axes.hist(
                evaluated.scores[evaluated.target == label],
                bins,
                density=True,
                alpha=0.6,
                hatch=hatch,
                color=color,
                label=str(label),
            )
        axes.axvline(evaluated.threshold, linestyle=":", color="black", label="threshold")
        axes.set(title="Scores by target", xlabel="score", ylabel="density", yscale="log")
        axes.legend()
    return Picture(
        "scores.png",
        "How far the scores of positives (1, hatched) and negatives (0) lie apart; heights are logarithmic.",
    )


def _residuals(evaluated: EvaluatedModel, folder: Path, *, kind: str) -> Picture:
    file = f"{kind}.png"
    with figure(folder / file) as axes:
        PredictionErrorDisplay.from_predictions(
            evaluated.target,
            evaluated.scores,
            kind=kind,
            subsample=DRAWN_POINTS,
            random_state=0,
            ax=axes,
            scatter_kwargs={"alpha": 0.3, "s": 8},
        )
        axes.set_title(kind.replace("_", " ").capitalize())
    bias = float(np.mean(evaluated.scores.to_numpy() - evaluated.target.to_numpy()))
    said = {
        "actual_vs_predicted": "Points on the diagonal are predicted exactly.",
        "residual_vs_predicted": f"A cloud around zero without a shape is what to hope for; on average predictions are {bias:+.3g} off.",
    }
    return Picture(file, said[kind])


def _feature_importance(importance: Importance, folder: Path) -> Picture:
    shown = importance.mean.sort_values().tail(SHOWN_FEATURES)
    with figure(folder / "feature_importance.png", height=1.5 + 0.28 * len(shown)) as axes:
        axes.barh(
            shown.index.astype(str),
            shown,
            xerr=importance.spread[shown.index],
            color="tab:blue",
            ecolor="black",
            capsize=2,
        )
        axes.set(title="Feature importance by permutation", xlabel=f"{importance.of} when shuffled")
    sentence = f"{shown.index[-1]} matters most: shuffling it costs {shown.iloc[-1]:.3f}. Whiskers are the standard deviation of five shuffles."
    return Picture("feature_importance.png", sentence)


def _partial_dependence(
    evaluated: EvaluatedModel, importance: Importance, folder: Path
) -> Picture | None:
    """The model's mean answer over the values of the features that matter most; None where none of them is a number."""
    features, private = (
        evaluated.rows[list(evaluated.config.data.features)],
        set(evaluated.config.data.private),
    )
    numbers = [
        name
        for name in importance.mean.sort_values(ascending=False).index
        if features[name].dtype.kind in "if" and name not in private
    ]
    top = [name for name in numbers if features[name].nunique() > 1][:DEPENDENCES]
    if not top or evaluated.config.kind == "multiclass":
        return None
    sample = features.sample(min(len(features), DEPENDENCE_ROWS), random_state=0)
    sample = sample.astype(dict.fromkeys(top, "float64"))
    with figure(folder / "partial_dependence.png", height=1 + 1.7 * len(top)) as axes:
        PartialDependenceDisplay.from_estimator(
            evaluated.model,
            sample,
            top,
            ax=axes,
            n_cols=1,
            grid_resolution=20,
            percentiles=(0.02, 0.98),
        )
    return Picture(
        "partial_dependence.png",
        "What the model answers on average as one feature changes and the others stay as they are.",
    )


@contextmanager
def figure(file: Path, height: float = 4.8) -> Iterator[Axes]:
    figure = Figure(
        figsize=(6.4, height), layout="constrained", dpi=110
    )  # not pyplot: its state is shared by all threads
    FigureCanvasAgg(figure)
    yield figure.add_subplot()
    figure.savefig(file)


BY_KIND: dict[Kind, tuple[Callable[[EvaluatedModel, Path], Picture], ...]] = {
    "binary": (_confusion_matrix, _precision_recall, _roc, _calibration, _score_distribution),
    "multiclass": (_confusion_matrix,),
    "regression": (
        partial(_residuals, kind="actual_vs_predicted"),
        partial(_residuals, kind="residual_vs_predicted"),
    ),
}
