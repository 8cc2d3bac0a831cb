"""The pictures of one evaluation, drawn by scikit-learn's displays, each with its caption.

Not here: what the features do (feature_effects.py), the page the pictures stand on (report.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)

from configs.built_in_metrics import Kind
from tasks.model.trained_model import EvaluatedModel

DRAWN_POINTS = 5_000
QUANTILES = 10
SCORE_BINS = 40


@dataclass(frozen=True)
class Picture:
    """A file beside the report, and its caption."""

    file: str
    caption: str


def draw(evaluated: EvaluatedModel, folder: Path) -> list[Picture]:
    """Write the pictures of this kind of model, and return them in the order of the report."""
    return [make(evaluated, folder) for make in BY_KIND[evaluated.config.kind]]


@contextmanager
def figure(file: Path, height: float = 4.8) -> Iterator[Axes]:
    """Axes to draw on, written to `file` at the end; `height` is in inches."""
    # not pyplot, whose state all threads share
    figure = Figure(figsize=(6.4, height), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    yield figure.add_subplot()
    figure.savefig(file)


def _confusion_matrix(evaluated: EvaluatedModel, folder: Path) -> Picture:
    target, decided = evaluated.target, evaluated.decided
    classes = sorted(set(target) | set(decided))
    height = max(4.8, 1 + 0.5 * len(classes))
    with figure(folder / "confusion_matrix.png", height) as axes:
        ConfusionMatrixDisplay.from_predictions(
            target,
            decided,
            labels=classes,
            ax=axes,
            cmap="Blues",
            values_format=",d",
            colorbar=False,
        )
        axes.set_title(f"Decisions on {len(target):,} holdout rows")
    wrong = int((decided != target).sum())
    threshold = f" at the threshold of {evaluated.threshold:.3g}"
    where = threshold if evaluated.config.kind == "binary" else ""
    return Picture(
        "confusion_matrix.png",
        f"{wrong:,} of {len(target):,} decisions{where} are wrong: those off the diagonal.",
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
        "Precision at each recall as the threshold falls. "
        f"Alerts at random have a precision of {rate:.2%}.",
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
        "True positive rate against false positive rate; alerts at random lie on the diagonal.",
    )


def _calibration(evaluated: EvaluatedModel, folder: Path) -> Picture:
    with figure(folder / "calibration.png") as axes:
        drawn = CalibrationDisplay.from_predictions(
            evaluated.target,
            evaluated.scores.clip(0, 1),
            n_bins=QUANTILES,
            strategy="quantile",
            ax=axes,
            name=evaluated.config.name,
        )
        # where positives are rare, all bins lie near zero
        end = min(1.05 * max(drawn.prob_pred.max(), drawn.prob_true.max()), 1)
        axes.set(title="Calibration, in bins of as many rows", xlim=(0, end), ylim=(0, end))
    return Picture(
        "calibration.png",
        "On the diagonal, 30% of the rows with a score of 0.3 are positive. "
        "Below it, scores are too high.",
    )


def _score_distribution(evaluated: EvaluatedModel, folder: Path) -> Picture:
    bins = list(np.linspace(0, 1, SCORE_BINS + 1))
    with figure(folder / "scores.png") as axes:
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
        "Scores of positives (1, hatched) and negatives (0), on a logarithmic scale. "
        "The less they overlap, the better the model separates them.",
    )


def _actual_vs_predicted(evaluated: EvaluatedModel, folder: Path) -> Picture:
    _draw_errors(evaluated, "actual_vs_predicted", folder / "actual_vs_predicted.png")
    return Picture("actual_vs_predicted.png", "Points on the diagonal are predicted exactly.")


def _residual_vs_predicted(evaluated: EvaluatedModel, folder: Path) -> Picture:
    _draw_errors(evaluated, "residual_vs_predicted", folder / "residual_vs_predicted.png")
    bias = float(np.mean(evaluated.scores.to_numpy() - evaluated.target.to_numpy()))
    direction = "too high" if bias > 0 else "too low"
    return Picture(
        "residual_vs_predicted.png",
        "Ideally a shapeless cloud around zero. "
        f"On average predictions are {abs(bias):.3g} {direction}.",
    )


def _draw_errors(evaluated: EvaluatedModel, kind: str, file: Path) -> None:
    with figure(file) as axes:
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


BY_KIND: dict[Kind, tuple[Callable[[EvaluatedModel, Path], Picture], ...]] = {
    "binary": (_confusion_matrix, _precision_recall, _roc, _calibration, _score_distribution),
    "multiclass": (_confusion_matrix,),
    "regression": (_actual_vs_predicted, _residual_vs_predicted),
}
