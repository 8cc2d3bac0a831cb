"""One estimate: the candidate's metric, or its paired difference to another version, beyond what a rule asks, with its bounds.

Not here: which estimates are needed (comparison.py), the replicates (sampling.py), how they become bounds (bootstrap.py).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from configs.judging import Rule
from configs.metrics import sees_decisions
from configs.model import ModelConfig
from tasks.comparison import bootstrap
from tasks.comparison.contest import Contest
from tasks.comparison.sampling import Part, Series, Table
from tasks.data.labels import count_of
from tasks.model.resampling import Values, Weights
from tasks.model.scores import decisions
from tasks.records import Estimate

Quantity = Callable[
    [Any, Any], Any
]  # of a metric of the candidate and of the other version: by how much the rule is kept


def estimate(
    contest: Contest, table: Table, rule: Rule, part: Part, alphas: tuple[float, float]
) -> Estimate:
    """The estimate of a rule on a part, with its bounds at these levels (below, above), or with why it can have none."""
    candidate = table[rule.metric, part.name, "candidate"]
    other = table[rule.metric, part.name, rule.against] if rule.against else None
    counts = count_of(contest.config, contest.rows[part.mask])
    units = candidate.units.count
    bare = Estimate(
        part.name, counts["rows"], counts.get("positives"), units, confidence=1 - alphas[0]
    )
    if not np.isfinite(candidate.value) or (other and not np.isfinite(other.value)):
        return replace(
            bare, doubt="has rows of one class only" if counts["rows"] else "has no rows"
        )
    kept = quantity(contest.config, rule)
    spare = float(kept(candidate.value, other.value if other else 0.0))
    margin = abs(float(rule.margin[0] * (other.value if other and rule.margin[1] else 1)))
    found = replace(
        bare,
        candidate=candidate.value,
        other=other.value if other else None,
        margin=margin,
        spare=spare,
    )
    return _bounded(contest, found, rule, part, candidate, other, kept, alphas)


def quantity(config: ModelConfig, rule: Rule) -> Quantity:
    """By how much the rule is kept, better side up. A relative margin is a share of the other's metric, never a ratio of the two."""
    if rule.at_least is not None:
        return lambda candidate, _: candidate - rule.at_least
    if rule.at_most is not None:
        return lambda candidate, _: rule.at_most - candidate
    sign = next(metric.sign for metric in config.metrics if metric.name == rule.metric)
    by, relative = rule.margin
    toward = -1 if rule.better_than else 1
    return lambda candidate, other: (
        sign * (candidate - other) + toward * by * (np.abs(other) if relative else 1)
    )


def _bounded(
    contest: Contest, found: Estimate, rule: Rule, part: Part, candidate: Series, other: Series | None, kept: Quantity,
    alphas: tuple[float, float],
) -> Estimate:  # fmt: skip
    """The estimate with its bounds, or with why it can have none."""
    if not candidate.replicates:
        return replace(
            found,
            low=found.spare,
            high=found.spare,
            method="the value itself: it cannot be resampled",
        )
    if found.units < bootstrap.FEWEST_UNITS:
        return _over_units(found, candidate, other, kept, alphas)
    if (
        other
        and (discordant := _discordant(contest, rule, part, candidate)) is not None
        and len(discordant) < bootstrap.FEWEST_UNITS
    ):
        return _exactly(found, discordant, candidate, other, kept, alphas)
    drawn = replicates(candidate, other, kept)
    if np.mean(~np.isfinite(drawn)) > bootstrap.MOST_UNDEFINED:
        return replace(found, doubt="has too few rows of a class to be resampled")
    low, high, method = bootstrap.bounds(drawn, alphas, found.units)
    return replace(found, low=low, high=high, method=method)


def replicates(candidate: Series, other: Series | None, kept: Quantity) -> Values:
    """The quantity of each resample, with the spread that units which cross give it."""
    others = (
        other.replicates if other else tuple(np.zeros_like(each) for each in candidate.replicates)
    )
    return bootstrap.spread(
        [kept(mine, theirs) for mine, theirs in zip(candidate.replicates, others, strict=True)]
    )


def _over_units(
    found: Estimate,
    candidate: Series,
    other: Series | None,
    kept: Quantity,
    alphas: tuple[float, float],
) -> Estimate:
    """Too few units to resample: Student's t over the quantity of each unit by itself."""
    too_few = f"has {found.units} independent units, at least {bootstrap.FEWEST_UNITS} are needed to resample"
    if candidate.measure is None or found.units < bootstrap.FEWEST_FOR_T:
        return replace(found, doubt=too_few)
    rarest = min(candidate.units.ways, key=lambda codes: int(codes.max()))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = [
            bootstrap.one_by_one(rarest, series.measure, without=False)
            if series and series.measure
            else np.zeros(found.units)
            for series in (candidate, other)
        ]
    values = kept(*each)
    if not np.isfinite(values).all():
        return replace(found, doubt=f"{too_few}, and not each has both classes")
    low, high, method = bootstrap.t_bounds(values, alphas)
    return replace(found, low=low, high=high, method=method)


def _discordant(
    contest: Contest, rule: Rule, part: Part, candidate: Series
) -> "np.ndarray[Any, Any] | None":
    """The units on some of whose rows the two versions differ in what the metric sees; None where the metric cannot say."""
    if candidate.measure is None or rule.against is None:
        return None
    mine, theirs = (contest.contestants[role] for role in ("candidate", rule.against))
    if sees_decisions(rule.metric):
        one, two = (
            decisions(contest.config, each.scores, each.threshold).to_numpy()
            for each in (mine, theirs)
        )
    else:
        one, two = (np.asarray(each.scores) for each in (mine, theirs))
    differs = (one != two).reshape(len(one), -1).any(axis=1)[part.mask]
    return np.unique(min(candidate.units.ways, key=lambda codes: int(codes.max()))[differs])


def _exactly(
    found: Estimate,
    discordant: "np.ndarray[Any, Any]",
    candidate: Series,
    other: Series,
    kept: Quantity,
    alphas: tuple[float, float],
) -> Estimate:
    """Few units on which they differ: at most how often such units come, times the largest difference that one of them makes.

    Resamples would often hold none of them, and an interval have width nothing by accident.
    """
    if found.spare is None or not len(discordant):
        return replace(found, low=found.spare, high=found.spare, method="identical on every row")
    codes = min(candidate.units.ways, key=lambda each: int(each.max()))
    assert candidate.measure
    assert other.measure
    mine, theirs = candidate.measure, other.measure

    def quantity(weights: Weights) -> Values:
        difference: Values = kept(mine(weights), theirs(weights))
        return difference

    without = bootstrap.one_by_one(codes, quantity, without=True, which=discordant)
    largest = float(np.max(np.abs(found.units * (found.spare - without))))
    neutral = float(kept(other.value, other.value))  # what is spared where both are alike
    below, above = (
        bootstrap.exact_reach(len(discordant), found.units, alpha) * largest for alpha in alphas
    )
    method = f"exact: they differ on {len(discordant)} of {found.units:,} units"
    return replace(found, low=neutral - below, high=neutral + above, method=method)
