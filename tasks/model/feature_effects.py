"""Which features matter to a fitted estimator, and how its answer changes with them.

Not here: the other pictures of an evaluation (plots.py), the page they stand on (report.py).
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.inspection import PartialDependenceDisplay, permutation_importance

from configs.built_in_metrics import Kind
from tasks.model.plots import Picture, figure
from tasks.model.trained_model import EvaluatedModel
from tasks.pages.numbers import readable

# enough to rank features; permutation predicts them five times a feature
PERMUTED_ROWS = 2_000
SHUFFLES = 5
SHOWN_FEATURES = 20
# features whose partial dependence is drawn
DEPENDENCES = 4
DEPENDENCE_ROWS = 300


@dataclass(frozen=True)
class _PermutedMetric:
    """The metric that a shuffled feature worsens, and the scikit-learn scorer that measures it."""

    name: str
    scorer: str


PERMUTED_METRICS: dict[Kind, _PermutedMetric] = {
    "binary": _PermutedMetric("ROC AUC", "roc_auc"),
    "multiclass": _PermutedMetric("balanced accuracy", "balanced_accuracy"),
    "regression": _PermutedMetric("root mean squared error", "neg_root_mean_squared_error"),
}


@dataclass(frozen=True)
class Importance:
    """How much a metric worsens when a feature is shuffled, by feature.

    `mean` and `spread` (the standard deviation) are over five shuffles, in descending order of
    `mean`; `metric` names what worsens.
    """

    mean: "pd.Series[float]"
    spread: "pd.Series[float]"
    metric: str

    @property
    def features(self) -> list[str]:
        """All features, the most important first."""
        return [str(name) for name in self.mean.index]


def measure_importance(evaluated: EvaluatedModel) -> Importance:
    """Permutation importance on a sample of the evaluated rows. Source: Breiman (2001)."""
    config, metric = evaluated.config, PERMUTED_METRICS[evaluated.config.kind]
    features, target = list(config.data.features), _sample_target(evaluated)
    permuted = permutation_importance(
        evaluated.estimator,
        evaluated.rows.loc[target.index, features],
        target,
        scoring=metric.scorer,
        n_repeats=SHUFFLES,
        random_state=config.train.seed,
    )
    mean = pd.Series(permuted.importances_mean, features).sort_values(ascending=False)
    spread = pd.Series(permuted.importances_std, features)[mean.index]
    return Importance(mean, spread, metric.name)


def _sample_target(evaluated: EvaluatedModel) -> "pd.Series[float]":
    """The target of sampled rows, each class drawn as often: a plain sample has few of a rare one.

    Rows of classes are drawn with replacement, numbers without.
    """
    target, seed = evaluated.target, evaluated.config.train.seed
    count = min(len(target), PERMUTED_ROWS)
    if evaluated.config.kind == "regression":
        return target.sample(count, random_state=seed)
    weights = 1 / target.map(target.value_counts())
    return target.sample(count, weights=weights, replace=True, random_state=seed)


def draw(evaluated: EvaluatedModel, importance: Importance, folder: Path) -> list[Picture]:
    """Write the pictures into `folder`, and return them in the order of the report."""
    pictures = [_draw_importance(importance, folder)]
    shown = _features_to_vary(evaluated, importance)
    if shown and evaluated.config.kind != "multiclass":
        pictures.append(_draw_partial_dependence(evaluated, shown, folder))
    return pictures


def _draw_importance(importance: Importance, folder: Path) -> Picture:
    # bars are drawn from the bottom up
    shown = importance.mean.head(SHOWN_FEATURES)[::-1]
    with figure(folder / "feature_importance.png", height=1.5 + 0.28 * len(shown)) as axes:
        axes.barh(
            shown.index.astype(str),
            shown,
            xerr=importance.spread[shown.index],
            color="tab:blue",
            ecolor="black",
            capsize=2,
        )
        axes.set(
            title="Permutation importance",
            xlabel=f"worsening of {importance.metric} when the feature is shuffled",
        )
    return Picture("feature_importance.png", _importance_caption(importance))


def _importance_caption(importance: Importance) -> str:
    feature, worsening = importance.features[0], float(importance.mean.iloc[0])
    whiskers = f"Whiskers show one standard deviation over {SHUFFLES} shuffles."
    if worsening <= 0:
        return f"Shuffling any one feature does not worsen {importance.metric}. {whiskers}"
    return (
        f"Shuffling {feature} worsens {importance.metric} most, by {readable(worsening)}. "
        f"{whiskers}"
    )


def _features_to_vary(evaluated: EvaluatedModel, importance: Importance) -> list[str]:
    """The most important features that are numbers, not private, and not constant."""
    shown = []
    for name in importance.features:
        values = evaluated.rows[name]
        is_number = values.dtype.kind in "if"
        if is_number and name not in evaluated.config.data.private and values.nunique() > 1:
            shown.append(name)
    return shown[:DEPENDENCES]


def _draw_partial_dependence(evaluated: EvaluatedModel, shown: list[str], folder: Path) -> Picture:
    features = evaluated.rows[list(evaluated.config.data.features)]
    sample = features.sample(min(len(features), DEPENDENCE_ROWS), random_state=0)
    sample = sample.astype(dict.fromkeys(shown, "float64"))
    with figure(folder / "partial_dependence.png", height=1 + 1.7 * len(shown)) as axes:
        PartialDependenceDisplay.from_estimator(
            evaluated.estimator,
            sample,
            shown,
            ax=axes,
            n_cols=1,
            grid_resolution=20,
            percentiles=(0.02, 0.98),
        )
    return Picture(
        "partial_dependence.png",
        "The model's average answer as one feature varies and the others keep their values.",
    )
