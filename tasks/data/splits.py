"""Which rows train and which judge.

By time: the holdout ends at `as_of`, the delay lies before it, the training window before that.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from configs.schema import ModelConfig
from tasks.data.hooks import Hooks, excluded
from tasks.errors import DataRejected
from tasks.records import Window


@dataclass(frozen=True)
class Parts:
    """The rows a model learns from and those it is judged on; `left_out` counts holdout rows that `exclude` took away."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    left_out: int

    def __str__(self) -> str:
        return f"{len(self.train):,} train, {len(self.holdout):,} holdout, {self.left_out:,} left out"


def window(config: ModelConfig, as_of: datetime) -> Window:
    """The spans of a run whose labels are complete up to `as_of`; an instant with a zone is taken to UTC."""
    end = as_of.astimezone(UTC).replace(tzinfo=None) if as_of.tzinfo else as_of
    holdout_start = end - timedelta(days=config.split.holdout_days)
    train_end = holdout_start - timedelta(days=config.split.delay_days)
    train_start = train_end - timedelta(days=config.split.train_days)
    return Window(train_start - timedelta(days=config.data.history_days), train_start, train_end, holdout_start, end)


def split(config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, span: Window, *, holdout: bool = True) -> Parts:
    """The parts of prepared rows; DataRejected where one of them lacks a class. Without `holdout` none of its rows is asked for."""
    times = rows[config.data.time]
    considered = rows[(times >= span.train_start) & (times < span.holdout_end)]
    out = excluded(config, hooks, considered, span)
    in_holdout = considered[config.data.time] >= span.holdout_start
    train = considered[considered[config.data.time] < span.train_end]
    judged = considered[in_holdout & ~out]
    _demand_classes(train, config.data.target, "training window", span.train_start, span.train_end)
    if holdout:
        _demand_classes(judged, config.data.target, "holdout", span.holdout_start, span.holdout_end)
    return Parts(train, judged, int((in_holdout & out).sum()))


def _demand_classes(rows: pd.DataFrame, target: str, part: str, start: datetime, end: datetime) -> None:
    positives = int(rows[target].sum())
    if positives == 0 or positives == len(rows):
        raise DataRejected(
            f"the {part} {start:%Y-%m-%d} .. {end:%Y-%m-%d} has {len(rows):,} rows with {positives:,} positives of {target}: "
            "both classes are needed; lengthen it in the YAML (split) or choose another --as-of"
        )
