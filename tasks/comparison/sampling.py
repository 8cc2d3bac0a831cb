"""Every metric that is needed of every version, on all rows and on parts of them: its value, and its replicates on shared resamples.

On the same resamples, so that what is hard for both versions cancels out in their difference. Not here: drawing (bootstrap.py), one
metric of many resamples (tasks/model/resampling.py), what rules make of it (comparison.py).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.metrics import COST, sees_decisions
from configs.model import ModelConfig
from tasks.comparison import bootstrap
from tasks.comparison.bootstrap import Units
from tasks.comparison.contest import Contest, Contestant
from tasks.data.labels import labels
from tasks.model import resampling
from tasks.model.metrics import measure_built_in, measure_own
from tasks.model.resampling import Values, Weights
from tasks.records import Role


@dataclass(frozen=True)
class Part:
    """Some rows of the holdout: all, under no name, or those that have something in common."""

    name: str
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Series:
    """One metric of one version on one part: its value, and its replicates, one array for each kind of units that is drawn.

    `measure` answers for any weights of the part's rows; None, and no replicates, where a metric cannot be resampled.
    """

    value: float
    replicates: tuple[Values, ...]
    measure: Callable[[Weights], Values] | None
    units: Units


Table = dict[tuple[str, str, Role], Series]  # by metric, name of the part, version


def parts_of(config: ModelConfig, rows: pd.DataFrame, name: str | None) -> list[Part]:
    """The parts of a slice in the order of their names; of no slice: all rows as one."""
    if name is None:
        return [Part("", np.full(len(rows), True))]
    cut = [_cut(rows[column], edges) for column, edges in config.slices[name].items()]
    joined = cut[0]
    for other in cut[1:]:
        joined = joined + ", " + other
    return [
        Part(str(value), (joined == value).to_numpy(dtype=bool))
        for value in sorted(joined.dropna().unique())
    ]


def sample(contest: Contest, wanted: Sequence[tuple[str, Part]], alpha: float) -> Table:
    """The series of each metric on each part, of every version; at least as many replicates as a bound at level `alpha` needs."""
    config, rows = contest.config, contest.rows
    drawn_by = {metric.name: metric.units for metric in config.metrics}
    own = [(metric, part) for metric, part in wanted if metric in config.own_metrics]
    units = Units.of([rows[column] for column in config.comparison.units], len(rows))
    series: Table = {}
    built_in = dict(_points(contest, [each for each in wanted if each not in own], units))
    found: dict[tuple[str, str, Role], list[list[Values]]] = {key: [] for key in built_in}
    masks = {part.name: part.mask for _, part in wanted}
    for way, codes in enumerate(units.drawn):
        for key in found:
            found[key].append([])
        for weights in resampling.resamples(
            codes, bootstrap.replicates_for(alpha), _seed(contest) + way
        ):
            narrowed = {
                name: weights if mask.all() else weights.T[mask].T for name, mask in masks.items()
            }
            with np.errstate(
                invalid="ignore", divide="ignore"
            ):  # a resample without positives has no value
                for key, one in built_in.items():
                    if one.measure:
                        found[key][way].append(one.measure(narrowed[key[1]]))
    for key, one in built_in.items():
        replicates = tuple(np.concatenate(each) for each in found[key] if each)
        series[key] = Series(one.value, replicates, one.measure, one.units)
    for metric, part in own:
        series |= _sample_own(contest, metric, drawn_by[metric], part, alpha)
    role_of = {each.version.number: role for role, each in contest.distinct.items()}
    twins = {
        role: role_of[each.version.number]
        for role, each in contest.contestants.items()
        if role not in contest.distinct
    }
    series |= {
        (metric, part, role): series[metric, part, twin]
        for role, twin in twins.items()
        for metric, part, _ in {*series}
    }
    return series


def _points(
    contest: Contest, wanted: Sequence[tuple[str, Part]], units: Units
) -> Iterator[tuple[tuple[str, str, Role], Series]]:
    for role, each in contest.distinct.items():
        for metric, part in wanted:
            rows, scores = contest.rows[part.mask], each.scores[part.mask]
            measure = resampling.weighted(metric, contest.config, rows, scores, each.threshold)
            yield (
                (metric, part.name, role),
                Series(
                    _value(contest.config, metric, rows, each, part),
                    (),
                    measure,
                    units.among(part.mask),
                ),
            )


def _value(
    config: ModelConfig, metric: str, rows: pd.DataFrame, version: Contestant, part: Part
) -> float:
    if rows.empty or (
        # rows of one class show only one of the two errors that have a price
        (metric == COST or not sees_decisions(metric)) and labels(config, rows).nunique() < 2
    ):
        return np.nan
    return measure_built_in(metric, config, rows, version.scores[part.mask], version.threshold)


def _sample_own(contest: Contest, metric: str, by: str | None, part: Part, alpha: float) -> Table:
    """A hook, called again for each resample of its units; a unit that is drawn twice comes as two units, each with all its rows."""
    hooks, rows = contest.contestants["candidate"].hooks, contest.rows[part.mask]
    scores = {role: each.scores[part.mask] for role, each in contest.distinct.items()}
    values = {role: measure_own(metric, hooks, rows, each) for role, each in scores.items()}
    units = Units.of([rows[by]] if by else [], len(rows))
    if by is None:
        return {
            (metric, part.name, role): Series(value, (), None, units)
            for role, value in values.items()
        }
    found: dict[Role, list[float]] = {role: [] for role in scores}
    for again, labelled in _with_all_rows(units, bootstrap.replicates_for(alpha), _seed(contest)):
        frame = rows.iloc[again].reset_index(drop=True).assign(**{by: labelled})
        for role, each in scores.items():
            found[role].append(
                measure_own(metric, hooks, frame, each.iloc[again].reset_index(drop=True))
            )
    return {
        (metric, part.name, role): Series(values[role], (np.array(found[role]),), None, units)
        for role in scores
    }


def _with_all_rows(
    units: Units, replicates: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Of each resample of the units: the places of its rows, and a number of each row's unit, another for each time it was drawn."""
    (codes,) = units.ways
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    random = np.random.default_rng(seed)
    for _ in range(replicates):
        drawn = random.integers(len(sizes), size=len(sizes))
        labelled = np.repeat(np.arange(len(drawn)), sizes[drawn])
        within = np.arange(len(labelled)) - np.repeat(
            np.cumsum(sizes[drawn]) - sizes[drawn], sizes[drawn]
        )
        yield order[np.repeat(starts[drawn], sizes[drawn]) + within], labelled


def _seed(contest: Contest) -> int:
    """Made of the digests of what is compared: the same contest draws the same resamples."""
    digests = [each.version.sha256 for each in contest.contestants.values()]
    digests.append(contest.contestants["candidate"].version.params.get("holdout_sha256", ""))
    return int.from_bytes(hashlib.sha256("".join(digests).encode()).digest()[:6])


def _cut(column: "pd.Series[Any]", edges: Any) -> "pd.Series[str]":
    """The name of each row's part: the column's value, or the bin it lies in; its lower edge belongs to a bin."""
    if edges == "values":
        return f"{column.name} " + column.astype("str")
    inner = [float(edge) for edge in edges]
    names = [f"{column.name} below {inner[0]:g}"]
    names += [f"{column.name} {low:g} to {high:g}" for low, high in pairwise(inner)]
    names.append(f"{column.name} from {inner[-1]:g}")
    places = np.searchsorted(inner, column.to_numpy(dtype="float64"), side="right")
    return pd.Series(np.array(names)[places], index=column.index).where(column.notna())
