"""What each rule of the gate is judged on: the candidate's metric or its paired difference to another version, with bounds; and its power.

Not here: the metrics and their replicates (sampling.py), how replicates become bounds (bootstrap.py), what estimates decide (gate.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from configs.judging import Against, Rule
from configs.schema import ModelConfig
from tasks.data.labels import count_of
from tasks.errors import HookFailed
from tasks.model.metrics import ON_DECISIONS, main_metric
from tasks.model.resampling import Values, Weights
from tasks.model.scores import decisions
from tasks.records import Estimate
from tasks.verdict import bootstrap, sampling
from tasks.verdict.contest import Contest
from tasks.verdict.sampling import Part, Series, Table

OTHERS: tuple[Against, ...] = ("champion", "reference")

Quantity = Callable[[Any, Any], Any]  # of a metric of the candidate and of the other version: by how much the rule is kept


@dataclass(frozen=True)
class Compared:
    """A contest, measured: what each rule is judged on; the difference to the champion in the first metric, on all rows and on each
    declared part; how often an equal model would pass."""

    estimates: tuple[tuple[Rule, tuple[Estimate, ...]], ...] = ()
    better: Estimate | None = None
    better_than_reference: Estimate | None = None
    slices: tuple[Estimate, ...] = ()
    power: float | None = None
    problem: str = ""

    @property
    def surely_better(self) -> bool:
        """Than the champion, in the first metric; where there is no champion too."""
        return self.better is None or (self.better.low is not None and self.better.low > 0)


def compare(contest: Contest, alphas: tuple[float, float]) -> Compared:
    """Every rule that applies, with bounds at these levels (below, above); rules against a version that there is not are left out."""
    config = contest.config
    rules = [rule for rule in config.gate if rule.against is None or rule.against in contest.contestants]
    asked = [(rule, part) for rule in rules for part in sampling.parts_of(config, contest.rows, rule.slice)]
    main = main_metric(config)
    shown = [part for name in config.slices for part in sampling.parts_of(config, contest.rows, name)] if main else []
    (whole,) = sampling.parts_of(config, contest.rows, None)
    everything = [(rule.metric, part) for rule, part in asked] + [(main, part) for part in (whole, *shown) if main]
    wanted = list({(metric, part.name): (metric, part) for metric, part in everything}.values())
    try:
        table = sampling.sample(contest, wanted, min(alphas))
    except HookFailed as error:
        return Compared(problem=str(error))
    judged = [(rule, part, _estimate(contest, table, rule, part, alphas)) for rule, part in asked]
    estimates = tuple((rule, tuple(estimate for other, _, estimate in judged if other is rule)) for rule in rules)
    beside: dict[str, Estimate] = {
        role: _estimate(contest, table, Rule(metric=main, better_than=role), whole, alphas)
        for role in OTHERS
        if main and role in contest.contestants
    }
    slices, power = _slices(contest, table, main, shown, alphas[0]), _power(contest, table, judged)
    return Compared(estimates, beside.get("champion"), beside.get("reference"), slices, power)


def _estimate(contest: Contest, table: Table, rule: Rule, part: Part, alphas: tuple[float, float]) -> Estimate:
    candidate = table[rule.metric, part.name, "candidate"]
    other = table[rule.metric, part.name, rule.against] if rule.against else None
    counts = count_of(contest.config, contest.rows[part.mask])
    units = candidate.units.count
    bare = Estimate(part.name, counts["rows"], counts.get("positives"), units, confidence=1 - alphas[0])
    if not np.isfinite(candidate.value) or (other and not np.isfinite(other.value)):
        return replace(bare, doubt="has rows of one class only" if counts["rows"] else "has no rows")
    kept = _quantity(contest.config, rule)
    spare = float(kept(candidate.value, other.value if other else 0.0))
    margin = abs(float(rule.margin[0] * (other.value if other and rule.margin[1] else 1)))
    found = replace(bare, candidate=candidate.value, other=other.value if other else None, margin=margin, spare=spare)
    return _bounded(contest, found, rule, part, candidate, other, kept, alphas)


def _quantity(config: ModelConfig, rule: Rule) -> Quantity:
    """By how much the rule is kept, better side up. A relative margin is a share of the other's metric, never a ratio of the two."""
    if rule.at_least is not None:
        return lambda candidate, _: candidate - rule.at_least
    if rule.at_most is not None:
        return lambda candidate, _: rule.at_most - candidate
    sign = next(metric.sign for metric in config.metrics if metric.name == rule.metric)
    by, relative = rule.margin
    toward = -1 if rule.better_than else 1
    return lambda candidate, other: sign * (candidate - other) + toward * by * (np.abs(other) if relative else 1)


def _bounded(
    contest: Contest, found: Estimate, rule: Rule, part: Part, candidate: Series, other: Series | None, kept: Quantity,
    alphas: tuple[float, float],
) -> Estimate:  # fmt: skip
    """The estimate with its bounds, or with why it can have none."""
    if not candidate.replicates:
        return replace(found, low=found.spare, high=found.spare, method="the value itself: it cannot be resampled")
    if found.units < bootstrap.FEWEST_UNITS:
        return _over_units(found, candidate, other, kept, alphas)
    if (
        other
        and (discordant := _discordant(contest, rule, part, candidate)) is not None
        and len(discordant) < bootstrap.FEWEST_UNITS
    ):
        return _exactly(found, discordant, candidate, other, kept, alphas)
    replicates = _replicates(candidate, other, kept)
    if np.mean(~np.isfinite(replicates)) > bootstrap.MOST_UNDEFINED:
        return replace(found, doubt="has too few rows of a class to be resampled")
    low, high, method = bootstrap.bounds(replicates, alphas, found.units)
    return replace(found, low=low, high=high, method=method)


