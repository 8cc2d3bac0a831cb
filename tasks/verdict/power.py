"""What a gate's margins let by, told from past comparisons: how often an equally good model would pass, and what it would take.

Pure. Not here: the power of one candidate's gate, from its own resamples (comparison.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Any

from configs.judging import Rule

WANTED = 0.8  # share of equally good models that a gate should let by


@dataclass(frozen=True)
class RulePower:
    """Of one rule with a margin: how often an equally good model passes, and the margin or the holdout at which WANTED of them do."""

    rule: str
    share: float
    margin: float
    holdout: float  # times as many rows as now

    def __str__(self) -> str:
        said = f"{self.rule}: an equally good model passes {100 * self.share:.0f} times in 100"
        if self.share >= WANTED:
            return said
        return f"{said}; for {100 * WANTED:.0f}: a margin of {self.margin:.2g} in the metric, or a holdout {self.holdout:.1f} times as long"


def foresee(rules: Sequence[Rule], documents: Sequence[Mapping[str, Any]]) -> list[RulePower]:
    """The power of each rule with a margin whose metric past candidates were compared in; by the median of their standard errors.

    The usual size of a test for non-inferiority: margin = (z of the confidence + z of the power) x standard error, which falls with
    the root of the number of rows.
    """
    found = []
    for rule in rules:
        seen = [
            (error, margin, confidence)
            for document in documents
            for error, margin, confidence in _errors(rule, document)
        ]
        if rule.not_worse_than and seen:
            error, margin = (
                median(error for error, _, _ in seen),
                median(margin for _, margin, _ in seen),
            )
            sure = NormalDist().inv_cdf(seen[-1][2])
            needed = (sure + NormalDist().inv_cdf(WANTED)) * error
            found.append(
                RulePower(
                    str(rule),
                    NormalDist().cdf(margin / error - sure),
                    needed,
                    (needed / margin) ** 2,
                )
            )
    return found


def _errors(rule: Rule, document: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    """Of each part that a rule of this metric was judged on: the standard error of its difference, today's margin, the confidence."""
    return [
        ((each["spare"] - each["low"]) / NormalDist().inv_cdf(each["confidence"]), rule.margin.of(each["other"]), each["confidence"])
        for past in document["verdict"]["rules"]
        for each in [past["estimate"]]
        if past["metric"] == rule.metric and bool(rule.slice) == bool(each["part"]) and each["other"] is not None
        and each["low"] is not None and each["spare"] > each["low"]
    ]  # fmt: skip
