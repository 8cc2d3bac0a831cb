"""Structural checks of one column: its type, its nulls, its infinities, values seldom meant.

Not here: which columns are checked, and in which order (structure.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from configs.built_in_metrics import Kind
from configs.checks import Severity
from configs.model import ModelConfig
from tasks.records import CheckOutcome

SHOWN_KEYS = 5

# above it, not every integer is a float of its own
LARGEST_EXACT_INTEGER = 2**53

SPELLED_NULLS = ("", "nan", "none", "null", "<na>", "n/a")

KIND_TAKES: dict[Kind, str] = {
    "binary": "two classes must be whole numbers, booleans or texts",
    "multiclass": "classes must be whole numbers or texts",
    "regression": "the target of a regression must be a number",
}

CATEGORIES = "categories must be strings, numbers or booleans; encode times as date_parts"
ENCODING_TAKES = {
    None: "a feature that train.preprocess does not encode must be a number or a boolean",
    "counts": "encode: counts takes strings",
    "date_parts": "encode: date_parts takes times",
    "one_hot": CATEGORIES,
    "ordinal": CATEGORIES,
    "target": CATEGORIES,
}


@dataclass(frozen=True)
class Inspection:
    """The rows that are checked; it phrases the outcome of each structural check on them."""

    rows: pd.DataFrame
    config: ModelConfig

    def of_table(self, name: str, problem: str, fact: str) -> CheckOutcome:
        """The outcome of a check on the whole table: it fails with `problem`, if there is one."""
        return CheckOutcome(
            f"structure-{name}", "critical", not problem, problem or fact, len(self.rows)
        )

    def of_rows(
        self, name: str, failed: "pd.Series[bool]", clause: str, severity: Severity = "critical"
    ) -> CheckOutcome:
        """The outcome of a check on each row: `clause` follows the count of the failed rows."""
        count = int(failed.sum())
        return CheckOutcome(
            f"structure-{name}",
            severity,
            passed=count == 0,
            sentence=f"{count:,} of {len(self.rows):,} rows {clause}",
            rows=len(self.rows),
            failed_rows=count,
            first_keys=self._first_keys(failed) if count else (),
        )

    def _first_keys(self, failed: "pd.Series[bool]") -> tuple[str, ...]:
        """Keys of the first rows that failed; none where the key is private."""
        data = self.config.data
        if data.key in data.private or data.key not in self.rows:
            return ()
        return tuple(str(key) for key in self.rows.loc[failed, data.key].head(SHOWN_KEYS))


def check_content(
    inspection: Inspection, name: str, *, may_be_null: bool
) -> Iterator[CheckOutcome]:
    """Nulls, infinities and seldom meant values of one column.

    Where it may be null, how many nulls are too many is for the declared checks to judge; a
    column of nothing else always fails.
    """
    column = inspection.rows[name]
    null = column.isna()
    if may_be_null:
        problem = f"{name} is null in all {len(column):,} rows" if null.all() else ""
        fact = f"{int(null.sum()):,} of {len(column):,} rows have no {name}"
        yield inspection.of_table(f"any-{name}", problem, fact)
    else:
        yield inspection.of_rows(f"known-{name}", null, f"have no {name}")
    if pd.api.types.is_integer_dtype(column.dtype) and name != inspection.config.data.key:
        yield from _warn_of_inexact_integers(inspection, name)
    elif pd.api.types.is_string_dtype(column):
        yield from _warn_of_spelled_nulls(inspection, name)
    if pd.api.types.is_float_dtype(column.dtype):
        infinite = pd.Series(np.isinf(column.to_numpy()), index=column.index)
        yield inspection.of_rows(f"finite-{name}", infinite, f"have an infinite {name}")


def fits_encoding(column: "pd.Series[Any]", encoding: str | None) -> bool:
    """Whether the encoding takes a column of this type; None is a feature that is not encoded."""
    match encoding:
        case None:
            return bool(pd.api.types.is_numeric_dtype(column.dtype))
        case "counts":
            return bool(pd.api.types.is_string_dtype(column))
        case "date_parts":
            return _is_datetime(column)
    return not _is_datetime(column)


def fits_kind(target: "pd.Series[Any]", kind: Kind) -> bool:
    """Whether a column of this type can be the target of a model of this kind."""
    types = pd.api.types
    is_flag = types.is_bool_dtype(target.dtype)
    match kind:
        case "regression":
            return bool(types.is_numeric_dtype(target.dtype)) and not is_flag
        case "binary" if is_flag:
            return True
    # whole numbers beside a null are floats
    return types.is_string_dtype(target) or _is_whole(target)


def _is_whole(column: "pd.Series[Any]") -> bool:
    is_number = pd.api.types.is_numeric_dtype(column.dtype)
    return bool(is_number and (column.dropna() % 1 == 0).all())


def _is_datetime(column: "pd.Series[Any]") -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind == "M"


def _warn_of_inexact_integers(inspection: Inspection, name: str) -> Iterator[CheckOutcome]:
    column = inspection.rows[name]
    large = ((column > LARGEST_EXACT_INTEGER) | (column < -LARGEST_EXACT_INTEGER)).fillna(False)
    if large.any():
        yield inspection.of_rows(
            f"exact-{name}",
            large,
            f"have a {name} beyond 2**53, where models and bounds cannot tell neighbours apart",
            "warning",
        )


def _warn_of_spelled_nulls(inspection: Inspection, name: str) -> Iterator[CheckOutcome]:
    column = inspection.rows[name]
    values = column.dropna().unique()
    spelled = [value for value in values if value.strip().lower() in SPELLED_NULLS]
    blank = column.isin(spelled)
    if blank.any():
        yield inspection.of_rows(
            f"text-{name}",
            blank,
            f"have a {name} that is blank or spells a null; it is read as text",
            "warning",
        )
