"""Checks of the partitions of a split: what a model sees in training, and what it meets later.

Rows that are fine together may be of no use apart: a feature that begins after training, or a
category that training never saw. Not here: the rows as a whole (tasks/data/structure.py).
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pandas.util import hash_pandas_object
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.utils import get_tags

from configs.checks import Severity
from configs.data import ROW
from configs.model import ModelConfig
from configs.split import HashSplit
from configs.train import Preprocess
from tasks.data.splits import Partitions
from tasks.model.training import build
from tasks.records import CheckOutcome, ValidationReport

CATEGORIES = ("one_hot", "ordinal", "target")


def check_partitions(partitions: Partitions, config: ModelConfig) -> ValidationReport:
    """What each feature is in the training rows, and later; and whether rows are in both."""
    train = partitions.train
    later = pd.concat([partitions.delay, partitions.holdout])
    rows = len(train) + len(later)
    takes_nulls = _takes_nulls(config)
    outcomes: list[CheckOutcome] = []
    for name in config.data.features:
        group = _group_of(name, config)
        outcomes += _null_outcomes(name, train[name], later, takes_nulls or _fills(group))
        if group and group.encode in CATEGORIES and not later.empty:
            outcomes.append(_unseen_outcome(name, train[name], later[name]))
    if not partitions.holdout.empty:
        outcomes.append(_twins_outcome(config, train, partitions.holdout))
    if _is_drawn_by_place(config):
        outcomes.append(_place_outcome(rows))
    return ValidationReport("split", rows, tuple(outcomes))


def _twins_outcome(config: ModelConfig, train: pd.DataFrame, holdout: pd.DataFrame) -> CheckOutcome:
    """How many holdout rows a model may know by heart, since training has their like."""
    columns = [*config.data.features, config.data.target]
    known = hash_pandas_object(train[columns], index=False)
    count = int(hash_pandas_object(holdout[columns], index=False).isin(known).sum())
    sentence = (
        f"{count:,} of {len(holdout):,} holdout rows have the features and the target of a "
        "training row"
    )
    return CheckOutcome("structure-twins", "warning", count == 0, sentence, len(holdout), count)


def _is_drawn_by_place(config: ModelConfig) -> bool:
    """Whether rows are held out by their place in the source, for want of anything better."""
    split = config.split
    return isinstance(split, HashSplit) and config.data.key == ROW and not split.group


def _place_outcome(rows: int) -> CheckOutcome:
    return _failed(
        "identity",
        "warning",
        "rows are held out by their place in the source: if files are written anew in another "
        "order, rows change sides; declare data.key, or split.group",
        rows,
    )


def _group_of(feature: str, config: ModelConfig) -> Preprocess | None:
    """The group of train.preprocess that encodes the feature or fills its nulls."""
    groups = (group for group in config.train.preprocess if feature in group.columns)
    return next(groups, None)


def _takes_nulls(config: ModelConfig) -> bool:
    estimator = build(config).named_steps["model"]
    # these look at no feature, and have no tag that says so
    is_dummy = isinstance(estimator, DummyClassifier | DummyRegressor)
    return is_dummy or bool(get_tags(estimator).input_tags.allow_nan)


def _fills(group: Preprocess | None) -> bool:
    """Whether a null is filled, or is a category or no words."""
    return group is not None and (bool(group.impute) or group.encode in (*CATEGORIES, "counts"))


def _null_outcomes(
    name: str, train: "pd.Series[Any]", later: pd.DataFrame, takes_nulls: bool
) -> Iterator[CheckOutcome]:
    in_train = train.isna()
    if in_train.all():
        yield _failed(
            f"learned-{name}",
            "critical",
            f"{name} is null in all {len(train):,} training rows, so nothing can be learned from "
            "it; leave it out of features, or train on later rows",
            len(train),
        )
        return
    remedy = f"add {{columns: [{name}], impute: median}} to train.preprocess"
    if in_train.any() and not takes_nulls:
        yield _failed(
            f"nulls-{name}",
            "critical",
            f"{name} is null in {int(in_train.sum()):,} of {len(train):,} training rows, which "
            f"the estimator does not accept; {remedy}",
            len(train),
            int(in_train.sum()),
        )
        return
    if later.empty:
        return
    in_later = later[name].isna()
    count = int(in_later.sum())
    sentence = (
        f"{name} is null in {count:,} of {len(later):,} rows after or beside the training rows, "
        f"and in {int(in_train.sum()):,} of {len(train):,} training rows"
    )
    if count == len(later):
        yield _failed(f"delivered-{name}", "critical", f"{sentence}: is it still delivered?", count)
    elif count and not takes_nulls:
        yield _failed(f"nulls-{name}", "critical", f"{sentence}; {remedy}", len(later), count)
    elif count and not in_train.any():
        yield _failed(f"nulls-{name}", "warning", sentence, len(later), count)
    else:
        yield CheckOutcome(f"structure-nulls-{name}", "warning", True, sentence, len(later), count)


def _unseen_outcome(name: str, train: "pd.Series[Any]", later: "pd.Series[Any]") -> CheckOutcome:
    unseen = later.notna() & ~later.isin(train.dropna().unique())
    count = int(unseen.sum())
    sentence = f"{count:,} of {len(later):,} rows have a {name} that no training row has"
    return CheckOutcome(
        f"structure-seen-{name}", "warning", count == 0, sentence, len(later), count
    )


def _failed(
    name: str, severity: Severity, sentence: str, rows: int, failed_rows: int | None = None
) -> CheckOutcome:
    return CheckOutcome(f"structure-{name}", severity, False, sentence, rows, failed_rows)
