"""One estimate: by how much a rule holds for the candidate, with one-sided bounds.

Not here: which estimates are needed (comparison.py), the formulas of bounds (bounds.py, counts.py).
"""

import numpy as np
import pandas as pd

from configs.built_in_metrics import METRICS
from tasks.comparison import bounds
from tasks.comparison.bounds import Bounds, Levels
from tasks.comparison.contest import threshold_of
from tasks.comparison.counts import (
    cross_tabulate,
    is_counted,
    mover_bounds,
    variance_of_independent_rows,
)
from tasks.comparison.measured import Measured
from tasks.data.labels import labels, row_counts
from tasks.model.resampling import Values, Weights
from tasks.model.scores import decisions
from tasks.model.units import measure_without_each
from tasks.records import Estimate, NotEstimated


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
    if _is_regression(measured):
        return "has too few different values of the target"
    return "has rows of one class only"


def _is_regression(measured: Measured) -> bool:
    return measured.contest.config.kind == "regression"


def _bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    """The bounds by the method that suits the metric and its units."""
    value, candidate = measured.value, measured.candidate
    if measured.compares_one_model:
        return Bounds(value, value, "the same model")
    if not candidate.replicates:
        return Bounds(value, value, "the value itself: it cannot be resampled")
    counted = is_counted(measured.contest.config, measured.rule.metric)
    if counted and candidate.units.are_rows:
        return _counted_bounds_of(measured, levels)
    of_units = _unit_bounds_of(measured, levels)
    if counted and isinstance(of_units, Bounds) and of_units.degrees_of_freedom:
        return bounds.widest([_counted_bounds_of(measured, levels), of_units])
    return of_units


def _unit_bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    """The bounds from resamples of units, or, of few units, from leaving out each.

    Of two crossed kinds, one with few units, the wider of both: neither knows the other's share.
    """
    units = measured.candidate.units
    if units.count >= bounds.FEWEST_UNITS:
        return _bootstrap_bounds_of(measured, levels)
    of_fewest = _jackknife_bounds_of(measured, levels)
    if len(units.kinds) == 1 or isinstance(of_fewest, NotEstimated):
        return of_fewest
    of_both = _bootstrap_bounds_of(measured, levels)
    return of_both if isinstance(of_both, NotEstimated) else bounds.widest([of_fewest, of_both])


def _bootstrap_bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    replicates = measured.replicates
    if not bounds.are_defined(replicates):
        lacks = "different values of the target" if _is_regression(measured) else "rows of a class"
        return _not_estimated(measured, f"has too few {lacks} to be resampled")
    if bounds.never_varies(replicates, measured.size):
        return _unvaried_bounds_of(measured, levels)
    return bounds.bootstrap_bounds(
        measured.value, replicates, levels, _effective_sample_size(measured)
    )


def _counted_bounds_of(measured: Measured, levels: Levels) -> Bounds:
    """The metric as a function of how many rows were decided in which way."""
    contest, part, units = measured.contest, measured.part, measured.candidate.units
    metric = measured.rule.metric
    table = cross_tabulate(
        contest.config,
        metric,
        labels(contest.config, contest.rows[part.mask]),
        [
            decisions(contest.config, one.scores[part.mask], threshold_of(one, metric))
            for one in measured.competitors
        ],
    )

    def spare(numbers: Weights) -> Values:
        candidate, *others = (measure(numbers) for measure in table.measures)
        of_numbers: Values = measured.spare(candidate, others[0] if others else 0.0)
        return of_numbers

    if units.are_rows:
        return mover_bounds(spare, table.counts, levels)
    of_rows = variance_of_independent_rows(spare, table.counts)
    of_units = float(np.nanvar(measured.replicates))
    # where no decision varies, as if all rows of a unit were decided alike
    design_effect = max(of_units / of_rows, 1.0) if of_rows else units.size_biased_mean
    return mover_bounds(spare, table.counts, levels, design_effect, units.count - 1)


def _jackknife_bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    """Too few units to resample: each is left out once."""
    candidate = measured.candidate
    count = candidate.units.count
    if candidate.measure is None:
        return _not_estimated(measured, _few_units(count, bounds.FEWEST_UNITS))
    if count < bounds.FEWEST_UNITS_FOR_T:
        return _not_estimated(measured, _few_units(count, bounds.FEWEST_UNITS_FOR_T))
    with np.errstate(invalid="ignore", divide="ignore"):
        without_each = measure_without_each(
            candidate.units.fewest, np.arange(count), measured.measure
        )
    if not np.isfinite(without_each).all():
        return _not_estimated(
            measured, f"has {count} independent units, and no value without one of them"
        )
    if bounds.never_varies(without_each, measured.size):
        return _unvaried_bounds_of(measured, levels)
    return bounds.jackknife_bounds(measured.value, without_each, levels)


def _few_units(count: int, needed: int) -> str:
    return f"has {count} independent units but needs {needed}"


def _unvaried_bounds_of(measured: Measured, levels: Levels) -> Bounds | NotEstimated:
    """The value is the same without any unit: what units that are not among them might do."""
    if is_counted(measured.contest.config, measured.rule.metric):
        return _counted_bounds_of(measured, levels)
    metric = METRICS.get(measured.rule.metric)
    if metric is None or metric.range is None:
        return _not_estimated(measured, "gives the same value in every resample, so has no bound")
    return bounds.unvaried_bounds(
        measured.value, metric.range, _effective_sample_size(measured), levels
    )


def _effective_sample_size(measured: Measured) -> int:
    """The units that hold the rarest class, times the classes if there are more than two.

    They carry the information: of 2,000 rows with 10 positives there are 10. For numbers, and for a
    metric of the model's own, all units.
    """
    contest, units = measured.contest, measured.candidate.units
    if _is_regression(measured) or measured.candidate.measure is None:
        return units.count
    target = labels(contest.config, contest.rows[measured.part.mask])
    of_class = pd.Series(units.fewest).groupby(target.to_numpy()).nunique()
    classes = len(of_class) if contest.config.kind == "multiclass" else 1
    return int(of_class.min()) * classes


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
        upper_confidence=1 - levels.upper,
        method=found.method,
        degrees_of_freedom=found.degrees_of_freedom,
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
