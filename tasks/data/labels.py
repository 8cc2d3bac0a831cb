"""The target as models learn it and metrics count it.

Two classes are 0 and 1; the targets of other kinds of model stay as they are in the rows.
"""

from typing import Any, NamedTuple

import pandas as pd

from configs.model import ModelConfig


def labels(config: ModelConfig, rows: pd.DataFrame) -> "pd.Series[Any]":
    """The target of each row, shape (n,); for a binary model 1 for the class to find, else 0."""
    target = rows[config.data.target]
    if config.kind == "binary":
        return (target == config.data.positive).astype("int64")
    return target


class RowCounts(NamedTuple):
    """How many rows there are and, for a binary model, how many of them are positive."""

    rows: int
    positives: int | None

    @property
    def known(self) -> dict[str, int]:
        """The counts that apply, by their names."""
        return {name: count for name, count in self._asdict().items() if count is not None}


def row_counts(config: ModelConfig, rows: pd.DataFrame) -> RowCounts:
    positives = int(labels(config, rows).sum()) if config.kind == "binary" else None
    return RowCounts(len(rows), positives)
