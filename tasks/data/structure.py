"""Structural facts about rows, in pandas: what must hold before any expectation can be believed.

An all-null column, an empty frame, a doubled column or an infinity passes most expectations; so these come first, and all but two are critical.
Not here: the checks that a YAML declares (validation.py).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.records import CheckOutcome, Severity, Window

SHOWN_KEYS = 5
LARGEST_EXACT = 2**53
SPELLED_NULLS = ("", "nan", "none", "null", "<na>", "n/a")
FITS = {
    None: "a feature that train.preprocess does not encode is a number or a boolean",
    "counts": "encode: counts takes strings",
    "date_parts": "encode: date_parts takes times",
} | dict.fromkeys(
    ("one_hot", "ordinal", "target"),
    "categories are strings, numbers or booleans; times are encoded as date_parts",
)


def check_raw(
    rows: pd.DataFrame, config: ModelConfig, window: Window | None
) -> tuple[CheckOutcome, ...]:
    """Structure of the raw rows: columns, types, nulls, finiteness, unique key, time inside the window if any, a target of its kind."""
    return tuple(_raw(rows, config, window))


def check_features(rows: pd.DataFrame, config: ModelConfig) -> tuple[CheckOutcome, ...]:
    """Structure of the features that `prepare` computed: there, of a type that their encoding takes, not all null, finite."""
    return tuple(_features(rows, config))


def first_keys(
    rows: pd.DataFrame, failed: "pd.Series[bool]", config: ModelConfig
) -> tuple[str, ...]:
    """Keys of the first rows that failed; none where the key is private."""
    if config.data.key in config.data.private or config.data.key not in rows:
        return ()
    return tuple(str(key) for key in rows.loc[failed, config.data.key].head(SHOWN_KEYS))


def _raw(rows: pd.DataFrame, config: ModelConfig, window: Window | None) -> Iterator[CheckOutcome]:
    data = config.data
    problem = _columns_problem(rows, tuple(data.raw))
    yield _whole("columns", rows, problem, f"{len(data.raw)} columns, each once")
    if problem:
        return
    yield _whole(
        "not-empty", rows, None if len(rows) else "there are no rows", f"{len(rows):,} rows"
    )
    wrong = [
        f"{name} is {rows[name].dtype}, {dtype} declared"
        for name, dtype in data.raw.items()
        if not _is(rows[name], dtype)
    ]
    yield _whole("types", rows, "; ".join(wrong), "types as declared")
    if wrong or not len(rows):
        return
    for name in data.raw:
        yield from _content(
            rows, name, config, may_be_null=name not in (data.key, data.time, data.target)
        )
    yield _rows(
        "key-unique",
        rows,
        rows[data.key].duplicated(keep=False),
        f"share their {data.key} with another row",
        config,
    )
    if window and data.time:
        times = rows[data.time]
        start, end = window.history_start, max(window.holdout_end, window.train_end)
        outside = (times < start) | (times >= end)
        yield _rows(
            "time-in-window", rows, outside, f"lie outside {_day(start)} .. {_day(end)}", config
        )
    if config.kind == "binary":
        yield _binary_target(rows, config)


def _binary_target(rows: pd.DataFrame, config: ModelConfig) -> CheckOutcome:
    """Beside the value to find there is one other; of numbers it is 0."""
    target, positive = config.data.target, config.data.positive
    others = rows[target][labels(config, rows) == 0]
    other = 1 - int(positive) if positive in (0, 1) else next(iter(others), positive)
    strange = ~rows[target].isin([positive, other])
    return _rows(
        "target-binary",
        rows,
        strange,
        f"have a {target} that is neither {other} nor {positive}",
        config,
    )


def _features(rows: pd.DataFrame, config: ModelConfig) -> Iterator[CheckOutcome]:
    features = config.data.features
    problem = _columns_problem(rows, features)
    yield _whole("features", rows, problem, f"{len(features)} features, each once")
    if problem:
        return
    encoded = {
        column: group.encode
        for group in config.train.preprocess
        if group.encode
        for column in group.columns
    }
    wrong = [
        f"{name} is {rows[name].dtype}: {FITS[encoded.get(name)]}"
        for name in features
        if not _fits(rows[name], encoded.get(name))
    ]
    yield _whole("feature-types", rows, "; ".join(wrong), "types that their encodings take")
    if not wrong:
        for name in features:
            yield from _content(rows, name, config, may_be_null=True)


def _fits(column: "pd.Series[Any]", encode: str | None) -> bool:
    match encode:
        case None:
            return bool(pd.api.types.is_numeric_dtype(column.dtype))
        case "counts":
            return bool(pd.api.types.is_string_dtype(column))
        case "date_parts":
            return _is(column, "datetime")
    return not _is(column, "datetime")


def _content(
    rows: pd.DataFrame, name: str, config: ModelConfig, *, may_be_null: bool
) -> Iterator[CheckOutcome]:
    """Nulls and infinities of one column. Some nulls may be for the declared checks to judge; a column of nothing else never is."""
    null = rows[name].isna()
    if not may_be_null:
        yield _rows(f"known-{name}", rows, null, f"have no {name}", config)
    else:
        yield _whole(
            f"any-{name}",
            rows,
            f"all {len(rows):,} {name} are null" if null.all() else None,
            f"{int(null.sum()):,} null",
        )
    yield from _traps(rows, name, config)
    if pd.api.types.is_float_dtype(rows[name].dtype):
        yield _rows(
            f"finite-{name}",
            rows,
            pd.Series(np.isinf(rows[name].to_numpy()), index=rows.index),
            f"have an infinite {name}",
            config,
        )


def _traps(rows: pd.DataFrame, name: str, config: ModelConfig) -> Iterator[CheckOutcome]:
    """Values that are allowed and yet seldom meant: only a warning, and only where there are any."""
    column = rows[name]
    if pd.api.types.is_integer_dtype(column.dtype) and name != config.data.key:
        if (large := column.abs() > LARGEST_EXACT).any():
            yield _rows(
                f"exact-{name}",
                rows,
                large,
                f"have a {name} beyond 2**53, where models and bounds no longer tell neighbours apart",
                config,
                "warning",
            )
    elif pd.api.types.is_string_dtype(column):
        spelled = [
            value for value in column.dropna().unique() if value.strip().lower() in SPELLED_NULLS
        ]
        if (blank := column.isin(spelled)).any():
            yield _rows(
                f"text-{name}",
                rows,
                blank,
                f"have a {name} that is blank or spells a null, and is taken as text",
                config,
                "warning",
            )


def _columns_problem(rows: pd.DataFrame, wanted: Sequence[str]) -> str | None:
    there = list(rows.columns)
    if missing := [name for name in wanted if name not in there]:
        return f"there is no column {', '.join(missing)}"
    if twice := sorted({name for name in there if there.count(name) > 1}):
        return f"column {', '.join(twice)} is there more than once"
    return None


def _is(column: "pd.Series[Any]", dtype: str) -> bool:
    match dtype:
        case "datetime":
            return isinstance(column.dtype, np.dtype) and column.dtype.kind == "M"
        case "string":
            return bool(pd.api.types.is_string_dtype(column))
    return str(column.dtype) == dtype


def _whole(name: str, rows: pd.DataFrame, problem: str | None, fine: str) -> CheckOutcome:
    return CheckOutcome(f"structure-{name}", "critical", not problem, problem or fine, len(rows))


def _rows(
    name: str,
    rows: pd.DataFrame,
    failed: "pd.Series[bool]",
    what: str,
    config: ModelConfig,
    severity: Severity = "critical",
) -> CheckOutcome:
    count = int(failed.sum())
    sentence = f"{count:,} of {len(rows):,} rows {what}"
    return CheckOutcome(
        f"structure-{name}",
        severity,
        count == 0,
        sentence,
        len(rows),
        count,
        first_keys(rows, failed, config) if count else (),
    )


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"
