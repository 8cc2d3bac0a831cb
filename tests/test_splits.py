"""Which rows train and which judge, and what the model's own Python may and may not do to them."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import DataRejected, HookFailed
from configs.metrics import Metric
from configs.model import ModelConfig
from configs.reading import read_file
from tasks.data.hooks import Hooks, load_hooks, parse_hooks, prepare
from tasks.data.splits import split, window_until
from tests.conftest import TINY_HOOKS

END = datetime(2018, 8, 8)

# the smallest model, but for its split
DOCUMENT: dict[str, Any] = {
    "name": "any",
    "description": "any",
    "owner": "any",
    "data": {
        "source": {"kind": "files", "path": "/a.csv"},
        "columns": {"id": "int64", "at": "datetime", "bad": "int64", "x": "float64"},
        "key": "id",
        "time": "at",
        "target": "bad",
        "features": ["x"],
    },
    "train": {"estimator": "sklearn.linear_model.LogisticRegression"},
    "metrics": ["f1"],
    "gate": [{"metric": "f1", "at_least": 0}],
}


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    return read_file(tiny)


@pytest.fixture
def hooks(config: ModelConfig, tiny: Path) -> Hooks:
    return load_hooks(config, tiny.with_suffix(".py"))


@pytest.fixture
def rows() -> pd.DataFrame:
    """Six rows a day for each of the seven days the tiny model reads."""
    n = np.arange(42)
    at = pd.date_range("2018-08-01", periods=42, freq="4h").astype("datetime64[us]")
    return pd.DataFrame(
        {"id": n + 100, "at": at, "customer": n % 3, "amount": n + 1.0, "bad": n % 2}
    )


def with_hook(config: ModelConfig, tiny: Path, name: str, body: str) -> Hooks:
    """The tiny model's hooks, one of them with another body."""
    head = next(line for line in TINY_HOOKS.splitlines() if line.startswith(f"def {name}("))
    return parse_hooks(config, f"{TINY_HOOKS}\n\n{head}\n    {body}\n", tiny.with_suffix(".py"))


def test_a_split_by_time_may_judge_only_groups_that_training_has_not_seen(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    by_group = config.split.model_copy(update={"group": "customer", "exclude": None})
    rows.loc[rows["at"] >= "2018-08-06", "customer"] += 1
    rows = prepare(config, hooks, rows)
    window = window_until(config, END)
    partitions = split(config.model_copy(update={"split": by_group}), hooks, rows, window)
    assert set(partitions.train["customer"]) == {0, 1, 2}
    assert set(partitions.holdout["customer"]) == {3}
    assert partitions.left_out == 8


def test_no_hook_can_change_the_rows_that_are_split(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame
) -> None:
    meddling = with_hook(
        config,
        tiny,
        "first_customer",
        'rows["amount"].array[:] = -1.0; return rows["customer"] == 0',
    )
    # the hook is handed some of the first rows, and all of the second
    for frame in (rows, rows[rows["at"] >= "2018-08-02"]):
        partitions = split(config, meddling, frame, window_until(config, END))
        divided = pd.concat([partitions.train, partitions.delay, partitions.holdout])
        assert (divided["amount"] > 0).all()


def test_the_window_counts_back_from_as_of(config: ModelConfig) -> None:
    span = window_until(config, END)
    assert span.holdout_end == END
    assert span.holdout_start == datetime(2018, 8, 6)
    assert span.train_end == datetime(2018, 8, 5)
    assert span.train_start == datetime(2018, 8, 2)
    assert span.history_start == datetime(2018, 8, 1)
    assert str(span) == "train 2018-08-02 .. 2018-08-05, holdout 2018-08-06 .. 2018-08-08"


@given(
    as_of=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),
    days=st.tuples(st.integers(0, 90), st.integers(1, 400), st.integers(0, 90), st.integers(1, 90)),
)
def test_the_spans_follow_each_other_and_are_as_long_as_the_yaml_says(
    as_of: datetime, days: tuple[int, ...]
) -> None:
    history, train, delay, holdout = days
    split_by_time = {
        "by": "time",
        "train_days": train,
        "delay_days": delay,
        "holdout_days": holdout,
    }
    document = DOCUMENT | {
        "data": DOCUMENT["data"] | {"history_days": history},
        "split": split_by_time,
    }
    span = window_until(ModelConfig.model_validate(document), as_of)
    edges = [
        span.history_start,
        span.train_start,
        span.train_end,
        span.holdout_start,
        span.holdout_end,
    ]
    assert [(late - early).days for early, late in pairwise(edges)] == list(days)
    assert edges == sorted(edges)
    assert span.holdout_end == as_of


