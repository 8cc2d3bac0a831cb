"""The power of a gate, estimated from past comparisons: how many equally good models would pass.

Pure. Not here: the power of one candidate's gate, from its own resamples
(tasks/comparison/power.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from configs.gate import Rule
from tasks.records import Estimate
from tasks.verdict.evidence import Evidence

# the share of equally good models that a gate should let through
TARGET = 0.8


@dataclass(frozen=True)
class RulePower:
    """The power of one rule with a margin, and what it would take to reach TARGET."""

    rule: str
    # the share of equally good models that pass
    share: float
    # the margin, in units of the metric, or how many times as many rows
    margin: float
    holdout: float

    def __str__(self) -> str:
        power = f"{self.rule}: power {self.share:.0%}, the share of equally good models that pass"
        if self.share >= TARGET:
            return power
        return (
            f"{power}; {TARGET:.0%} need a margin of {self.margin:.2g}, "
            f"or a holdout {self.holdout:.1f} times as long"
        )


@dataclass(frozen=True)
class PastComparison:
    """What a past candidate says of a rule: the standard error, today's margin, the confidence."""

    standard_error: float
    margin: float
    confidence: float


def from_past(rules: Sequence[Rule], past: Sequence[Evidence]) -> list[RulePower]:
    """The power of each rule with a margin whose metric past candidates were compared in.

    The usual sample size of a non-inferiority test: margin = (z of the confidence + z of the power)
    x standard error, which falls with the square root of the number of rows.
    """
    powers = []
    for rule in rules:
        comparisons = list(_comparisons(rule, past))
        if rule.not_worse_than and comparisons:
            powers.append(_power(rule, comparisons))
    return powers


def _power(rule: Rule, comparisons: Sequence[PastComparison]) -> RulePower:
    """The power at the median standard error and the median margin."""
    normal = NormalDist()
    error = median(comparison.standard_error for comparison in comparisons)
    margin = median(comparison.margin for comparison in comparisons)
    z_confidence = normal.inv_cdf(comparisons[-1].confidence)
    needed = (z_confidence + normal.inv_cdf(TARGET)) * error
    share = normal.cdf(margin / error - z_confidence)
    return RulePower(str(rule), share, needed, (needed / margin) ** 2)


def _comparisons(rule: Rule, past: Sequence[Evidence]) -> Iterator[PastComparison]:
    """Past differences in the rule's metric, on all rows or on the parts of some slice alike."""
    for evidence in past:
        for verdict in evidence.verdict.rules:
            estimate = verdict.estimate
            if verdict.rule.metric != rule.metric or not isinstance(estimate, Estimate):
                continue
            if estimate.other is None or bool(rule.slice) != bool(estimate.part):
                continue
            distance = estimate.spare - estimate.low
            z = NormalDist().inv_cdf(estimate.confidence)
            # at a confidence of 0.5 the bound says nothing of the standard error
            if distance > 0 and z > 0:
                margin = rule.margin.of(estimate.other)
                yield PastComparison(distance / z, margin, estimate.confidence)
