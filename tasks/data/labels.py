"""The target as models learn it and metrics count it: 0 and 1 for two classes, else as it stands in the rows."""

from typing import Any

import pandas as pd

from configs.model import ModelConfig


def labels(config: ModelConfig, rows: pd.DataFrame) -> "pd.Series[Any]":
    """The target of each row, shape (n,): for a binary model 1 where it is the value to find, else 0."""
    target = rows[config.data.target]
    return (target == config.data.positive).astype("int64") if config.kind == "binary" else target


def count_of(config: ModelConfig, rows: pd.DataFrame) -> dict[str, int]:
    """How many rows there are, and of a binary target how many positives."""
    positives = {"positives": int(labels(config, rows).sum())} if config.kind == "binary" else {}
    return {"rows": len(rows), **positives}
