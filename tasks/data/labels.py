"""The target as models learn it and metrics count it.

Two classes are 0 and 1; the targets of other kinds of model stay as they are in the rows.
"""

from typing import Any

import pandas as pd

from configs.model import ModelConfig


def labels(config: ModelConfig, rows: pd.DataFrame) -> "pd.Series[Any]":
    """The target of each row, shape (n,); for a binary model 1 for the class to find, else 0."""
    target = rows[config.data.target]
    if config.kind == "binary":
        return (target == config.data.positive).astype("int64")
    return target


def row_counts(config: ModelConfig, rows: pd.DataFrame) -> dict[str, int]:
    """The number of `rows` and, for a binary model, of `positives` among them."""
    counts = {"rows": len(rows)}
    if config.kind == "binary":
        counts["positives"] = int(labels(config, rows).sum())
    return counts
