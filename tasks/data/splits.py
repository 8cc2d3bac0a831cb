"""Which rows train and which judge: by their time, by a hash of their key or group, by a column.

By time, the holdout ends at `as_of`, the delay is before it, and the training window before that.
Not here: what a partition needs to be of use (requirements.py).
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from configs.errors import ConfigError, UsageError
from configs.model import ModelConfig
from configs.split import ColumnSplit, HashSplit, TimeSplit
from tasks.data import sources
from tasks.data.hooks import Hooks, exclusion_mask
from tasks.data.period import days_before
from tasks.data.requirements import (
    require_disjoint_groups,
    require_known_classes,
    require_values,
    require_variety,
)
from tasks.records import Window


@dataclass(frozen=True)
class Partitions:
    """The rows a model learns from, the rows it is judged on, and the delay between them in time.

    A threshold is chosen on the delay, which is empty for data not split by time. `left_out`
    counts rows of no partition that would be in one but for a null, a hook or their value of the
    split's column.
    """

    train: pd.DataFrame
    holdout: pd.DataFrame
    left_out: int
    delay: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __str__(self) -> str:
        return (
            f"{len(self.train):,} train, {len(self.holdout):,} holdout, {self.left_out:,} left out"
        )


def window_until(config: ModelConfig, as_of: datetime) -> Window:
    """The window of a run whose labels are complete up to `as_of`; a zone is converted to UTC."""
    split = config.split
    assert isinstance(split, TimeSplit)
    holdout_end = as_of.astimezone(UTC).replace(tzinfo=None) if as_of.tzinfo else as_of
    holdout_start = days_before(holdout_end, split.holdout_days)
    train_end = days_before(holdout_start, split.delay_days)
    train_start = days_before(train_end, split.train_days)
    history_start = days_before(train_start, config.data.history_days)
    return Window(history_start, train_start, train_end, holdout_start, holdout_end)


def settle_window(config: ModelConfig, as_of: datetime | None, root: Path) -> Window | None:
    """The window of a run that begins now, by default the newest; None unless split by time."""
    if isinstance(config.split, TimeSplit):
        return window_until(
            config, as_of or sources.newest_as_of(config, root, config.split.delay_days)
        )
    if as_of:
        raise UsageError(
            f"{config.name} is not split by time ({config.split}); start it without --as-of"
        )
    return None


def split(
    config: ModelConfig,
    hooks: Hooks,
    rows: pd.DataFrame,
    window: Window | None,
    *,
    holdout: bool = True,
) -> Partitions:
    """The partitions of prepared rows; without `holdout`, that one is empty.

    Raise DataRejected where a model cannot learn from one of them or be judged on it.
    """
    complete_rows = _without_nulls(config, rows)
    partitions = _divide(config, hooks, complete_rows, window)
    with_nulls = len(rows) - len(complete_rows)
    partitions = replace(partitions, left_out=partitions.left_out + with_nulls)
    _require_learnable(config, partitions, window)
    if not holdout:
        return replace(partitions, holdout=partitions.holdout.head(0))
    _require_judgeable(config, partitions, window)
    return partitions


def holdout_mask(
    config: ModelConfig, rows: pd.DataFrame, window: Window | None
) -> "pd.Series[bool]":
    """True for each row of the holdout, before any is left out."""
    match config.split:
        case TimeSplit():
            assert window is not None
            times = rows[config.data.time]
            return (times >= window.holdout_start) & (times < window.holdout_end)
        case HashSplit() as by:
            return drawn(rows[by.group or config.data.key], by)
        case ColumnSplit() as by:
            return rows[by.column].isin(by.holdout)


def drawn(values: "pd.Series[Any]", by: HashSplit) -> "pd.Series[bool]":
    """True for each value that is held out, the same for ever.

    The first 8 bytes of sha256(salt, type, value) as a share of 2**64 are below `holdout`.
    """
    # a null elsewhere in the column makes an int64 an Int64, and must not change the draw
    dtype = str(values.dtype).lower()

    def share(value: object) -> float:
        digest = hashlib.sha256(f"{by.salt}\0{dtype}\0{value}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64

    shares = {value: share(value) for value in values.unique()}
    return values.map(shares) < by.holdout


def _without_nulls(config: ModelConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a value in each column of `data.drop_nulls`."""
    columns = list(config.data.drop_nulls)
    missing = [column for column in columns if column not in rows]
    if missing:
        raise ConfigError(
            f"data.drop_nulls: column {', '.join(missing)} is neither declared nor made by "
            f"{config.data.prepare}; declare it, or take it out of data.drop_nulls"
        )
    return rows.dropna(subset=columns)


def _divide(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, window: Window | None
) -> Partitions:
    match config.split:
        case TimeSplit():
            assert window is not None
            return _split_by_time(config, hooks, rows, window)
        case HashSplit():
            held_out = holdout_mask(config, rows, window)
            return Partitions(train=rows[~held_out], holdout=rows[held_out], left_out=0)
        case ColumnSplit() as by:
            return _split_by_column(rows, by)


def _split_by_time(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, window: Window
) -> Partitions:
    times = rows[config.data.time]
    in_train = (times >= window.train_start) & (times < window.train_end)
    in_delay = (times >= window.train_end) & (times < window.holdout_start)
    in_holdout = holdout_mask(config, rows, window)
    considered = in_train | in_delay | in_holdout
    # a mask of all rows would share their memory with the hook, which may change what it is given
    hook_rows = rows.copy() if considered.all() else rows[considered]
    excluded = exclusion_mask(config, hooks, hook_rows, window)
    excluded = excluded.reindex(rows.index, fill_value=False)
    if group := config.split.group:
        excluded |= rows[group].isin(rows.loc[in_train, group])
    return Partitions(
        train=rows[in_train],
        holdout=rows[in_holdout & ~excluded],
        left_out=int((in_holdout & excluded).sum()),
        delay=rows[in_delay & ~excluded],
    )


def _split_by_column(rows: pd.DataFrame, by: ColumnSplit) -> Partitions:
    column = rows[by.column]
    require_values(column, "split.train", by.train)
    require_values(column, "split.holdout", by.holdout)
    train, holdout = rows[column.isin(by.train)], rows[column.isin(by.holdout)]
    if by.group:
        require_disjoint_groups(train[by.group], holdout[by.group])
    return Partitions(train, holdout, left_out=len(rows) - len(train) - len(holdout))


def _require_learnable(config: ModelConfig, partitions: Partitions, window: Window | None) -> None:
    """Require two classes or values to train on, and to choose a threshold on if there is one."""
    name = "training partition"
    if window:
        name = f"training window {_days_between(window.train_start, window.train_end)}"
    require_variety(config, partitions.train, name)
    if config.threshold and not partitions.delay.empty:
        require_variety(config, partitions.delay, "delay, on which the threshold is chosen,")


def _require_judgeable(config: ModelConfig, partitions: Partitions, window: Window | None) -> None:
    """Require two classes or values in the holdout, and no class that training has not seen."""
    name = "holdout"
    if window:
        name = f"holdout {_days_between(window.holdout_start, window.holdout_end)}"
    require_variety(config, partitions.holdout, name)
    require_known_classes(config, partitions.train, partitions.holdout)


def _days_between(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d} .. {end:%Y-%m-%d}"
