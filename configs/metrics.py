"""What can be measured of each kind of model: the built-in metrics, by their scikit-learn names, and which way each is better.

Averages over classes are said in the name: `_macro` counts each class alike, `_weighted` by its rows, `_ovr` is the macro average of one
class against the rest. `cost` is that of the wrong decisions, as `threshold` prices them, a row; `_at_budget` looks at the highest scores,
as many as `threshold` allows alerts. Not here: computing them (tasks/model/metrics.py).
"""

from typing import Literal

Kind = Literal["binary", "multiclass", "regression"]

COST = "cost"  # of the decisions, in the prices of the YAML
AT_BUDGET = ("precision_at_budget", "recall_at_budget")

BUILT_IN: dict[Kind, tuple[str, ...]] = {
    "binary": (
        "accuracy",
        "average_precision",
        "balanced_accuracy",
        "brier_score",
        COST,
        "expected_calibration_error",
        "f1",
        "log_loss",
        "matthews_corrcoef",
        "precision",
        "precision_at_budget",
        "recall",
        "recall_at_budget",
        "roc_auc",
    ),
    "multiclass": (
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "f1_weighted",
        "log_loss",
        "matthews_corrcoef",
        "precision_macro",
        "recall_macro",
        "roc_auc_ovr",
    ),
    "regression": (
        "explained_variance",
        "max_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "median_absolute_error",
        "r2",
        "root_mean_squared_error",
    ),
}

LOWER_IS_BETTER = frozenset({
    "brier_score",
    COST,
    "expected_calibration_error",
    "log_loss",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "median_absolute_error",
    "root_mean_squared_error",
})  # fmt: skip
