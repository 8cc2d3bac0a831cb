"""What the columns of some rows probably mean: the target and its kind, key, time, features.

Not here: the types of the columns (column_guess.py); the model that is drafted (draft.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from configs.built_in_metrics import Kind
from configs.dtypes import Dtype
from configs.errors import UsageError
from configs.problems import nearest
from tasks.data.column_guess import Guess
from tasks.data.files import File

TARGET_NAMES = ("target", "label", "class", "outcome", "y")
# customer_id, orderId, Kredit Nr, invoice no.
KEY_NAME = re.compile(r"(id|key|uuid|\b(nr|no|number))\.?$", re.IGNORECASE)
# a target of more whole numbers or texts is not one of classes; a text of more is not a category
MOST_CLASSES, MOST_CATEGORIES = 20, 50


@dataclass
class Sample:
    """The rows of some files, and what their columns probably mean."""

    files: Sequence[File]
    guess: Guess
    rows: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, Dtype]:
        """The columns that a model can use, with their types."""
        return {
            name: declared
            for name, declared in self.guess.columns.items()
            if not self.why_useless(name)
        }

    def why_useless(self, name: str) -> str:
        """Why the checks that hold for any model would refuse the column; empty if they do not."""
        column = self.rows[name]
        if column.isna().all():
            return "is null in all rows"
        if self.guess.columns[name] == "float64" and np.isinf(column).any():
            return "holds infinite numbers"
        return ""


def guess_target(sample: Sample, wished: str | None) -> str:
    columns = sample.columns
    if wished is not None and wished not in columns:
        raise UsageError(f"--target: there is no column {wished!r}; {nearest(wished, columns)}")
    fit = [name for name in columns if _can_be_target(sample, name)]
    named = [name for name in fit if name.lower() in TARGET_NAMES]
    if not wished and not fit:
        raise UsageError("no column looks like a target; name the one to predict with --target")
    target = wished or (named or fit)[-1]
    if not wished:
        sample.notes.append(
            f"target {target} is a guess: say which column to predict with --target"
        )
    return target


def _can_be_target(sample: Sample, name: str) -> bool:
    """Whether a column is one of numbers, or of few texts, none of them null."""
    column, declared = sample.rows[name], sample.columns[name]
    is_class_or_number = declared != "string" or column.nunique() <= MOST_CLASSES
    return (
        declared != "datetime"
        and is_class_or_number
        and column.nunique() > 1
        and bool(column.notna().all())
    )


def guess_kind(sample: Sample, target: str) -> Kind:
    values = sample.rows[target].dropna()
    declared = sample.columns[target]
    if declared == "datetime":
        raise UsageError(f"--target: {target} is a time; a model predicts a class or a number")
    distinct = values.nunique()
    if distinct < 2:
        raise UsageError(f"the target {target} is the same in all rows; choose another column")
    is_whole = declared != "float64" or bool((values % 1 == 0).all())
    if distinct == 2 and is_whole:
        return "binary"
    if declared == "string" or (is_whole and distinct <= MOST_CLASSES):
        return "multiclass"
    return "regression"


def guess_key(sample: Sample, target: str) -> str | None:
    """A column of unique whole numbers or texts whose name says that it identifies a row."""
    for name, declared in sample.columns.items():
        if KEY_NAME.search(name) and name != target and declared in ("int64", "string"):
            column = sample.rows[name]
            if column.notna().all() and column.is_unique:
                return name
    return None


def guess_time(sample: Sample) -> str | None:
    """The first column of times without nulls, none of which is in the future."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for name, declared in sample.columns.items():
        if declared == "datetime":
            times = sample.rows[name]
            if times.notna().all() and times.max() <= now:
                return name
    return None


def guess_positive(sample: Sample, target: str) -> dict[str, Any]:
    """The class to find, where it is not 1: true, or the rarer one."""
    counts = sample.rows[target].value_counts()
    values = set(counts.index)
    if values == {0, 1} and sample.columns[target] != "bool":
        return {}
    positive: Any = counts.index[-1]
    if sample.columns[target] == "bool":
        positive = True
    elif not isinstance(positive, str):
        positive = int(positive)
    sample.notes.append(f"positive {positive!r} is a guess: the class to find")
    return {"positive": positive}


def guess_features(sample: Sample, roles: set[str | None]) -> list[str]:
    features = []
    for name, declared in sample.columns.items():
        if name in roles:
            continue
        if declared == "string" and sample.rows[name].nunique() > MOST_CATEGORIES:
            sample.notes.append(
                f"{name} is not a feature: it has {sample.rows[name].nunique():,} different texts; "
                "encode: counts would use the words in it"
            )
            continue
        features.append(name)
    if not features:
        raise UsageError("no column is left from which the target could be predicted")
    return features
