"""A rule on a part of the rows, with the samples of the versions that it is judged on.

Not here: the samples (sampling.py), the rule's estimate and bounds (estimation.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from configs.gate import Rule
from configs.model import ModelConfig
from tasks.comparison.contest import Baseline, Contest, Contestant
from tasks.comparison.parts import Part
from tasks.comparison.sampling import MetricSample, SampleKey, Samples
from tasks.model.resampling import Values, Weights
from tasks.model.units import combined
from tasks.records import Competitor, Role

# by how much a rule holds, from the metric of the candidate and of the other version
Spare = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Measured:
    """A rule on a part of the rows, with the samples that it is judged on."""

    contest: Contest
    rule: Rule
    part: Part
    # the role in the candidate's place, and the one that the rule compares with
    roles: tuple[Competitor, ...]
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
        spares = (self.spare(mine, other) for mine, other in pairs)
        # r2 is infinite where all rows of a resample have one target
        return combined([np.where(np.isfinite(spare), spare, np.nan) for spare in spares])

    @property
    def competitors(self) -> list[Contestant | Baseline]:
        return [self.contest.competitors[role] for role in self.roles]

    @property
    def compares_one_model(self) -> bool:
        """Whether the rule compares a model with itself: registered, or trained, twice.

        A second training of the same rows by the same configuration has other bytes.
        """
        first, *others = self.competitors
        if not others or not isinstance(first, Contestant) or not isinstance(others[0], Contestant):
            return False
        return first.is_same_model_as(others[0])

    @property
    def size(self) -> float:
        """The largest of the metrics and the limit: what differs by less than rounding is equal."""
        rule = self.rule
        limit = rule.at_least if rule.at_least is not None else rule.at_most
        return max(abs(self.candidate.value), abs(self.other_value or 0.0), abs(limit or 0.0))

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
    roles = (role, rule.against) if rule.against else (role,)
    candidate, *others = (samples[SampleKey(rule.metric, part.name, one)] for one in roles)
    return Measured(contest, rule, part, roles, candidate, others[0] if others else None)


def spare_of(config: ModelConfig, rule: Rule) -> Spare:
    """By how much a rule holds, better side up.

    A relative margin is a share of the other's metric; no ratio of metrics is ever formed.
    """
    if rule.at_least is not None:
        return lambda candidate, _: candidate - rule.at_least
    if rule.at_most is not None:
        return lambda candidate, _: rule.at_most - candidate
    sign = config.metric(rule.metric).sign
    toward = -1 if rule.better_than else 1
    margin = rule.margin
    return lambda candidate, other: sign * (candidate - other) + toward * margin.of(other)
