"""A contest, measured: what each rule of the gate is judged on, the difference to the champion on parts of the rows, and the gate's power.

Not here: one estimate and its bounds (estimation.py), the metrics and their replicates (sampling.py), what estimates decide (gate.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from configs.errors import HookFailed
from configs.judging import Against, Rule
from tasks.comparison import bootstrap, sampling
from tasks.comparison.contest import Contest
from tasks.comparison.estimation import estimate, quantity, replicates
from tasks.comparison.sampling import Part, Table
from tasks.data.labels import count_of
from tasks.model.resampling import Values
from tasks.records import Estimate

OTHERS: tuple[Against, ...] = ("champion", "reference")


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
    rules = [
        rule for rule in config.gate if rule.against is None or rule.against in contest.contestants
    ]
    asked = [
        (rule, part)
        for rule in rules
        for part in sampling.parts_of(config, contest.rows, rule.slice)
    ]
    main = config.main_metric
    shown = (
        [part for name in config.slices for part in sampling.parts_of(config, contest.rows, name)]
        if main
        else []
    )
    (whole,) = sampling.parts_of(config, contest.rows, None)
    everything = [(rule.metric, part) for rule, part in asked] + [
        (main, part) for part in (whole, *shown) if main
    ]
    wanted = list({(metric, part.name): (metric, part) for metric, part in everything}.values())
    try:
        table = sampling.sample(contest, wanted, min(alphas))
    except HookFailed as error:
        return Compared(problem=str(error))
    judged = [(rule, part, estimate(contest, table, rule, part, alphas)) for rule, part in asked]
    estimates = tuple(
        (rule, tuple(found for other, _, found in judged if other is rule)) for rule in rules
    )
    beside: dict[str, Estimate] = {
        role: estimate(contest, table, Rule(metric=main, better_than=role), whole, alphas)
        for role in OTHERS
        if main and role in contest.contestants
    }
    slices, power = _slices(contest, table, main, shown, alphas[0]), _power(contest, table, judged)
    return Compared(estimates, beside.get("champion"), beside.get("reference"), slices, power)


def _slices(
    contest: Contest, table: Table, main: str | None, parts: Sequence[Part], alpha: float
) -> tuple[Estimate, ...]:
    """The main metric's difference to the champion on each declared part, with bounds that hold for all parts at once.

    max-T: the quantile, over replicates, of the largest standardised deviation of any part (Westfall and Young, 1993).
    """
    if main is None or "champion" not in contest.contestants:
        return ()
    better = quantity(contest.config, Rule(metric=main, better_than="champion"))
    rows: list[Estimate] = []
    deviations: list[Values] = []
    for part in parts:
        mine, theirs = table[main, part.name, "candidate"], table[main, part.name, "champion"]
        counts = count_of(contest.config, contest.rows[part.mask])
        row = Estimate(
            part.name,
            counts["rows"],
            counts.get("positives"),
            mine.units.count,
            confidence=1 - alpha,
        )
        if (
            np.isfinite(mine.value)
            and np.isfinite(theirs.value)
            and mine.replicates
            and row.units >= bootstrap.FEWEST_UNITS
        ):
            row = replace(
                row,
                candidate=mine.value,
                other=theirs.value,
                spare=float(better(mine.value, theirs.value)),
            )
            deviations.append(replicates(mine, theirs, better))
        rows.append(row)
    errors = [float(np.nanstd(each)) for each in deviations]
    if not errors:
        return tuple(rows)
    furthest = np.nanmax(
        [
            np.abs(each - np.nanmean(each)) / (error or 1)
            for each, error in zip(deviations, errors, strict=True)
        ],
        axis=0,
    )
    reach, errors_left = float(np.quantile(furthest, 1 - alpha)), iter(errors)
    return tuple(
        row
        if row.spare is None
        else replace(
            row,
            low=row.spare - (far := reach * next(errors_left)),
            high=row.spare + far,
            method="max-T",
        )
        for row in rows
    )


def _power(
    contest: Contest, table: Table, judged: Sequence[tuple[Rule, Part, Estimate]]
) -> float | None:
    """How often a model as good as the champion, differing from it as much as this one does, would pass all rules.

    Replicates recentred at what the champion itself would be estimated at, all rules on the same resamples; the distance of a bound
    from its estimate is taken as it is here. None without a champion, and where a rule has no estimate.
    """
    if "champion" not in contest.contestants:
        return None
    passes = np.array(True)
    for rule, part, found in judged:
        if found.spare is None or found.low is None:
            return None
        candidate = table[rule.metric, part.name, "candidate"]
        other = table[rule.metric, part.name, rule.against] if rule.against else None
        kept = quantity(contest.config, rule)
        centre = float(
            kept(table[rule.metric, part.name, "champion"].value, other.value if other else 0.0)
        )
        moved = replicates(candidate, other, kept) if candidate.replicates else np.zeros(1)
        estimated = centre + moved - np.nanmean(moved) - (found.spare - found.low)
        length = min(len(estimated), passes.size) if min(len(estimated), passes.size) > 1 else None
        passes = np.atleast_1d(passes)[:length] & (
            np.nan_to_num(estimated, nan=-np.inf)[:length] > 0
        )
    return float(np.mean(passes))
