"""Weighted metrics: each metric of many resamples of the same rows at once, in matrix products.

A resample is a row of weights: how often each of the n rows was drawn. A weighted metric takes
weights of shape (replicates, n) and returns shape (replicates,); at weight one it returns the
value of the metric itself (tests/test_metrics.py).

The functions named after metrics take the target and what the metric sees, decisions or scores,
and return the weighted metric of those rows; configs/built_in_metrics.py refers to them by name.
Not here: drawing resamples (resampling.py); the metrics of the rows themselves (metrics.py).
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from configs.threshold import Threshold
from tasks.model.metrics import CALIBRATION_BINS, calibration_bin, costs
from tasks.model.resampling import Values, Weighted, Weights
from tasks.model.scores import Scores

# shape (n,): 0 and 1 of two classes, else the class or the number
Target = pd.Series

# scikit-learn clips probabilities, and targets that it divides by, at this distance from zero
EPSILON = np.finfo(np.float64).eps

# what rounding leaves of a difference of sums, as a share of them
ROUNDING = 1e-12

# Means of one number a row


def _mean(of_rows: Any) -> Weighted:
    numbers = np.asarray(of_rows, dtype="float64")
    return lambda weights: (weights @ numbers) / weights.sum(axis=1)


def _as_floats(*columns: Target) -> Iterator[Values]:
    return (column.to_numpy("float64") for column in columns)


def accuracy(target: Target, decided: Target) -> Weighted:
    return _mean(target == decided)


def mean_cost(target: Target, decided: Target, *, prices: Threshold) -> Weighted:
    return _mean(costs(target, decided, prices))


def mean_absolute_error(target: Target, predicted: Target) -> Weighted:
    actual, answer = _as_floats(target, predicted)
    return _mean(np.abs(actual - answer))


def mean_absolute_percentage_error(target: Target, predicted: Target) -> Weighted:
    actual, answer = _as_floats(target, predicted)
    return _mean(np.abs(actual - answer) / np.maximum(np.abs(actual), EPSILON))


def mean_squared_error(target: Target, predicted: Target) -> Weighted:
    actual, answer = _as_floats(target, predicted)
    return _mean((actual - answer) ** 2)


def root_mean_squared_error(target: Target, predicted: Target) -> Weighted:
    squared = mean_squared_error(target, predicted)
    return lambda weights: np.sqrt(squared(weights))


def log_loss(target: Target, scores: Scores) -> Weighted:
    """The mean of -log of the probability given to the class that the row has."""
    if isinstance(scores, pd.Series):
        likelihood = np.where(target == 1, scores, 1 - scores)
    else:
        column_of_row = scores.columns.get_indexer(pd.Index(target))
        likelihood = scores.to_numpy()[np.arange(len(target)), column_of_row]
    return _mean(-np.log(np.clip(likelihood, EPSILON, 1 - EPSILON)))


# Counts of classes


def of_positive_class(
    target: Target, decided: Target, *, of: Literal["precision", "recall", "f1"]
) -> Weighted:
    """Precision, recall or f1 of the class 1; 0 where it is undefined, as scikit-learn is told."""
    count = _count_classes(target, decided, [1])
    return lambda weights: _of_each_class(of, *count(weights))[:, 0]


def class_mean(
    target: Target,
    decided: Target,
    *,
    of: Literal["precision", "recall", "f1"],
    over: Literal["all", "with_rows", "rows"],
) -> Weighted:
    """The mean of precision, recall or f1 over classes.

    `over` says which count: `all` that have rows or decisions, those `with_rows`, or each by its
    number of `rows`.
    """
    count = _count_classes(target, decided, sorted(set(target) | set(decided)))

    def measure(weights: Weights) -> Values:
        correct, predicted, actual = count(weights)
        value = _of_each_class(of, correct, predicted, actual)
        shares: dict[str, Any] = {
            "all": (predicted + actual) > 0,
            "with_rows": actual > 0,
            "rows": actual,
        }
        share = shares[over]
        mean: Values = (value * share).sum(axis=1) / share.sum(axis=1)
        return mean

    return measure


def matthews_corrcoef(target: Target, decided: Target) -> Weighted:
    """Matthews' coefficient, for several classes Gorodkin's R_K; 0 where it is undefined.

    Source: Gorodkin (2004), Comparing two K-category
    assignments by a K-category correlation coefficient.
    """
    count = _count_classes(target, decided, sorted(set(target) | set(decided)))

    def measure(weights: Weights) -> Values:
        correct, predicted, actual = count(weights)
        total = weights.sum(axis=1)
        covariance = correct.sum(axis=1) * total - (predicted * actual).sum(axis=1)
        predicted_variance = total**2 - (predicted**2).sum(axis=1)
        actual_variance = total**2 - (actual**2).sum(axis=1)
        # of one class alone, a variance of zero may be rounded below it
        variances = predicted_variance * actual_variance
        return _divide_or_zero(covariance, np.sqrt(np.maximum(variances, 0)))

    return measure


def _count_classes(
    target: Target, decided: Target, classes: list[Any]
) -> Callable[[Weights], tuple[Values, Values, Values]]:
    """A function of weights: rows decided correctly, decided, and of each class.

    Each is a sum of weights of shape (replicates, classes).
    """
    actual = np.asarray([target == name for name in classes], dtype="float64").T
    predicted = np.asarray([decided == name for name in classes], dtype="float64").T
    correct = actual * predicted
    return lambda weights: (weights @ correct, weights @ predicted, weights @ actual)


def _of_each_class(
    of: Literal["precision", "recall", "f1"], correct: Values, predicted: Values, actual: Values
) -> Values:
    """The precision, recall or f1 of each class, shape (replicates, classes)."""
    denominator = {"precision": predicted, "recall": actual, "f1": (predicted + actual) / 2}[of]
    return _divide_or_zero(correct, denominator)


def _divide_or_zero(numerator: Values, denominator: Values) -> Values:
    zeros = np.zeros_like(numerator)
    quotient: Values = np.divide(numerator, denominator, out=zeros, where=denominator > 0)
    return quotient


# Curves over the scores


def curve(
    target: NDArray[np.bool_], scores: NDArray[np.float64]
) -> Callable[[Weights], tuple[Values, Values]]:
    """A function of weights: true and false positives from the highest score down, cumulated.

    Each has the shape (replicates, groups), with a column for each group of equal scores; groups
    without positives that follow each other are taken as one.
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(scores[order])) + 1)
    has_positive = np.maximum.reduceat(target[order], starts)
    # between two groups without positives no area changes: they become one
    starts = starts[has_positive | np.append(True, has_positive[:-1])]
    groups = len(starts)
    group_of_row = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
    # one matrix sums both: the positives of each group first, then its negatives
    sum_of_row = np.where(target[order], group_of_row, groups + group_of_row)
    shape = (2 * groups, len(order))
    sums = csr_array((np.ones(len(order)), (sum_of_row, order)), shape=shape)

    def cumulate(weights: Weights) -> tuple[Values, Values]:
        in_group = sums @ weights.T
        true_positives = np.cumsum(in_group[:groups], axis=0).T
        false_positives = np.cumsum(in_group[groups:], axis=0).T
        return true_positives, false_positives

    return cumulate


