"""One estimate: by how much a rule holds for the candidate, with one-sided bounds.

Not here: which estimates are needed (comparison.py), the replicates (sampling.py), how they become
bounds (bounds.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from configs.built_in_metrics import sees_decisions
from configs.gate import Rule
from configs.model import ModelConfig
from tasks.comparison import bounds
from tasks.comparison.bounds import Bounds, Levels
from tasks.comparison.contest import Contest
from tasks.comparison.parts import Part
from tasks.comparison.sampling import MetricSample, SampleKey, Samples
from tasks.comparison.units import Codes, measure_without_each
from tasks.data.labels import row_counts
from tasks.model.resampling import Values, Weights
from tasks.model.scores import decisions
from tasks.records import Estimate, NotEstimated, Role

# by how much a rule holds, from the metric of the candidate and of the other version
Spare = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Measured:
    """A rule on a part of the rows, with the samples that it is judged on."""

    contest: Contest
    rule: Rule
    part: Part
    candidate: MetricSample
    other: MetricSample | None

    @property
    def spare(self) -> Spare:
        return spare_of(self.contest.config, self.rule)

    @property
    def other_value(self) -> float | None:
        """The metric that the rule compares with; None for an absolute rule."""
        return self.other.value if self.other else None

    @property
    def value(self) -> float:
        """By how much the rule holds on the rows themselves."""
        return float(self.spare(self.candidate.value, self.other_value or 0.0))

    @property
    def replicates(self) -> Values:
        """By how much the rule holds on each resample, shape (replicates,)."""
        others: tuple[Any, ...] = (0.0,) * len(self.candidate.replicates)
        if self.other:
            others = self.other.replicates
        pairs = zip(self.candidate.replicates, others, strict=True)
        return bounds.combined([self.spare(mine, other) for mine, other in pairs])

    @property
    def is_defined(self) -> bool:
        return bool(np.isfinite([self.candidate.value, self.other_value or 0.0]).all())

    def measure(self, weights: Weights) -> Values:
        """By how much the rule holds under weights, shape (replicates, rows of the part)."""
        assert self.candidate.measure
        other: Any = 0.0
        if self.other:
            assert self.other.measure
            other = self.other.measure(weights)
        spare: Values = self.spare(self.candidate.measure(weights), other)
        return spare


def measure_rule(
    contest: Contest, samples: Samples, rule: Rule, part: Part, role: Role = "candidate"
) -> Measured:
    """The rule on a part, for the version of this role in the place of the candidate."""
    candidate = samples[SampleKey(rule.metric, part.name, role)]
    other = None
    if rule.against:
        other = samples[SampleKey(rule.metric, part.name, rule.against)]
    return Measured(contest, rule, part, candidate, other)


def spare_of(config: ModelConfig, rule: Rule) -> Spare:
    """By how much a rule holds, better side up.

    A relative margin is a share of the other's metric; never is a ratio of two metrics taken.
    """
    if rule.at_least is not None:
        return lambda candidate, _: candidate - rule.at_least
    if rule.at_most is not None:
        return lambda candidate, _: rule.at_most - candidate
    sign = config.metric(rule.metric).sign
    toward = -1 if rule.better_than else 1
    margin = rule.margin
    return lambda candidate, other: sign * (candidate - other) + toward * margin.of(other)


def estimate(measured: Measured, levels: Levels) -> Estimate | NotEstimated:
    """The estimate of a rule on a part, with bounds at these levels, or why there is none."""
    if not measured.is_defined:
        return _not_estimated(measured, _why_undefined(measured))
    found = _bounds_of(measured, levels)
    if isinstance(found, NotEstimated):
        return found
    return _estimated(measured, found, levels)


def _why_undefined(measured: Measured) -> str:
    if not measured.part.mask.any():
        return "has no rows"
    if measured.contest.config.kind == "regression":
        return "has too few different values of the target"
    return "has rows of one class only"


def _bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    """The bounds by the method that suits these units."""
    candidate = measured.candidate
    if not candidate.replicates:
        value = measured.value
        return Bounds(value, value, "the value itself: it cannot be resampled")
    if candidate.units.count < bounds.FEWEST_UNITS:
        return _jackknife_bounds_of(measured, levels)
    discordant = _discordant_units(measured)
    if discordant is not None and len(discordant) < bounds.FEWEST_UNITS:
        return _exact_bounds_of(measured, discordant, levels)
    replicates = measured.replicates
    if np.mean(~np.isfinite(replicates)) > bounds.MOST_UNDEFINED:
        return _not_estimated(measured, "has too few rows of a class to be resampled")
    return bounds.bootstrap_bounds(replicates, levels, candidate.units.count)


def _jackknife_bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    """Too few units to resample: each is left out once."""
    candidate = measured.candidate
    count = candidate.units.count
    shortage = f"has {count} independent units, {bounds.FEWEST_UNITS} are needed for a bootstrap"
    if candidate.measure is None or count < bounds.FEWEST_UNITS_FOR_T:
        return _not_estimated(measured, shortage)
    with np.errstate(invalid="ignore", divide="ignore"):
        without_each = measure_without_each(
            candidate.units.rarest, np.arange(count), measured.measure
        )
    if not np.isfinite(without_each).all():
        return _not_estimated(measured, f"{shortage}, and one of them has all rows of a class")
    return bounds.jackknife_bounds(measured.value, without_each, levels)


def _exact_bounds_of(measured: Measured, discordant: Codes, levels: Levels) -> Bounds:
    """Few units on which the versions differ: an exact bound on how often such units occur."""
    value, units = measured.value, measured.candidate.units
    if not len(discordant) or measured.other is None:
        return Bounds(value, value, "identical on every row")
    without = measure_without_each(units.rarest, discordant, measured.measure)
    largest = float(np.max(np.abs(units.count * (value - without))))
    neutral = float(measured.spare(measured.other.value, measured.other.value))
    return bounds.discordance_bounds(len(discordant), units.count, largest, neutral, levels)


def _discordant_units(measured: Measured) -> Codes | None:
    """The units with rows on which the versions differ in what the metric sees.

    None for an absolute rule, and for a hook, of which nobody knows what it sees.
    """
    rule, contest = measured.rule, measured.contest
    if measured.candidate.measure is None or rule.against is None:
        return None
    competitors = (contest.competitors["candidate"], contest.competitors[rule.against])
    if sees_decisions(rule.metric):
        candidate, other = (
            decisions(contest.config, one.scores, one.threshold).to_numpy() for one in competitors
        )
    else:
        candidate, other = (np.asarray(one.scores) for one in competitors)
    differs = (candidate != other).reshape(len(candidate), -1).any(axis=1)
    return np.unique(measured.candidate.units.rarest[differs[measured.part.mask]])


def _estimated(measured: Measured, found: Bounds, levels: Levels) -> Estimate:
    counts = row_counts(measured.contest.config, measured.contest.rows[measured.part.mask])
    other = measured.other_value
    return Estimate(
        part=measured.part.name,
        rows=counts.rows,
        positives=counts.positives,
        units=measured.candidate.units.count,
        candidate=measured.candidate.value,
        other=other,
        greater_is_better=measured.contest.config.metric(measured.rule.metric).sign > 0,
        margin=0.0 if other is None else measured.rule.margin.of(other),
        spare=measured.value,
        low=found.low,
        high=found.high,
        confidence=1 - levels.lower,
        method=found.method,
    )


def _not_estimated(measured: Measured, reason: str) -> NotEstimated:
    counts = row_counts(measured.contest.config, measured.contest.rows[measured.part.mask])
    return NotEstimated(
        reason=reason,
        part=measured.part.name,
        rows=counts.rows,
        positives=counts.positives,
        units=measured.candidate.units.count,
        candidate=_finite_or_none(measured.candidate.value),
        other=_finite_or_none(measured.other_value),
    )


def _finite_or_none(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
