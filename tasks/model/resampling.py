"""Metrics of many resamples of the same rows at once: a bootstrap in matrix products and cumulative sums instead of a loop.

A resample is a row of weights: how often each of the n rows was drawn. Each function takes weights of shape (replicates, n) and answers
shape (replicates,); at weight one it is scikit-learn's own value. Not here: which rows are independent of each other (tasks/verdict).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from configs.metrics import AT_BUDGET, COST, Kind
from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.model.metrics import BINS, alert_budget, bin_of, costs
from tasks.model.scores import Scores, decisions

Weights = NDArray[np.float64]
Values = NDArray[np.float64]
Weighted = Callable[[Weights], Values]

REPLICATES = 500
CELLS = 4_000_000  # of a block of weights: 32 MB
LEVEL = 0.95
SMALLEST = np.finfo(np.float64).eps  # scikit-learn's clip of probabilities


def intervals(
    config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> dict[str, tuple[float, float]]:
    """The 95 % percentile interval of each metric over resamples of rows (Efron, 1979), seeded by the model's seed.

    A maximum has none, as resamples never hold a larger one; nor have the model's own.
    """
    measures = {
        name: measure
        for name in config.metric_names
        if (measure := weighted(name, config, rows, scores, threshold))
    }
    drawn: dict[str, list[Values]] = {name: [] for name in measures}
    for weights in resamples(np.arange(len(rows)), REPLICATES, config.train.seed):
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # a resample without positives has no value, and is left out
            for name, measure in measures.items():
                drawn[name].append(measure(weights))
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    bounds = {name: np.nanquantile(np.concatenate(values), tails) for name, values in drawn.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def resamples(units: NDArray[np.int64], replicates: int, seed: int) -> Iterator[Weights]:
    """Blocks of weights, together of shape (replicates, n): how often each of n rows was drawn when units are drawn with replacement.

    `units` is the number of each row's unit, from 0 up, shape (n,); rows that are independent are each one.
    """
    random = np.random.default_rng(seed)
    count = int(units.max()) + 1
    each_its_own = count == len(units) and bool((units == np.arange(count)).all())
    block = max(1, CELLS // len(units))
    for first in range(0, replicates, block):
        size = min(block, replicates - first)
        drawn = random.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        times = (
            np.bincount(drawn.ravel(), minlength=size * count)
            .reshape(size, count)
            .astype(np.float64)
        )
        by_row = np.ascontiguousarray(
            times.T
        )  # so that the weights of one row lie together: sums over rows read them in one sweep
        yield (by_row if each_its_own else by_row[units]).T


def weighted(
    name: str, config: ModelConfig, rows: pd.DataFrame, scores: Scores, threshold: float
) -> Weighted | None:
    """The metric as a function of weights, for these rows and scores; None for one that resamples say nothing of."""
    target, decided = labels(config, rows), decisions(config, scores, threshold)
    if name == COST:
        return _mean(costs(config, target, decided))
    if name in AT_BUDGET:
        return _at_budget(name, target, scores, alert_budget(config, rows))
    make = MAKERS[config.kind].get(name)
    return make(target, decided, scores) if make else None


Maker = Callable[["pd.Series[Any]", "pd.Series[Any]", Any], Weighted]


def _mean(
    loss: "NDArray[np.float64] | pd.Series[Any]",
    then: Callable[[Values], Values] = lambda mean: mean,
) -> Weighted:
    each = np.asarray(loss, dtype="float64")
    return lambda weights: then((weights @ each) / weights.sum(axis=1))


def _counts(
    target: "pd.Series[Any]", decided: "pd.Series[Any]"
) -> Callable[[Weights], tuple[Values, Values, Values]]:
    """Of each class: weights of rows that are right, that are decided for it, that are of it; each (replicates, classes)."""
    classes = sorted(set(target) | set(decided))
    of, to = (
        np.asarray([column == name for name in classes], dtype="float64").T
        for column in (target, decided)
    )
    return lambda weights: (weights @ (of * to), weights @ to, weights @ of)


def _of_classes(
    target: "pd.Series[Any]", decided: "pd.Series[Any]", _: Any, *, metric: str, average: str
) -> Weighted:
    """precision, recall or f1 of each class, 0 where nothing is decided for it; then the class 1 (`binary`), or the mean over all classes
    (`macro`), over those that have rows (`present`), or by their rows (`weighted`)."""
    count = _counts(target, decided)
    positive = (
        sorted(set(target) | set(decided)).index(1)
        if average == "binary" and 1 in {*target, *decided}
        else 0
    )

    def measure(weights: Weights) -> Values:
        right, to, of = count(weights)
        below = {"precision": to, "recall": of, "f1": (to + of) / 2}[metric]
        each = np.divide(right, below, out=np.zeros_like(right), where=below > 0)
        counted = {"macro": (to + of) > 0, "present": of > 0, "weighted": of}.get(average, of)
        mean: Values = (
            each[:, positive]
            if average == "binary"
            else (each * counted).sum(axis=1) / counted.sum(axis=1)
        )
        return mean

    return measure


def _matthews(target: "pd.Series[Any]", decided: "pd.Series[Any]", _: Any) -> Weighted:
    """Gorodkin's R_K, which for two classes is Matthews' coefficient; 0 where it is not defined."""
    count = _counts(target, decided)

    def measure(weights: Weights) -> Values:
        right, to, of = count(weights)
        total = weights.sum(axis=1)
        above = right.sum(axis=1) * total - (to * of).sum(axis=1)
        below = np.sqrt((total**2 - (to**2).sum(axis=1)) * (total**2 - (of**2).sum(axis=1)))
        coefficient: Values = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
        return coefficient

    return measure


def curve(
    target: NDArray[np.bool_], scores: NDArray[np.float64]
) -> Callable[[Weights], tuple[Values, Values]]:
    """Cumulated weights of positives and negatives from the highest score down, at the end of each group of equal scores.

    Groups without positives that follow each other are taken as one.
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(scores[order])) + 1)
    has_positive = np.maximum.reduceat(target[order], starts)
    starts = starts[
        has_positive | np.append(True, has_positive[:-1])
    ]  # between two of them negatives change no area: one group
    groups = len(starts)
    group_of = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
    place = np.where(
        target[order], group_of, groups + group_of
    )  # sums of positives first, then those of negatives
    sums = csr_array((np.ones(len(order)), (place, order)), shape=(2 * groups, len(order)))

    def cumulate(weights: Weights) -> tuple[Values, Values]:
        summed = sums @ weights.T
        return np.cumsum(summed[:groups], axis=0).T, np.cumsum(summed[groups:], axis=0).T

    return cumulate


