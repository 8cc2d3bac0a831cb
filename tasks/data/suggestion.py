"""A first set of checks, read off rows that are known to be good; for a person to edit, since what was there is not yet what must be.

Not here: running checks (validation.py), what holds for any model (structure.py).
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from configs.model import ModelConfig

FEW = 20  # distinct values that make a column a category
MARGIN = 0.1  # of a number's range, on either side


def suggest(rows: pd.DataFrame, config: ModelConfig) -> list[dict[str, Any]]:
    """Checks as they stand in a YAML, which these raw rows pass. Only what is known of every row is critical; values of private columns stand nowhere."""
    checks = [_row_count(rows)]
    for name in config.data.columns:
        if name not in (config.data.key, config.data.time):
            checks.extend(_of_column(rows[name], name, private=name in config.data.private))
    return checks


def _row_count(rows: pd.DataFrame) -> dict[str, Any]:
    bounds = {"min_value": len(rows) // 2, "max_value": len(rows) * 2}
    return {
        "id": "rows-as-many-as-ever",
        "expect": "table_row_count_to_be_between",
        **bounds,
        "severity": "warning",
    }


def _of_column(column: "pd.Series[Any]", name: str, *, private: bool) -> Iterator[dict[str, Any]]:
    slug, known = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "column", column.dropna()
    not_null = {"id": f"{slug}-known", "expect": "column_values_to_not_be_null", "column": name}
    if len(known) == len(column):
        yield not_null
    elif share := math.floor(100 * len(known) / len(column) - 1) / 100:
        yield not_null | {"mostly": share, "severity": "warning"}
    if private or known.empty or column.dtype.kind == "M":
        return
    if known.nunique() <= FEW and not pd.api.types.is_float_dtype(column):
        values = sorted(known.unique().tolist())
        yield {
            "id": f"{slug}-one-of",
            "expect": "column_values_to_be_in_set",
            "column": name,
            "value_set": values,
            "severity": "warning",
        }
    elif pd.api.types.is_numeric_dtype(column):
        yield _between(
            f"{slug}-range",
            "column_values_to_be_between",
            name,
            float(known.min()),
            float(known.max()),
        )
        half = float(known.std()) / 2
        yield _between(
            f"{slug}-level",
            "column_mean_to_be_between",
            name,
            float(known.mean()) - half,
            float(known.mean()) + half,
        )


def _between(identifier: str, expect: str, name: str, low: float, high: float) -> dict[str, Any]:
    """Bounds a little outside what was seen; 0 where nothing was below it."""
    margin = MARGIN * (high - low)
    lowest = 0.0 if 0 <= low < margin else low - margin
    bounds = {"min_value": float(f"{lowest:.3g}"), "max_value": float(f"{high + margin:.3g}")}
    return {"id": identifier, "expect": expect, "column": name, **bounds, "severity": "warning"}
