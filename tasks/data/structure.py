"""Structural checks of rows, in pandas: what must hold before any expectation can be believed.

An empty frame, a doubled column, a column of nulls or an infinity passes most expectations; so
these checks come first, and all are critical but two warnings about values that are seldom meant.
Not here: checks of a single column (columns.py), and of rows without a key (copies.py); the checks
that a YAML declares (validation.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from configs.data import ROW
from configs.model import ModelConfig
from tasks.data import columns
from tasks.data.columns import Inspection
from tasks.data.copies import check_copies
from tasks.data.labels import labels
from tasks.records import CheckOutcome, Window


def check_raw(
    rows: pd.DataFrame, config: ModelConfig, window: Window | None
) -> tuple[CheckOutcome, ...]:
    """Structure of the raw rows: their columns, nulls, infinities, key, times and target."""
    return tuple(_check_raw(Inspection(rows, config), window))


def check_features(rows: pd.DataFrame, config: ModelConfig) -> tuple[CheckOutcome, ...]:
    """Structure of what `prepare` makes: the features, and the target if it is made there.

    They are present, of types that fit, not of nulls alone, and finite.
    """
    return tuple(_check_features(Inspection(rows, config)))


def _check_raw(inspection: Inspection, window: Window | None) -> Iterator[CheckOutcome]:
    """The outcomes in order, up to the first that makes the next ones meaningless."""
    rows, data = inspection.rows, inspection.config.data
    problem = _problem_with_columns(rows, tuple(data.raw))
    yield inspection.of_table("columns", problem, f"all {len(data.raw)} columns, each once")
    if problem:
        return
    yield inspection.of_table(
        "not-empty", "" if len(rows) else "there are no rows", f"{len(rows):,} rows"
    )
    if not len(rows):
        return
    for name in data.raw:
        if name != data.target:
            may_be_null = name not in (data.key, data.time)
            yield from columns.check_content(inspection, name, may_be_null=may_be_null)
    yield check_copies(inspection) if data.key == ROW else _check_key(inspection)
    if window and data.time:
        yield _check_times(inspection, data.time, window)
    if data.raw_target:
        yield from _check_target(inspection)


def _check_features(inspection: Inspection) -> Iterator[CheckOutcome]:
    data = inspection.config.data
    problem = _problem_with_columns(inspection.rows, data.features)
    yield inspection.of_table("features", problem, f"all {len(data.features)} features, each once")
    if problem:
        return
    unfit_types = _unfit_types(inspection)
    yield inspection.of_table("feature-types", unfit_types, "every feature fits its encoding")
    if unfit_types:
        return
    for name in data.features:
        yield from columns.check_content(inspection, name, may_be_null=True)
    if not data.raw_target:
        yield from _check_made_target(inspection)


def _check_made_target(inspection: Inspection) -> Iterator[CheckOutcome]:
    data, kind = inspection.config.data, inspection.config.kind
    problem = _problem_with_columns(inspection.rows, [data.target])
    if not problem and not columns.fits_kind(inspection.rows[data.target], kind):
        dtype = inspection.rows[data.target].dtype
        problem = f"{data.target} is {dtype}; {columns.KIND_TAKES[kind]}"
    yield inspection.of_table("target", problem, f"{data.target} is made by {data.prepare}")
    if not problem:
        yield from _check_target(inspection)


def _check_target(inspection: Inspection) -> Iterator[CheckOutcome]:
    data = inspection.config.data
    may_be_null = data.target in data.drop_nulls
    yield from columns.check_content(inspection, data.target, may_be_null=may_be_null)
    if inspection.config.kind == "binary":
        yield _check_binary_target(inspection)


def _problem_with_columns(rows: pd.DataFrame, wanted: Sequence[str]) -> str:
    """What is wrong with the names of the columns; empty where nothing is."""
    present = list(rows.columns)
    missing = [name for name in wanted if name not in present]
    if missing:
        return f"there is no column {', '.join(missing)}"
    repeated = sorted({name for name in present if present.count(name) > 1})
    if repeated:
        return f"there is more than one column {', '.join(repeated)}"
    return ""


def _unfit_types(inspection: Inspection) -> str:
    """The features whose encoding does not take their type; empty where there are none."""
    rows, config = inspection.rows, inspection.config
    encoding_of = {
        column: group.encode
        for group in config.train.preprocess
        if group.encode
        for column in group.columns
    }
    unfit = []
    for name in config.data.features:
        encoding = encoding_of.get(name)
        if not columns.fits_encoding(rows[name], encoding):
            unfit.append(f"{name} is {rows[name].dtype}: {columns.ENCODING_TAKES[encoding]}")
    return "; ".join(unfit)


def _check_key(inspection: Inspection) -> CheckOutcome:
    key = inspection.config.data.key
    shared = inspection.rows[key].duplicated(keep=False)
    return inspection.of_rows("key-unique", shared, f"share their {key} with another row")


def _check_times(inspection: Inspection, column: str, window: Window) -> CheckOutcome:
    times = inspection.rows[column]
    start, end = window.history_start, max(window.holdout_end, window.train_end)
    outside = (times < start) | (times >= end)
    return inspection.of_rows(
        "time-in-window", outside, f"are outside {start:%Y-%m-%d} .. {end:%Y-%m-%d}"
    )


def _check_binary_target(inspection: Inspection) -> CheckOutcome:
    """Require one value besides the class to find."""
    data = inspection.config.data
    negative = _negative_class(inspection)
    target = inspection.rows[data.target]
    strange = target.notna() & ~target.isin([data.positive, negative])
    classes = (
        "one of two classes" if data.target in data.private else f"{negative} or {data.positive}"
    )
    return inspection.of_rows(
        "target-binary", strange, f"have a {data.target} that is not {classes}"
    )


def _negative_class(inspection: Inspection) -> Any:
    """Of 0 and 1 the other one; else the first value in the rows that is not the class to find."""
    rows, config = inspection.rows, inspection.config
    positive = config.data.positive
    if positive in (0, 1):
        return 1 - int(positive)
    known = rows.dropna(subset=config.data.target)
    negatives = known[config.data.target][labels(config, known) == 0]
    return next(iter(negatives), positive)
