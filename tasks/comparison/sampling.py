"""Each metric of each version on each part of the rows: its value, and its bootstrap replicates.

All versions are measured on the same resamples, so that what is hard for both cancels out in their
difference.
Not here: drawing resamples and one metric of many (tasks/model/resampling.py), what rules make of
the replicates (estimation.py).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.built_in_metrics import needs, sees_decisions
from tasks.comparison.bounds import replicates_for
from tasks.comparison.contest import Baseline, Contest, Contestant, threshold_of
from tasks.comparison.parts import Part
from tasks.data.labels import labels
from tasks.model import resampling
from tasks.model.metrics import measure_built_in, measure_own
from tasks.model.resampling import Values, Weights
from tasks.model.units import Units
from tasks.records import Competitor


class Measurement(NamedTuple):
    """A metric to measure on a part of the rows."""

    metric: str
    part: Part


class SampleKey(NamedTuple):
    metric: str
    part: str
    role: Competitor


@dataclass(frozen=True)
class MetricSample:
    """One metric of one version on one part: its value and its replicates.

    There is an array of replicates, shape (replicates,), for each kind of units that is resampled.
    `measure` is the metric as a function of weights on the part's rows. A metric that cannot be
    resampled has no replicates; one that is a hook has no `measure`.
    """

    value: float
    replicates: tuple[Values, ...]
    measure: Callable[[Weights], Values] | None
    units: Units


Samples = Mapping[SampleKey, MetricSample]


def sample(contest: Contest, measurements: Sequence[Measurement], alpha: float) -> Samples:
    """The samples of all measurements for every version, with replicates for a bound at `alpha`."""
    own_metrics = contest.config.own_metrics
    built_in = [wanted for wanted in measurements if wanted.metric not in own_metrics]
    samples = _sample_built_in(contest, built_in, replicates_for(alpha))
    for wanted in measurements:
        if wanted.metric in own_metrics:
            samples |= _sample_hook(contest, wanted, replicates_for(alpha))
    return samples | _samples_of_twins(contest, samples)


def _sample_built_in(
    contest: Contest, measurements: Sequence[Measurement], replicates: int
) -> dict[SampleKey, MetricSample]:
    columns = [contest.rows[column] for column in contest.config.comparison.units]
    units = Units.of(columns, len(contest.rows))
    samples = dict(_measured(contest, measurements, units))
    parts = {wanted.part.name: wanted.part for wanted in measurements}
    for kind, codes in enumerate(units.resampled):
        blocks: dict[SampleKey, list[Values]] = {key: [] for key in samples}
        for weights in resampling.resamples(codes, replicates, _seed_of(contest) + kind):
            of_part = {name: _weights_on(part, weights) for name, part in parts.items()}
            # a resample without positives has no value
            with np.errstate(invalid="ignore", divide="ignore"):
                for key, one in samples.items():
                    if one.measure:
                        blocks[key].append(one.measure(of_part[key.part]))
        for key, values in blocks.items():
            if values:
                known = samples[key].replicates
                samples[key] = replace(samples[key], replicates=(*known, np.concatenate(values)))
    return samples


def _measured(
    contest: Contest, measurements: Sequence[Measurement], units: Units
) -> Iterator[tuple[SampleKey, MetricSample]]:
    """Each measurement of each version, without replicates."""
    for role, contestant in contest.distinct.items():
        for metric, part in measurements:
            rows, scores = contest.rows[part.mask], contestant.scores[part.mask]
            measure = resampling.weighted(
                metric, contest.config, rows, scores, threshold_of(contestant, metric)
            )
            value = _value_of(contest, metric, contestant, part)
            sample_of_part = MetricSample(value, (), measure, units.among(part.mask))
            yield SampleKey(metric, part.name, role), sample_of_part


def _value_of(
    contest: Contest, metric: str, contestant: Contestant | Baseline, part: Part
) -> float:
    """The metric's value on a part; NaN where the part has no rows, or too few classes for it."""
    config, rows = contest.config, contest.rows[part.mask]
    if rows.empty:
        return np.nan
    # prices and alert budgets weigh one class against the other; without positives there are none
    # to find, and a rule would hold, or not, without any evidence
    needs_both_classes = not sees_decisions(metric) or needs(metric) is not None
    needs_both_classes |= config.kind == "binary" and metric != "accuracy"
    if needs_both_classes and labels(config, rows).nunique() < 2:
        return np.nan
    scores = contestant.scores[part.mask]
    return measure_built_in(metric, config, rows, scores, threshold_of(contestant, metric))


