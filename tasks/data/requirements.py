"""What the partitions of a split need, so that a model can learn from them and be judged on them.

Each function returns where its requirement is met and raises DataRejected with the counts where
it is not. Not here: dividing the rows (splits.py); whether single values are any good
(structure.py, validation.py).
"""

from typing import Any

import pandas as pd

from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.split import TimeSplit, Value
from tasks.data.labels import labels

SHOWN_VALUES = 10


def require_variety(config: ModelConfig, rows: pd.DataFrame, partition: str) -> None:
    """Require two rows that differ in their target; `partition` is its name in the message."""
    target = labels(config, rows)
    distinct = target.nunique()
    if distinct >= 2:
        return
    problem = {
        "binary": "{positives:,} positives of {target}: both classes are needed",
        "multiclass": "{distinct} class of {target}: at least two are needed",
        "regression": "{distinct} value of {target}: at least two are needed",
    }[config.kind].format(
        positives=int((target == 1).sum()), distinct=distinct, target=config.data.target
    )
    raise DataRejected(
        f"the {partition} has {len(rows):,} rows with {problem}; {_remedy_for(config)}"
    )


def require_known_classes(config: ModelConfig, train: pd.DataFrame, holdout: pd.DataFrame) -> None:
    """Require of a multiclass model that it has seen every class of the holdout in training."""
    if config.kind != "multiclass":
        return
    target = config.data.target
    unknown = sorted(set(holdout[target]) - set(train[target]))
    if unknown:
        counts = [f"{name} ({int((holdout[target] == name).sum()):,} rows)" for name in unknown]
        shown = f"{len(unknown)} of them" if target in config.data.private else ", ".join(counts)
        raise DataRejected(
            f"the holdout has classes of {target} that no training row has: {shown}; "
            f"{_remedy_for(config)}"
        )


def require_values(column: "pd.Series[Any]", key: str, values: tuple[Value, ...]) -> None:
    """Require each of the values that the YAML's `key` lists to occur in the column."""
    present = column.unique()
    known = set(present)
    absent = [str(value) for value in values if value not in known]
    if absent:
        raise DataRejected(
            f"{key}: no row has {column.name} {', '.join(absent)}; change it to values that the "
            f"rows have: {', '.join(map(str, present[:SHOWN_VALUES]))}"
        )


def require_disjoint_groups(train: "pd.Series[Any]", holdout: "pd.Series[Any]") -> None:
    """Require no group on both sides: a model would be judged on groups it knows."""
    shared = set(train) & set(holdout)
    if shared:
        count = int(holdout.isin(shared).sum())
        raise DataRejected(
            f"{len(shared):,} values of {train.name} are in both training and holdout, on "
            f"{count:,} of {len(holdout):,} holdout rows, so a model would be judged on what it "
            "knows; split by hash with this group"
        )


def _remedy_for(config: ModelConfig) -> str:
    if isinstance(config.split, TimeSplit):
        return "change split in the YAML or choose another --as-of"
    return "change split in the YAML"
