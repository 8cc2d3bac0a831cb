"""Which rows train and which judge: by their time, by a hash of their key or group, by a column that says so.

By time, the holdout ends at `as_of`, the delay lies before it, the training window before that.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from configs.errors import ConfigError, DataRejected, UsageError
from configs.model import ModelConfig
from configs.split import ColumnSplit, HashSplit, TimeSplit
from tasks.data import sources
from tasks.data.hooks import Hooks, excluded
from tasks.data.labels import labels
from tasks.records import Window


@dataclass(frozen=True)
class Partitions:
    """The rows a model learns from, those it is judged on, and between them in time those on which a threshold is chosen.

    `left_out` counts the rows that are in none though they might be.
    """

    train: pd.DataFrame
    holdout: pd.DataFrame
    left_out: int
    delay: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __str__(self) -> str:
        return (
            f"{len(self.train):,} train, {len(self.holdout):,} holdout, {self.left_out:,} left out"
        )


def window(config: ModelConfig, as_of: datetime) -> Window:
    """The spans of a run whose labels are complete up to `as_of`; an instant with a zone is taken to UTC."""
    split = config.split
    assert isinstance(split, TimeSplit)
    end = as_of.astimezone(UTC).replace(tzinfo=None) if as_of.tzinfo else as_of
    holdout_start = end - timedelta(days=split.holdout_days)
    train_end = holdout_start - timedelta(days=split.delay_days)
    train_start = train_end - timedelta(days=split.train_days)
    return Window(
        train_start - timedelta(days=config.data.history_days),
        train_start,
        train_end,
        holdout_start,
        end,
    )


def settle_window(config: ModelConfig, as_of: datetime | None, root: Path) -> Window | None:
    """The window of a run that begins now, by default the newest; None for data that are not split by time."""
    if isinstance(config.split, TimeSplit):
        return window(config, as_of or sources.newest_as_of(config, root, config.split.delay_days))
    if as_of:
        raise UsageError(f"{config.name} is not split by time ({config.split}): it has no --as-of")
    return None


def split(
    config: ModelConfig,
    hooks: Hooks,
    rows: pd.DataFrame,
    span: Window | None,
    *,
    holdout: bool = True,
) -> Partitions:
    """The partitions of prepared rows; DataRejected where one cannot be learned from or judged on. Without `holdout` none of its rows is asked for."""
    if unmade := [column for column in config.data.drop_nulls if column not in rows]:
        raise ConfigError(
            f"data.drop_nulls: no column {', '.join(unmade)} is declared, and {config.data.prepare} makes none"
        )
    known = rows.dropna(subset=list(config.data.drop_nulls))
    match config.split:
        case TimeSplit():
            assert span is not None
            partitions = _by_time(config, hooks, known, span)
        case HashSplit() as by:
            partitions = _by_hash(config, known, by)
        case ColumnSplit() as by:
            partitions = _by_column(known, by)
    partitions = replace(partitions, left_out=partitions.left_out + len(rows) - len(known))
    learned = (
        f"training window {_days(span.train_start, span.train_end)}" if span else "training part"
    )
    _demand_variety(config, partitions.train, learned)
    if config.threshold and not partitions.delay.empty:
        _demand_variety(config, partitions.delay, "delay, on which the threshold is chosen,")
    if not holdout:
        return replace(partitions, holdout=partitions.holdout.head(0))
    _demand_variety(
        config,
        partitions.holdout,
        f"holdout {_days(span.holdout_start, span.holdout_end)}" if span else "holdout",
    )
    _demand_known_classes(config, partitions)
    return partitions


def drawn(values: "pd.Series[Any]", by: HashSplit) -> "pd.Series[bool]":
    """True for the values whose sha256, with the salt and their type, falls into the holdout's share; the same for ever."""

    def share(value: object) -> float:
        digest = hashlib.sha256(f"{by.salt}\0{values.dtype}\0{value}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64

    shares = {value: share(value) for value in values.unique()}
    return values.map(shares) < by.holdout


def _by_time(config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, span: Window) -> Partitions:
    times = rows[config.data.time]
    in_train = (times >= span.train_start) & (times < span.train_end)
    in_delay = (times >= span.train_end) & (times < span.holdout_start)
    in_holdout = (times >= span.holdout_start) & (times < span.holdout_end)
    considered = in_train | in_delay | in_holdout
    theirs = (
        rows.copy() if considered.all() else rows[considered]
    )  # a mask of all rows would share their memory with the hook
    out = excluded(config, hooks, theirs, span).reindex(rows.index, fill_value=False)
    return Partitions(
        rows[in_train],
        rows[in_holdout & ~out],
        int((in_holdout & out).sum()),
        rows[in_delay & ~out],
    )


def _by_hash(config: ModelConfig, rows: pd.DataFrame, by: HashSplit) -> Partitions:
    held_out = drawn(rows[by.group or config.data.key], by)
    return Partitions(rows[~held_out], rows[held_out], 0)


def _by_column(rows: pd.DataFrame, by: ColumnSplit) -> Partitions:
    train, judged = (rows[rows[by.column].isin(values)] for values in (by.train, by.holdout))
    for part, values, found in (("train", by.train, train), ("holdout", by.holdout, judged)):
        if absent := [str(value) for value in values if value not in set(found[by.column])]:
            there = ", ".join(map(str, rows[by.column].unique()[:10]))
            raise DataRejected(
                f"split.{part}: no row has {by.column} {', '.join(absent)}; there are {there}"
            )
    if by.group and (shared := set(train[by.group]) & set(judged[by.group])):
        both = int(judged[by.group].isin(shared).sum())
        raise DataRejected(
            f"{len(shared):,} values of {by.group} are in both parts, on {both:,} of {len(judged):,} holdout rows: "
            "a model would be judged on what it knows; split by hash with this group"
        )
    return Partitions(train, judged, len(rows) - len(train) - len(judged))


def _demand_variety(config: ModelConfig, rows: pd.DataFrame, part: str) -> None:
    """At least two rows that differ in their target."""
    found = labels(config, rows)
    if found.nunique() >= 2:
        return
    held = {
        "binary": f"{int((found == 1).sum()):,} positives of {config.data.target}: both classes are needed",
        "multiclass": f"{found.nunique()} class of {config.data.target}: at least two are needed",
        "regression": f"{found.nunique()} value of {config.data.target}: at least two are needed",
    }[config.kind]
    raise DataRejected(f"the {part} has {len(rows):,} rows with {held}; {_remedy(config)}")


def _demand_known_classes(config: ModelConfig, partitions: Partitions) -> None:
    if config.kind != "multiclass":
        return
    trained, judged = partitions.train[config.data.target], partitions.holdout[config.data.target]
    if strange := sorted(set(judged) - set(trained)):
        counts = ", ".join(f"{name} ({int((judged == name).sum()):,} rows)" for name in strange)
        raise DataRejected(
            f"the holdout has classes of {config.data.target} that no training row has: {counts}; {_remedy(config)}"
        )


def _remedy(config: ModelConfig) -> str:
    other = " or choose another --as-of" if isinstance(config.split, TimeSplit) else ""
    return f"change split in the YAML{other}"


def _days(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d} .. {end:%Y-%m-%d}"
