"""Which of the source's rows are used: those that meet `data.where`, without the copies of others.

What is left out is counted, as the first checks of the raw rows.
Not here: rows without a value (`drop_nulls`, in splits.py); rows not judged on (hooks.py).
"""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.conditions import Condition
from configs.dtypes import as_instant
from configs.model import ModelConfig
from tasks.records import CheckOutcome

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda column, values: column.isin(values),
    "not in": lambda column, values: ~column.isin(values),
}


class Selection(NamedTuple):
    """The rows that are used, which of all rows these are, and what was left out and why."""

    rows: pd.DataFrame
    mask: NDArray[np.bool_]
    outcomes: tuple[CheckOutcome, ...]

    def __str__(self) -> str:
        return f"{len(self.rows):,} of {len(self.mask):,} rows"


def select(config: ModelConfig, rows: pd.DataFrame, *, labelled: bool = True) -> Selection:
    """The rows that the model uses, in their order; an outcome fails where none is left.

    A null meets no condition but is_null; in `drop_duplicates`, nulls equal each other. Without
    labels, conditions on the target do not count.
    """
    data = config.data
    mask = np.ones(len(rows), dtype=bool)
    outcomes: list[CheckOutcome] = []
    for condition in data.where:
        if condition.column == data.target and not labelled:
            continue
        meets = _meets(condition, rows[condition.column])
        private = condition.column in data.private
        requirement = f"the condition on {condition.column}" if private else str(condition)
        outcomes.append(_outcome("where", mask, meets, f"do not meet {requirement}"))
        mask &= meets
    if data.drop_duplicates:
        by, keep = list(data.drop_duplicates.by), data.drop_duplicates.keep
        originals = mask.copy()
        originals[mask] = ~rows.loc[mask, by].duplicated(keep=keep).to_numpy()
        clause = f"are copies: used is {data.drop_duplicates}"
        outcomes.append(_outcome("duplicates", mask, originals, clause))
        mask = originals
    selected = rows if mask.all() else rows[mask].reset_index(drop=True)
    return Selection(selected, mask, tuple(outcomes))


def _outcome(
    name: str, before: NDArray[np.bool_], meets: NDArray[np.bool_], clause: str
) -> CheckOutcome:
    """What one key leaves out of the rows that those before it left."""
    rows, left_out = int(before.sum()), int((before & ~meets).sum())
    passed = left_out < rows or not rows
    sentence = f"{left_out:,} of {rows:,} rows {clause}"
    return CheckOutcome(f"selection-{name}", "critical", passed, sentence, rows, left_out)


def _meets(condition: Condition, column: "pd.Series[Any]") -> NDArray[np.bool_]:
    null = column.isna().to_numpy(dtype=bool)
    match condition.operator:
        case "is_null":
            return null
        case "is_not_null":
            return ~null
    value = condition.value
    if pd.api.types.is_datetime64_dtype(column):
        is_list = isinstance(value, list)
        value = [as_instant(text) for text in value] if is_list else as_instant(value)
    compared = pd.Series(COMPARE[condition.operator](column, value))
    return compared.fillna(False).to_numpy(dtype=bool) & ~null