def _average_precision(target: "pd.Series[Any]", _: Any, scores: "pd.Series[Any]") -> Weighted:
    """The mean of precision over recall, without interpolation, as scikit-learn's."""
    cumulate = curve(target.to_numpy() == 1, scores.to_numpy())

    def measure(weights: Weights) -> Values:
        found, disturbed = cumulate(weights)
        alerted = found + disturbed
        precision = np.divide(found, alerted, out=np.zeros_like(found), where=alerted > 0)
        area: Values = (np.diff(found, axis=1, prepend=0) * precision).sum(axis=1) / found[:, -1]
        return area

    return measure


def _at_budget(name: str, target: "pd.Series[Any]", scores: Scores, budget: float) -> Weighted:
    """Precision or recall of the highest scores, as many as the budget; of equal scores the share that is left of it."""
    cumulate = curve(target.to_numpy() == 1, np.asarray(scores))

    def measure(weights: Weights) -> Values:
        found, disturbed = (
            np.hstack([np.zeros((len(weights), 1)), each]) for each in cumulate(weights)
        )
        alerted = found + disturbed
        spent = np.minimum(budget, alerted[:, -1])
        after = np.maximum(1, (alerted < spent[:, None]).sum(axis=1))[
            :, None
        ]  # the group that the budget ends in
        (low, high), (found_low, found_high) = (
            [np.take_along_axis(each, at, axis=1)[:, 0] for at in (after - 1, after)]
            for each in (alerted, found)
        )
        within = np.divide(spent - low, high - low, out=np.zeros_like(low), where=high > low)
        hits: Values = found_low + within * (found_high - found_low)
        return hits / (spent if name.startswith("precision") else found[:, -1])

    return measure


def _roc_auc(target: "pd.Series[Any]", _: Any, scores: "pd.Series[Any]") -> Weighted:
    """The area under the ROC curve by trapezoids: equal scores count half."""
    return _area(target.to_numpy() == 1, scores.to_numpy())


def _area(target: NDArray[np.bool_], scores: NDArray[np.float64]) -> Weighted:
    cumulate = curve(target, scores)

    def measure(weights: Weights) -> Values:
        found, disturbed = cumulate(weights)
        before = np.hstack([np.zeros((len(found), 1)), found[:, :-1]])
        steps = np.diff(disturbed, axis=1, prepend=0)
        area: Values = (steps * (found + before) / 2).sum(axis=1) / (
            found[:, -1] * disturbed[:, -1]
        )
        return area

    return measure


