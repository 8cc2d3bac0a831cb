"""The pictures of one evaluation, drawn by scikit-learn's displays; each title says what to see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.inspection import permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay
from sklearn.pipeline import Pipeline

from configs.schema import ModelConfig
from tasks.model.evaluation import THRESHOLD, Scores

PERMUTED_ROWS = 5_000  # enough to rank features; permutation predicts them 5 times a feature


def draw(model: Pipeline, config: ModelConfig, rows: pd.DataFrame, scores: Scores, part: str, folder: Path) -> None:
    """Write confusion_matrix.png, precision_recall.png, roc.png and feature_importance.png into `folder`.

    `part` is how the titles call the rows: holdout, or training for a run that reads no holdout.
    """
    target = rows[config.data.target]
    base_rate = float(target.mean())
    with _axes(folder / "confusion_matrix.png") as axes:
        ConfusionMatrixDisplay.from_predictions(
            target,
            (scores >= THRESHOLD).astype(int),
            labels=[0, 1],
            ax=axes,
            cmap="Blues",
            values_format=",d",
            colorbar=False,
        )
        axes.set_title(f"Decisions at {THRESHOLD} on {len(rows):,} {part} rows")
    with _axes(folder / "precision_recall.png") as axes:
        PrecisionRecallDisplay.from_predictions(target, scores, ax=axes, name=config.name, drop_intermediate=True)
        axes.axhline(base_rate, linestyle=":", color="grey", label=f"chance ({base_rate:.2%})")
        axes.legend(loc="lower left")
        axes.set_title(f"Precision against recall, {part}")
    with _axes(folder / "roc.png") as axes:
        RocCurveDisplay.from_predictions(target, scores, ax=axes, name=config.name, plot_chance_level=True)
        axes.set_title(f"ROC curve, {part}")
    with _axes(folder / "feature_importance.png", height=1.5 + 0.28 * len(config.data.features)) as axes:
        importance, kind = importances(model, config, rows)
        importance.sort_values().plot.barh(ax=axes, color="tab:blue")
        axes.set(title="Feature importance", xlabel=kind)


def importances(model: Pipeline, config: ModelConfig, rows: pd.DataFrame) -> tuple["pd.Series[float]", str]:
    """The importance of each feature, and which kind it is: the model's own where it has one, else by permutation."""
    features = list(config.data.features)
    estimator = model.named_steps["model"]
    if hasattr(estimator, "feature_importances_"):
        return pd.Series(estimator.feature_importances_, index=features), "the model's own (impurity or gain)"
    if hasattr(estimator, "coef_") and config.train.scale:
        return pd.Series(np.abs(estimator.coef_[0]), index=features), "absolute standardised coefficient"
    sample = rows.sample(min(len(rows), PERMUTED_ROWS), random_state=config.train.seed)
    permuted = permutation_importance(
        model, sample[features], sample[config.data.target], scoring="average_precision", random_state=config.train.seed
    )
    return pd.Series(permuted.importances_mean, index=features), "permutation: loss of average precision"


@contextmanager
def _axes(file: Path, height: float = 4.8) -> Iterator[Axes]:
    figure = Figure(figsize=(6.4, height), layout="constrained", dpi=110)  # not pyplot: its state is shared by all threads
    FigureCanvasAgg(figure)
    yield figure.add_subplot()
    figure.savefig(file)
