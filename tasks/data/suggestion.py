"""A first set of checks, read off rows that are known to be good, for a person to edit.

Not here: running checks (validation.py); what must hold for any model (structure.py).
"""

import math
import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from configs.model import ModelConfig
from tasks.data.columns import LARGEST_EXACT_INTEGER

# a column with at most so many distinct values is taken for a category
MOST_CATEGORIES = 20

# how far the suggested bounds are from what was seen, as a share of its range
MARGIN = 0.1

# as a share of the numbers, so that rounding does not decide
SMALLEST_MARGIN = 1e-6
LARGEST_SQUARED = 1e150
# with so many digits, a float is written exactly
DIGITS_OF_A_FLOAT = 17


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
    return _with_unique_ids(checks)


def _with_unique_ids(checks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The checks, with a number after each id that another check has already.

    Columns whose names differ only in what an id cannot hold would share theirs.
    """
    taken: set[str] = set()
    numbered = []
    for check in checks:
        unique = check["id"]
        for number in count(2):
            if unique not in taken:
                break
            unique = f"{check['id']}-{number}"
        taken.add(unique)
        numbered.append(check | {"id": unique})
    return numbered


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
    if mostly > 0:
        yield check | {"mostly": mostly, "severity": "warning"}


def _value_checks(known: "pd.Series[Any]", name: str) -> Iterator[dict[str, Any]]:
    """Checks of the values that are not null: one of a few, or numbers in a range."""
    if known.empty or known.dtype.kind == "M":
        return
    slug = _slug_of(name)
    if known.nunique() <= MOST_CATEGORIES and _can_be_listed(known):
        yield {
            "id": f"{slug}-one-of",
            "expect": "column_values_to_be_in_set",
            "column": name,
            "value_set": sorted(known.unique().tolist()),
            "severity": "warning",
        }
    elif pd.api.types.is_numeric_dtype(known):
        yield from _range_checks(known, name, slug)


def _can_be_listed(known: "pd.Series[Any]") -> bool:
    """Whether Great Expectations finds each value in a list of them: floats are not exact."""
    if pd.api.types.is_integer_dtype(known):
        return bool(known.between(-LARGEST_EXACT_INTEGER, LARGEST_EXACT_INTEGER).all())
    return not pd.api.types.is_float_dtype(known)


def _range_checks(known: "pd.Series[Any]", name: str, slug: str) -> Iterator[dict[str, Any]]:
    """Checks that numbers stay near what was seen, and so does their mean.

    There are none where the numbers are too large to have a variance.
    """
    values = known.astype("float64")
    values = values[np.isfinite(values)]
    if values.empty or values.abs().max() > LARGEST_SQUARED:
        return
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    margin = max(MARGIN * (high - low), SMALLEST_MARGIN * max(abs(low), abs(high)))
    yield from _between(f"{slug}-range", "column_values_to_be_between", name, low, high, margin)
    margin = max(float(values.std(ddof=0)) / 2, SMALLEST_MARGIN * abs(mean))
    yield from _between(f"{slug}-level", "column_mean_to_be_between", name, mean, mean, margin)


def _between(
    check_id: str, expect: str, column: str, low: float, high: float, margin: float
) -> Iterator[dict[str, Any]]:
    """A check with bounds about a margin outside; 0 rather than the first negative bound."""
    lowest = low - margin
    yield {
        "id": check_id,
        "expect": expect,
        "column": column,
        "min_value": 0.0 if lowest < 0 <= low else _rounded(lowest, margin),
        "max_value": _rounded(high + margin, margin),
        "severity": "warning",
    }


def _rounded(bound: float, margin: float) -> float:
    """The bound with as few digits as change it by less than half the margin, but at least 3."""
    for digits in range(3, DIGITS_OF_A_FLOAT):
        rounded = float(f"{bound:.{digits}g}")
        if abs(rounded - bound) < margin / 2:
            return rounded
    return bound


def _slug_of(name: str) -> str:
    """A column's name as the ids of checks are written: TX_AMOUNT as tx-amount."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "column"