def average_precision(target: Target, scores: Target) -> Weighted:
    """The mean of precision over recall, without interpolation, as scikit-learn's."""
    cumulate = curve(target.to_numpy() == 1, scores.to_numpy())

    def measure(weights: Weights) -> Values:
        true_positives, false_positives = cumulate(weights)
        precision = _divide_or_zero(true_positives, true_positives + false_positives)
        gained = np.diff(true_positives, axis=1, prepend=0)
        area: Values = (gained * precision).sum(axis=1) / true_positives[:, -1]
        return area

    return measure


def roc_auc(target: Target, scores: Target) -> Weighted:
    return _area_under_roc(target.to_numpy() == 1, scores.to_numpy())


def roc_auc_ovr(target: Target, scores: pd.DataFrame) -> Weighted:
    """The mean over classes of the area of one class against the rest."""
    areas = [
        _area_under_roc((target == name).to_numpy(), scores[name].to_numpy()) for name in scores
    ]
    return lambda weights: np.mean([area(weights) for area in areas], axis=0)


def _area_under_roc(target: NDArray[np.bool_], scores: NDArray[np.float64]) -> Weighted:
    """The area by trapezoids: of equal scores, half count as found."""
    cumulate = curve(target, scores)

    def measure(weights: Weights) -> Values:
        true_positives, false_positives = cumulate(weights)
        before = _from_zero(true_positives)[:, :-1]
        width = np.diff(false_positives, axis=1, prepend=0)
        area = (width * (true_positives + before) / 2).sum(axis=1)
        whole = true_positives[:, -1] * false_positives[:, -1]
        share: Values = area / whole
        return share

    return measure