def _weights_on(part: Part, weights: Weights) -> Weights:
    """The weights of a part's rows; the weights of one row lie together in memory."""
    return weights if part.mask.all() else weights.T[part.mask].T


def _sample_hook(
    contest: Contest, wanted: Measurement, replicates: int
) -> dict[SampleKey, MetricSample]:
    """A hook's metric, called again for each resample of its units.

    A unit that is drawn twice comes as two units, each with all its rows.
    """
    metric, part = wanted
    hooks, rows = contest.contestants["candidate"].hooks, contest.rows[part.mask]
    scores = {role: one.scores[part.mask] for role, one in contest.distinct.items()}
    values = {role: measure_own(metric, hooks, rows, scores[role]) for role in scores}
    unit_column = next(m.units for m in contest.config.metrics if m.name == metric)
    units = Units.of([rows[unit_column]] if unit_column else [], len(rows))
    drawn: dict[Competitor, list[float]] = {role: [] for role in scores}
    if unit_column:
        for resample in _resamples_with_all_rows(units, replicates, _seed_of(contest)):
            resampled = rows.iloc[resample.places].reset_index(drop=True)
            resampled = resampled.assign(**{unit_column: resample.units})
            for role in scores:
                resampled_scores = scores[role].iloc[resample.places].reset_index(drop=True)
                drawn[role].append(measure_own(metric, hooks, resampled, resampled_scores))
    return {
        SampleKey(metric, part.name, role): MetricSample(
            values[role], (np.array(drawn[role]),) if unit_column else (), None, units
        )
        for role in scores
    }


@dataclass(frozen=True)
class Resample:
    """The places of a resample's rows, and a new number of each row's unit."""

    places: NDArray[np.int64]
    units: NDArray[np.int64]


def _resamples_with_all_rows(units: Units, replicates: int, seed: int) -> Iterator[Resample]:
    """Resamples of units with all their rows, shape (rows of the resample,)."""
    (codes,) = units.kinds
    by_unit = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    random = np.random.default_rng(seed)
    for _ in range(replicates):
        drawn = random.integers(len(sizes), size=len(sizes))
        drawn_sizes = sizes[drawn]
        new_units = np.repeat(np.arange(len(drawn)), drawn_sizes)
        new_starts = np.cumsum(drawn_sizes) - drawn_sizes
        place_in_unit = np.arange(len(new_units)) - np.repeat(new_starts, drawn_sizes)
        yield Resample(by_unit[np.repeat(starts[drawn], drawn_sizes) + place_in_unit], new_units)


def _samples_of_twins(contest: Contest, samples: Samples) -> dict[SampleKey, MetricSample]:
    """The samples of roles whose version has another role too: a champion may be the reference."""
    return {
        SampleKey(metric, part, role): samples[SampleKey(metric, part, known_role)]
        for role, contestant in contest.contestants.items()
        for metric, part, known_role in samples
        if contest.first_roles[contestant.version.number] == known_role != role
    }


def _seed_of(contest: Contest) -> int:
    """Made of the digests of what is compared: the same contest draws the same resamples."""
    digests = [contestant.version.sha256 for contestant in contest.contestants.values()]
    digests.append(contest.contestants["candidate"].version.holdout_sha256)
    return int.from_bytes(hashlib.sha256("".join(digests).encode()).digest()[:6])