def _roc_auc_ovr(target: "pd.Series[Any]", _: Any, scores: pd.DataFrame) -> Weighted:
    areas = [_area((target == name).to_numpy(), scores[name].to_numpy()) for name in scores]
    return lambda weights: np.mean([area(weights) for area in areas], axis=0)


def _log_loss(target: "pd.Series[Any]", _: Any, scores: Scores) -> Weighted:
    if isinstance(scores, pd.Series):
        likelihood = np.where(target == 1, scores, 1 - scores)
    else:
        likelihood = scores.to_numpy()[
            np.arange(len(target)), scores.columns.get_indexer(pd.Index(target))
        ]
    return _mean(-np.log(np.clip(likelihood, SMALLEST, 1 - SMALLEST)))


def _expected_calibration_error(
    target: "pd.Series[Any]", _: Any, scores: "pd.Series[Any]"
) -> Weighted:
    off = (bin_of(scores).to_numpy()[:, None] == np.arange(BINS)) * (target - scores).to_numpy()[
        :, None
    ]
    return lambda weights: np.abs(weights @ off).sum(axis=1) / weights.sum(axis=1)


def _median(target: "pd.Series[Any]", _: Any, scores: "pd.Series[Any]") -> Weighted:
    """Of the absolute errors; between two the mean of both."""
    errors = np.abs(target.to_numpy("float64") - scores.to_numpy("float64"))
    order = np.argsort(errors)

    def measure(weights: Weights) -> Values:
        reached = np.cumsum(weights[:, order], axis=1)
        half = reached[:, -1:] / 2
        median: Values = (
            errors[order][(reached < half).sum(axis=1)]
            + errors[order][(reached <= half).sum(axis=1)]
        ) / 2
        return median

    return measure


def _explained(
    target: "pd.Series[Any]", _: Any, scores: "pd.Series[Any]", *, centred: bool
) -> Weighted:
    """1 - variance of what is left / variance of the target; about zero for r2, about its mean for explained variance."""
    y = target.to_numpy(dtype="float64")
    y = y - y.mean()  # else the sums of squares lose their last digits
    left = target.to_numpy(dtype="float64") - scores.to_numpy()

    def measure(weights: Weights) -> Values:
        total = weights.sum(axis=1)
        spread = weights @ y**2 - (weights @ y) ** 2 / total
        error = weights @ left**2 - ((weights @ left) ** 2 / total if centred else 0)
        explained: Values = 1 - error / spread
        return explained

    return measure


def _errors(
    loss: Callable[[Values, Values], Values], then: Callable[[Values], Values] = lambda mean: mean
) -> Maker:
    return lambda target, _, scores: _mean(
        loss(target.to_numpy("float64"), scores.to_numpy("float64")), then
    )


_accuracy: Maker = lambda target, decided, _: _mean(target == decided)  # noqa: E731 one of a table of functions

MAKERS: dict[Kind, dict[str, Maker]] = {
    "binary": {
        "accuracy": _accuracy,
        "average_precision": _average_precision,
        "balanced_accuracy": partial(_of_classes, metric="recall", average="present"),
        "brier_score": _errors(lambda y, p: (y - p) ** 2),
        "expected_calibration_error": _expected_calibration_error,
        "f1": partial(_of_classes, metric="f1", average="binary"),
        "log_loss": _log_loss,
        "matthews_corrcoef": _matthews,
        "precision": partial(_of_classes, metric="precision", average="binary"),
        "recall": partial(_of_classes, metric="recall", average="binary"),
        "roc_auc": _roc_auc,
    },
    "multiclass": {
        "accuracy": _accuracy,
        "balanced_accuracy": partial(_of_classes, metric="recall", average="present"),
        "f1_macro": partial(_of_classes, metric="f1", average="macro"),
        "f1_weighted": partial(_of_classes, metric="f1", average="weighted"),
        "log_loss": _log_loss,
        "matthews_corrcoef": _matthews,
        "precision_macro": partial(_of_classes, metric="precision", average="macro"),
        "recall_macro": partial(_of_classes, metric="recall", average="macro"),
        "roc_auc_ovr": _roc_auc_ovr,
    },
    "regression": {
        "explained_variance": partial(_explained, centred=True),
        "mean_absolute_error": _errors(lambda y, p: np.abs(y - p)),
        "mean_absolute_percentage_error": _errors(
            lambda y, p: np.abs(y - p) / np.maximum(np.abs(y), SMALLEST)
        ),
        "mean_squared_error": _errors(lambda y, p: (y - p) ** 2),
        "median_absolute_error": _median,
        "r2": partial(_explained, centred=False),
        "root_mean_squared_error": _errors(lambda y, p: (y - p) ** 2, np.sqrt),
    },
}