def precision_at_budget(target: Target, scores: Target, *, alert_budget: float) -> Weighted:
    spend = _spend_budget(target, scores, alert_budget)

    def measure(weights: Weights) -> Values:
        hits, alerts, _ = spend(weights)
        return hits / alerts

    return measure


def recall_at_budget(target: Target, scores: Target, *, alert_budget: float) -> Weighted:
    spend = _spend_budget(target, scores, alert_budget)

    def measure(weights: Weights) -> Values:
        hits, _, positives = spend(weights)
        return hits / positives

    return measure


def _spend_budget(
    target: Target, scores: Target, alert_budget: float
) -> Callable[[Weights], tuple[Values, Values, Values]]:
    """A function of weights: the hits among the highest scores, the alerts spent, all positives.

    Of the group of equal scores in which the budget ends, the share that it covers counts.
    """
    cumulate = curve(target.to_numpy() == 1, np.asarray(scores))

    def spend(weights: Weights) -> tuple[Values, Values, Values]:
        true_positives, false_positives = map(_from_zero, cumulate(weights))
        alerts = true_positives + false_positives
        spent = np.minimum(alert_budget, alerts[:, -1])
        groups_within = (alerts < spent[:, None]).sum(axis=1)
        last = np.maximum(1, groups_within)
        alerts_before, alerts_after = _column(alerts, last - 1), _column(alerts, last)
        hits_before, hits_after = _column(true_positives, last - 1), _column(true_positives, last)
        covered = _divide_or_zero(spent - alerts_before, alerts_after - alerts_before)
        hits = hits_before + covered * (hits_after - hits_before)
        return hits, spent, true_positives[:, -1]

    return spend


def _from_zero(cumulated: Values) -> Values:
    """Cumulated sums with a zero before the first, shape (replicates, groups + 1)."""
    return np.hstack([np.zeros((len(cumulated), 1)), cumulated])


def _column(values: Values, number: NDArray[np.int64]) -> Values:
    """Of each row the value in the column of that number, shape (replicates,)."""
    taken: Values = np.take_along_axis(values, number[:, None], axis=1)[:, 0]
    return taken


# The others


def expected_calibration_error(target: Target, scores: Target) -> Weighted:
    in_bin = calibration_bin(scores).to_numpy()[:, None] == np.arange(CALIBRATION_BINS)
    gaps = in_bin * (target - scores).to_numpy()[:, None]
    return lambda weights: np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


def median_absolute_error(target: Target, predicted: Target) -> Weighted:
    """The median of the absolute errors; where it lies between two, their mean."""
    actual, answer = _as_floats(target, predicted)
    errors = np.abs(actual - answer)
    order = np.argsort(errors)
    ascending = errors[order]

    def measure(weights: Weights) -> Values:
        reached = np.cumsum(weights[:, order], axis=1)
        half = reached[:, -1:] / 2
        lower = ascending[(reached < half).sum(axis=1)]
        # without any weight all sums are at the half, and there is no median
        places_up_to_half = np.minimum((reached <= half).sum(axis=1), len(ascending) - 1)
        median: Values = (lower + ascending[places_up_to_half]) / 2
        return np.where(half[:, 0] > 0, median, np.nan)

    return measure


def explained_share(target: Target, predicted: Target, *, centred: bool) -> Weighted:
    """1 - (spread of the errors / spread of the target).

    `centred` takes the errors' spread about their mean: explained variance. About zero it is r2.
    """
    actual, answer = _as_floats(target, predicted)
    error = actual - answer
    # sums of squares of large numbers would lose their last digits
    actual = actual - actual.mean()

    def measure(weights: Weights) -> Values:
        total = weights.sum(axis=1)
        squares = weights @ actual**2
        target_spread = squares - (weights @ actual) ** 2 / total
        # of equal targets only rounding is left, of which nothing can be a share
        target_spread = np.where(target_spread > ROUNDING * squares, target_spread, np.nan)
        mean_part = (weights @ error) ** 2 / total if centred else 0
        error_spread = weights @ error**2 - mean_part
        explained: Values = 1 - error_spread / target_spread
        return explained

    return measure
