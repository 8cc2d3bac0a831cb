"""A first set of checks, read off rows that are known to be good, for a person to edit.

Not here: running checks (validation.py); what must hold for any model (structure.py).
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from configs.model import ModelConfig

# a column with at most so many distinct values is taken for a category
MOST_CATEGORIES = 20

# how far the suggested bounds are from what was seen, as a share of its range
MARGIN = 0.1


def suggest(rows: pd.DataFrame, config: ModelConfig) -> list[dict[str, Any]]:
    """Checks as they are written in a YAML, which these raw rows pass.

    Only a column without nulls gets a critical check; no check quotes a value of a private column.
    """
    data = config.data
    checks = [_row_count_check(rows)]
    for name in data.columns:
        if name in (data.key, data.time):
            continue
        checks.extend(_null_checks(rows[name], name))
        if name not in data.private:
            checks.extend(_value_checks(rows[name].dropna(), name))
    return checks


def _row_count_check(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "id": "row-count-as-usual",
        "expect": "table_row_count_to_be_between",
        "min_value": len(rows) // 2,
        "max_value": len(rows) * 2,
        "severity": "warning",
    }


def _null_checks(column: "pd.Series[Any]", name: str) -> Iterator[dict[str, Any]]:
    known_count = int(column.notna().sum())
    check = {
        "id": f"{_slug_of(name)}-known",
        "expect": "column_values_to_not_be_null",
        "column": name,
    }
    if known_count == len(column):
        yield check
        return
    # a percent less than was seen
    mostly = math.floor(100 * known_count / len(column) - 1) / 100
    if mostly:
        yield check | {"mostly": mostly, "severity": "warning"}


def _value_checks(known: "pd.Series[Any]", name: str) -> Iterator[dict[str, Any]]:
    """Checks of the values that are not null: one of a few, or numbers in a range."""
    if known.empty or known.dtype.kind == "M":
        return
    slug = _slug_of(name)
    if known.nunique() <= MOST_CATEGORIES and not pd.api.types.is_float_dtype(known):
        yield {
            "id": f"{slug}-one-of",
            "expect": "column_values_to_be_in_set",
            "column": name,
            "value_set": sorted(known.unique().tolist()),
            "severity": "warning",
        }
    elif pd.api.types.is_numeric_dtype(known):
        low, high = float(known.min()), float(known.max())
        mean, half_deviation = float(known.mean()), float(known.std()) / 2
        yield {
            "id": f"{slug}-range",
            "expect": "column_values_to_be_between",
            "column": name,
            **_bounds_around(low, high),
        }
        yield {
            "id": f"{slug}-level",
            "expect": "column_mean_to_be_between",
            "column": name,
            **_bounds_around(mean - half_deviation, mean + half_deviation),
        }


def _bounds_around(low: float, high: float) -> dict[str, Any]:
    """Bounds a little outside low and high; 0 rather than the first negative one."""
    margin = MARGIN * (high - low)
    lowest = 0.0 if 0 <= low < margin else low - margin
    return {
        "min_value": float(f"{lowest:.3g}"),
        "max_value": float(f"{high + margin:.3g}"),
        "severity": "warning",
    }


def _slug_of(name: str) -> str:
    """A column's name as the ids of checks are written: TX_AMOUNT as tx-amount."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "column"