def _replicates(candidate: Series, other: Series | None, kept: Quantity) -> Values:
    others = other.replicates if other else tuple(np.zeros_like(each) for each in candidate.replicates)
    return bootstrap.spread([kept(mine, theirs) for mine, theirs in zip(candidate.replicates, others, strict=True)])


def _over_units(found: Estimate, candidate: Series, other: Series | None, kept: Quantity, alphas: tuple[float, float]) -> Estimate:
    """Too few units to resample: Student's t over the quantity of each unit by itself."""
    too_few = f"has {found.units} independent units, at least {bootstrap.FEWEST_UNITS} are needed to resample"
    if candidate.measure is None or found.units < bootstrap.FEWEST_FOR_T:
        return replace(found, doubt=too_few)
    rarest = min(candidate.units.ways, key=lambda codes: int(codes.max()))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = [
            bootstrap.one_by_one(rarest, series.measure, without=False) if series and series.measure else np.zeros(found.units)
            for series in (candidate, other)
        ]
    values = kept(*each)
    if not np.isfinite(values).all():
        return replace(found, doubt=f"{too_few}, and not each has both classes")
    low, high, method = bootstrap.t_bounds(values, alphas)
    return replace(found, low=low, high=high, method=method)


def _discordant(contest: Contest, rule: Rule, part: Part, candidate: Series) -> "np.ndarray[Any, Any] | None":
    """The units on some of whose rows the two versions differ in what the metric sees; None where the metric cannot say."""
    if candidate.measure is None or rule.against is None:
        return None
    mine, theirs = (contest.contestants[role] for role in ("candidate", rule.against))
    if rule.metric in ON_DECISIONS[contest.config.kind] or rule.metric == "cost":
        one, two = (decisions(contest.config, each.scores, each.threshold).to_numpy() for each in (mine, theirs))
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
    below, above = (bootstrap.exact_reach(len(discordant), found.units, alpha) * largest for alpha in alphas)
    method = f"exact: they differ on {len(discordant)} of {found.units:,} units"
    return replace(found, low=neutral - below, high=neutral + above, method=method)


def _slices(contest: Contest, table: Table, main: str | None, parts: Sequence[Part], alpha: float) -> tuple[Estimate, ...]:
    """The main metric's difference to the champion on each declared part, with bounds that hold for all parts at once.

    max-T: the quantile, over replicates, of the largest standardised deviation of any part (Westfall and Young, 1993).
    """
    if main is None or "champion" not in contest.contestants:
        return ()
    better = _quantity(contest.config, Rule(metric=main, better_than="champion"))
    rows: list[Estimate] = []
    deviations: list[Values] = []
    for part in parts:
        mine, theirs = table[main, part.name, "candidate"], table[main, part.name, "champion"]
        counts = count_of(contest.config, contest.rows[part.mask])
        row = Estimate(part.name, counts["rows"], counts.get("positives"), mine.units.count, confidence=1 - alpha)
        if np.isfinite(mine.value) and np.isfinite(theirs.value) and mine.replicates and row.units >= bootstrap.FEWEST_UNITS:
            row = replace(row, candidate=mine.value, other=theirs.value, spare=float(better(mine.value, theirs.value)))
            deviations.append(_replicates(mine, theirs, better))
        rows.append(row)
    errors = [float(np.nanstd(each)) for each in deviations]
    if not errors:
        return tuple(rows)
    furthest = np.nanmax(
        [np.abs(each - np.nanmean(each)) / (error or 1) for each, error in zip(deviations, errors, strict=True)], axis=0
    )
    reach, errors_left = float(np.quantile(furthest, 1 - alpha)), iter(errors)
    return tuple(
        row
        if row.spare is None
        else replace(row, low=row.spare - (far := reach * next(errors_left)), high=row.spare + far, method="max-T")
        for row in rows
    )


def _power(contest: Contest, table: Table, judged: Sequence[tuple[Rule, Part, Estimate]]) -> float | None:
    """How often a model as good as the champion, differing from it as much as this one does, would pass all rules.

    Replicates recentred at what the champion itself would be estimated at, all rules on the same resamples; the distance of a bound
    from its estimate is taken as it is here. None without a champion, and where a rule has no estimate.
    """
    if "champion" not in contest.contestants or any(estimate.spare is None or estimate.low is None for _, _, estimate in judged):
        return None
    passes = np.array(True)
    for rule, part, estimate in judged:
        candidate = table[rule.metric, part.name, "candidate"]
        other = table[rule.metric, part.name, rule.against] if rule.against else None
        kept = _quantity(contest.config, rule)
        champion = table[rule.metric, part.name, "champion"].value
        centre = float(kept(champion, other.value if other else 0.0))
        assert estimate.spare is not None
        assert estimate.low is not None
        moved = _replicates(candidate, other, kept) if candidate.replicates else np.zeros(1)
        estimated = centre + moved - np.nanmean(moved) - (estimate.spare - estimate.low)
        length = min(len(estimated), passes.size) if min(len(estimated), passes.size) > 1 else None
        passes = np.atleast_1d(passes)[:length] & (np.nan_to_num(estimated, nan=-np.inf)[:length] > 0)
    return float(np.mean(passes))
