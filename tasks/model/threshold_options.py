"""What each threshold decides on some rows, whether an aim allows it, and what it is worth to it.

Not here: which rows a threshold is chosen on (threshold.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import confusion_matrix_at_thresholds

from configs.threshold import Threshold

# of the interval of what to expect on other rows
EXPECTED = 0.9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Options:
    """Every threshold at which decisions differ, and what it decides; arrays of one length."""

    threshold: Floats
    true_positives: Floats
    false_positives: Floats
    false_negatives: Floats
    true_negatives: Floats

    @property
    def alerts(self) -> Floats:
        return self.true_positives + self.false_positives

    @property
    def precision(self) -> Floats:
        return _share(self.true_positives, self.false_positives)

    @property
    def recall(self) -> Floats:
        return _share(self.true_positives, self.false_negatives)

    def rate(self, aim: Threshold, days: int) -> tuple[NDArray[np.bool_], Floats]:
        """Which options the aim allows on rows of so many days, and what each is worth to it."""
        if aim.minimise:
            cost = (
                self.false_positives * aim.false_positive
                + self.false_negatives * aim.false_negative
            )
            return np.full(len(self.threshold), True), -cost
        if aim.alerts_a_day:
            # the exact upper limit of a Poisson count (Garwood, 1936)
            most = stats.gamma.ppf(aim.sure, self.alerts + 1) if aim.sure else self.alerts
            return (most <= aim.alerts_a_day * days) | (self.alerts == 0), self.alerts
        if aim.precision:
            return self.assured(aim) >= aim.precision, self.recall
        return self.assured(aim) >= (aim.recall or 0), self.precision

    def assured(self, aim: Threshold) -> Floats:
        """The precision or recall that the aim is about, or its lower bound where it is to be sure.

        Clopper and Pearson (1934), Biometrika 26:404.
        """
        misses = self._misses(aim)
        if not aim.sure:
            return _share(self.true_positives, misses)
        lowest = stats.beta.ppf(1 - aim.sure, self.true_positives, misses + 1)
        return np.where(self.true_positives > 0, lowest, 0.0)

    def expected(self, aim: Threshold, days: int, chosen: int) -> str:
        """What to expect of an option on as many other rows; empty where the aim is the cost."""
        if aim.minimise:
            return ""
        if aim.alerts_a_day:
            # of as many other days, given these: the count is negative binomial (Jeffreys prior)
            low, high = stats.nbinom.interval(EXPECTED, self.alerts[chosen] + 0.5, 0.5)
            return (
                f"; on other days {low / days:,.1f} to {high / days:,.1f} alerts ({EXPECTED:.0%})"
            )
        hits, misses = int(self.true_positives[chosen]), int(self._misses(aim)[chosen])
        if hits + misses == 0:
            return ""
        interval = stats.binomtest(hits, hits + misses).proportion_ci(EXPECTED, "exact")
        return (
            f"; on other rows {aim.kind} {interval.low:.2f} to {interval.high:.2f} ({EXPECTED:.0%})"
        )

    def _misses(self, aim: Threshold) -> Floats:
        """The false alerts where the aim is precision, else the positives that are not found."""
        return self.false_positives if aim.precision else self.false_negatives


def options_of(target: "pd.Series[Any]", scores: "pd.Series[float]") -> Options:
    """Each score as a threshold and, last, one above all of them, at which nothing is alerted."""
    counted = confusion_matrix_at_thresholds(target, scores)
    tn, fp, fn, tp, threshold = (np.asarray(column, dtype="float64") for column in counted)
    negatives, positives = tn[0] + fp[0], fn[0] + tp[0]
    above_all = np.nextafter(threshold.max(), np.inf)
    return Options(
        threshold=np.append(threshold, above_all),
        true_positives=np.append(tp, 0),
        false_positives=np.append(fp, 0),
        false_negatives=np.append(fn, positives),
        true_negatives=np.append(tn, negatives),
    )


def _share(hits: Floats, misses: Floats) -> Floats:
    none = np.zeros_like(hits)
    share: Floats = np.divide(hits, hits + misses, out=none, where=hits + misses > 0)
    return share