@pytest.mark.parametrize(
    "as_of",
    [
        datetime(2018, 8, 8, 2, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2018, 8, 7, 20, tzinfo=ZoneInfo("America/New_York")),
        datetime(2018, 8, 8, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_an_instant_with_a_zone_is_taken_to_utc(config: ModelConfig, as_of: datetime) -> None:
    assert window_until(config, as_of) == window_until(config, END)


def test_partitions_hold_the_rows_of_their_spans_and_no_row_of_history_or_delay(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    span = window_until(config, END)
    partitions = split(config, hooks, rows, span)
    last_train_time = span.train_end - timedelta(hours=4)
    assert partitions.train["at"].min() == span.train_start
    assert partitions.train["at"].max() == last_train_time
    assert len(partitions.train) == 18
    assert partitions.holdout["at"].min() >= span.holdout_start
    assert partitions.holdout["at"].max() < span.holdout_end
    assert set(partitions.train["id"]) & set(partitions.holdout["id"]) == set()


def test_excluded_rows_are_left_out_of_the_holdout_alone_and_counted(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    partitions = split(config, hooks, rows, window_until(config, END))
    assert set(partitions.holdout["customer"]) == {1, 2}
    assert set(partitions.train["customer"]) == {0, 1, 2}
    assert (len(partitions.holdout), partitions.left_out) == (8, 4)
    assert str(partitions) == "18 train, 8 holdout, 4 left out"


def test_a_model_without_exclude_is_judged_on_every_holdout_row(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    config = config.model_copy(update={"split": config.split.model_copy(update={"exclude": None})})
    partitions = split(config, hooks, rows, window_until(config, END))
    assert (len(partitions.holdout), partitions.left_out) == (12, 0)


@pytest.mark.parametrize(("label", "positives"), [(0, "0"), (1, "18")])
def test_a_training_window_of_one_class_is_refused_with_its_counts(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, label: int, positives: str
) -> None:
    rows = rows.assign(bad=rows["bad"].mask(rows["at"] < datetime(2018, 8, 5), label))
    sentence = (
        r"the training window 2018-08-02 .. 2018-08-05 has 18 rows "
        rf"with {positives} positives of bad: both classes are needed"
    )
    with pytest.raises(DataRejected, match=sentence):
        split(config, hooks, rows, window_until(config, END))


@pytest.mark.parametrize(("label", "positives"), [(0, "0"), (1, "8")])
def test_a_holdout_of_one_class_is_refused_with_its_counts_after_exclusion(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, label: int, positives: str
) -> None:
    judged = (rows["at"] >= datetime(2018, 8, 6)) & (rows["customer"] != 0)
    rows = rows.assign(bad=rows["bad"].mask(judged, label))
    sentence = rf"the holdout 2018-08-06 .. 2018-08-08 has 8 rows with {positives} positives of bad"
    with pytest.raises(DataRejected, match=sentence):
        split(config, hooks, rows, window_until(config, END))


def test_a_window_without_rows_is_refused(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    with pytest.raises(DataRejected, match="has 0 rows with 0 positives"):
        split(config, hooks, rows.iloc[:0], window_until(config, END))


def test_a_holdout_that_exclude_empties_is_refused(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    with pytest.raises(DataRejected, match=r"the holdout .* has 0 rows"):
        split(config, hooks, rows.assign(customer=0), window_until(config, END))


def test_rows_read_without_a_holdout_are_split_into_training_alone(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    early = rows[rows["at"] < datetime(2018, 8, 5)]
    partitions = split(config, hooks, early, window_until(config, END), holdout=False)
    with pytest.raises(DataRejected, match=r"the holdout .* has 0 rows"):
        split(config, hooks, early, window_until(config, END))
    assert (len(partitions.train), len(partitions.holdout), partitions.left_out) == (18, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        'return (rows["customer"] == 0).to_numpy()',
        'return (rows["customer"] == 0).tolist()',
        'return rows["customer"]',
        'return (rows["customer"] == 0).astype("object")',
        'return (rows["customer"] == 0).reset_index(drop=True)',
        'return (rows["customer"] == 0).iloc[::-1]',
        'return (rows["customer"] == 0).iloc[1:]',
        'return rows[rows["customer"] == 0]',
        "return None",
    ],
)
def test_an_exclude_that_returns_anything_but_a_mask_of_its_rows_is_refused(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame, body: str
) -> None:
    hooks = with_hook(config, tiny, "first_customer", body)
    with pytest.raises(
        HookFailed,
        match="hook first_customer must return a boolean Series with one value for each of the 36 "
        "rows it was given",
    ):
        split(config, hooks, rows, window_until(config, END))


def test_exclude_cannot_change_the_rows_it_looks_at(
    config: ModelConfig, tiny: Path, hooks: Hooks, rows: pd.DataFrame
) -> None:
    changing = with_hook(
        config,
        tiny,
        "first_customer",
        'rows["bad"] = 1 - rows["bad"]; return rows["customer"] == 0',
    )
    honest, changed = (
        split(config, own_hooks, rows, window_until(config, END)) for own_hooks in (hooks, changing)
    )
    pd.testing.assert_frame_equal(changed.train, honest.train)
    pd.testing.assert_frame_equal(changed.holdout, honest.holdout)


def test_prepare_adds_columns_to_the_same_rows(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame
) -> None:
    rows = rows.set_index(pd.Index(range(500, 542)))
    prepared = prepare(config, hooks, rows)
    pd.testing.assert_frame_equal(prepared, rows.assign(double=rows["amount"] * 2))


def test_prepare_may_lose_the_index_and_the_rows_are_still_found(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame
) -> None:
    rows = rows.set_index(pd.Index(range(500, 542)))
    hooks = with_hook(
        config, tiny, "add_double", "return raw.assign(double=1.0).reset_index(drop=True)"
    )
    assert prepare(config, hooks, rows).index.equals(rows.index)


@pytest.mark.parametrize(
    "body",
    [
        'return raw[raw["id"] != 105]',
        "return raw.iloc[:0]",
        'return raw.sort_values("amount", ascending=False)',
        "return raw.iloc[[1, 0, *range(2, len(raw))]]",
        "return raw.iloc[[0, 0, *range(2, len(raw))]]",
        'return raw.drop(columns="id")',
        'return raw["amount"]',
        "return None",
    ],
)
def test_a_prepare_that_returns_other_rows_is_refused(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame, body: str
) -> None:
    hooks = with_hook(config, tiny, "add_double", body)
    with pytest.raises(
        HookFailed,
        match="hook add_double must return a DataFrame with the 42 rows it was given, "
        "in their order",
    ):
        prepare(config, hooks, rows)


@pytest.mark.parametrize(
    "body",
    [
        'raw["amount"] = 0.0; return raw',
        'raw.loc[:, "amount"] = 0.0; return raw',
        'raw.pop("bad"); return raw',
    ],
)
def test_prepare_cannot_change_the_raw_rows(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame, body: str
) -> None:
    before = rows.copy()
    prepare(config, with_hook(config, tiny, "add_double", body), rows)
    pd.testing.assert_frame_equal(rows, before)


def line_of(hooks: Hooks, words: str) -> int:
    return next(
        number for number, line in enumerate(hooks.source.splitlines(), start=1) if words in line
    )


@pytest.mark.parametrize(
    "body",
    [
        'raise ValueError("no such thing")',
        'return raw["no such thing"]',
        'raise SystemExit("no such thing")',
    ],
    ids=["itself", "within pandas", "to end the process"],
)
def test_a_hook_that_raises_is_named_with_its_own_file_and_line(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame, body: str
) -> None:
    hooks = with_hook(config, tiny, "add_double", body)
    with pytest.raises(
        HookFailed,
        match=rf"hook add_double raised \w+ .* at tiny\.py:{line_of(hooks, body)}; fix it",
    ):
        prepare(config, hooks, rows)


def test_an_exclude_that_raises_is_named_with_its_own_file_and_line(
    config: ModelConfig, tiny: Path, rows: pd.DataFrame
) -> None:
    hooks = with_hook(config, tiny, "first_customer", "return rows / window")
    line = line_of(hooks, "rows / window")
    with pytest.raises(
        HookFailed,
        match=rf"hook first_customer raised TypeError .* at tiny\.py:{line}; fix it and start",
    ):
        split(config, hooks, rows, window_until(config, END))


def test_hooks_that_cannot_be_loaded_are_refused_by_their_file(
    config: ModelConfig, tiny: Path
) -> None:
    with pytest.raises(
        HookFailed,
        match=r"tiny\.py cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'",
    ):
        parse_hooks(config, "import no_such_module", tiny.with_suffix(".py"))


def test_a_model_without_hooks_needs_no_file(
    config: ModelConfig, rows: pd.DataFrame, tmp_path: Path
) -> None:
    config = config.model_copy(
        update={
            "data": config.data.model_copy(update={"prepare": None}),
            "split": config.split.model_copy(update={"exclude": None}),
            "metrics": (Metric(name="roc_auc"),),
        }
    )
    hooks = load_hooks(config, tmp_path / "nowhere.py")
    assert (hooks.source, hooks.functions) == ("", {})
    pd.testing.assert_frame_equal(prepare(config, hooks, rows), rows)
