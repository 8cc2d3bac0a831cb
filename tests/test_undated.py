"""Data without days: rows drawn by key or group, partitions that a column names, made keys."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import ConfigError, DataRejected, UsageError
from configs.metrics import Metric
from configs.model import ModelConfig
from configs.reading import read_file
from configs.settings import Settings
from configs.split import HashSplit
from tasks.data import sources
from tasks.data.hooks import Hooks
from tasks.data.splits import drawn, settle_window, split

NO_HOOKS = Hooks("", "", {}, ())


@pytest.fixture
def tiny_config(tiny: Path) -> ModelConfig:
    return read_file(tiny)


def undated(config: ModelConfig, split_by: dict[str, Any], **data: Any) -> ModelConfig:
    """The model without time and hooks, split in another way; `data` changes that section."""
    without_days = {"prepare": None, "history_days": 0, "time": None, "features": ["amount"]}
    section = config.data.model_dump() | without_days | data
    return ModelConfig.model_validate(config.model_dump() | {"split": split_by, "data": section})


def rows(n: int = 1000) -> pd.DataFrame:
    number = np.arange(n)
    return pd.DataFrame(
        {
            "id": number,
            "customer": number % 50,
            "amount": number / 7,
            "bad": number % 2,
            "part": np.where(number < 700, "a", "b"),
        }
    )


BY_HASH = {"by": "hash", "holdout": 0.3}
BY_COLUMN = {"by": "column", "column": "part", "train": ["a"], "holdout": ["b"]}
WITH_PART = {
    "columns": {
        "id": "int64",
        "customer": "int64",
        "amount": "float64",
        "bad": "int64",
        "part": "string",
    }
}


@given(
    keys=st.lists(st.integers(), unique=True, min_size=1, max_size=30),
    more=st.lists(st.integers(), max_size=30),
    share=st.floats(0.05, 0.9),
)
def test_a_row_once_held_out_is_held_out_for_ever_whatever_else_there_is(
    keys: list[int], more: list[int], share: float
) -> None:
    """Among other rows, in another order, and when the share grows."""
    few = pd.Series(keys, dtype="object")
    many = pd.Series([*more, *reversed(keys)], dtype="object")
    by = HashSplit(by="hash", holdout=share)
    by_larger_share = HashSplit(by="hash", holdout=min(0.99, share + 0.05))
    held_out = set(few[drawn(few, by)])
    assert held_out == set(many[drawn(many, by)]) & set(keys)
    assert held_out <= set(few[drawn(few, by_larger_share)])


def test_the_draw_is_the_sha256_of_salt_type_and_key() -> None:
    """So that anybody can compute it again."""
    keys = pd.Series(range(20))
    digests = [hashlib.sha256(f"s\0int64\0{key}".encode()).digest() for key in keys]
    held_out = [int.from_bytes(digest[:8]) / 2**64 < 0.4 for digest in digests]
    assert list(drawn(keys, HashSplit(by="hash", holdout=0.4, salt="s"))) == held_out
    assert list(drawn(keys, HashSplit(by="hash", holdout=0.4))) != held_out


def test_by_hash_the_partitions_share_no_row_and_have_their_shares(
    tiny_config: ModelConfig,
) -> None:
    partitions = split(undated(tiny_config, BY_HASH), NO_HOOKS, rows(), None)
    assert set(partitions.train["id"]) | set(partitions.holdout["id"]) == set(range(1000))
    assert not set(partitions.train["id"]) & set(partitions.holdout["id"])
    assert 250 < len(partitions.holdout) < 350


def test_by_hash_of_a_group_no_group_is_in_both_partitions(tiny_config: ModelConfig) -> None:
    partitions = split(
        undated(tiny_config, BY_HASH | {"group": "customer"}), NO_HOOKS, rows(), None
    )
    assert len(partitions.train) + len(partitions.holdout) == 1000
    assert not set(partitions.train["customer"]) & set(partitions.holdout["customer"])


def test_by_column_the_partitions_have_the_rows_it_names_and_the_others_are_counted(
    tiny_config: ModelConfig,
) -> None:
    frame = rows().assign(part=lambda all_rows: all_rows["part"].mask(all_rows["id"] >= 900, "c"))
    partitions = split(undated(tiny_config, BY_COLUMN, **WITH_PART), NO_HOOKS, frame, None)
    assert (list(partitions.train["id"]), list(partitions.holdout["id"]), partitions.left_out) == (
        list(range(700)),
        list(range(700, 900)),
        100,
    )


@dataclass(frozen=True)
class Refusal:
    """Rows that a split cannot divide into partitions of use, and what it says of them."""

    split_by: dict[str, Any]
    sentence: str
    spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame
    drop_nulls: tuple[str, ...] = ()


REFUSALS = {
    "no holdout rows": Refusal(
        BY_COLUMN,
        r"split.holdout: no row has part b; change it to values that the rows have: a$",
        lambda frame: frame.assign(part="a"),
    ),
    "groups on both sides": Refusal(
        BY_COLUMN | {"group": "customer"},
        r"50 values of customer are in both training and holdout, on 300 of 300 holdout rows",
    ),
    "a holdout of negatives": Refusal(
        BY_COLUMN,
        r"the holdout has 300 rows with 0 positives of bad: both classes are needed; "
        r"change split in the YAML$",
        lambda frame: frame.assign(bad=frame["bad"].where(frame["part"] == "a", 0)),
    ),
    "training on positives": Refusal(
        BY_COLUMN,
        r"the training partition has 700 rows with 700 positives of bad",
        lambda frame: frame.assign(bad=frame["bad"].where(frame["part"] == "b", 1)),
    ),
    "nothing but nulls": Refusal(
        BY_HASH,
        r"the training partition has 0 rows with 0 positives",
        lambda frame: frame.assign(amount=np.nan),
        drop_nulls=("amount",),
    ),
    "one row": Refusal(
        BY_HASH,
        r"the training partition has [01] rows with [01] positives",
        lambda frame: frame.head(1),
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_partitions_that_cannot_be_learned_from_or_judged_on_are_refused_with_their_counts(
    tiny_config: ModelConfig, refusal: Refusal
) -> None:
    config = undated(tiny_config, refusal.split_by, **WITH_PART, drop_nulls=refusal.drop_nulls)
    with pytest.raises(DataRejected, match=refusal.sentence):
        split(config, NO_HOOKS, refusal.spoil(rows()), None)


def test_a_class_that_no_training_row_has_is_refused_by_its_name(tiny_config: ModelConfig) -> None:
    config = undated(
        tiny_config.model_copy(
            update={"kind": "multiclass", "metrics": (Metric(name="accuracy"),)}
        ),
        BY_COLUMN,
        **WITH_PART,
    )
    frame = rows().assign(bad=lambda all_rows: all_rows["bad"].mask(all_rows["id"] > 996, 7))
    with pytest.raises(
        DataRejected, match=r"the holdout has classes of bad that no training row has: 7 \(3 rows\)"
    ):
        split(config, NO_HOOKS, frame, None)


def test_a_run_that_reads_no_holdout_gets_none(tiny_config: ModelConfig) -> None:
    assert split(undated(tiny_config, BY_HASH), NO_HOOKS, rows(), None, holdout=False).holdout.empty


def test_rows_with_a_null_where_none_is_wanted_are_left_out_and_counted(
    tiny_config: ModelConfig,
) -> None:
    config = undated(tiny_config, BY_HASH, drop_nulls=["amount"])
    partitions = split(
        config,
        NO_HOOKS,
        rows().assign(amount=lambda all_rows: all_rows["amount"].mask(all_rows["id"] < 100)),
        None,
    )
    assert (len(partitions.train) + len(partitions.holdout), partitions.left_out) == (900, 100)
    with pytest.raises(
        ConfigError, match=r"data.drop_nulls: column amount is neither declared nor made"
    ):
        split(config, NO_HOOKS, rows().drop(columns="amount"), None)


def test_an_as_of_for_data_without_days_is_refused(
    tiny_config: ModelConfig, settings: Settings
) -> None:
    config = undated(tiny_config, BY_HASH)
    assert settle_window(config, None, settings.data) is None
    with pytest.raises(
        UsageError,
        match=r"tiny is not split by time \(30% of the rows held out by hash\); start it without",
    ):
        settle_window(config, pd.Timestamp("2026-01-01").to_pydatetime(), settings.data)


def test_rows_without_a_key_are_named_by_their_file_and_place(
    tiny_config: ModelConfig, settings: Settings
) -> None:
    config = undated(
        tiny_config,
        BY_HASH,
        key="row",
        private=[],
        columns={"amount": "float64", "bad": "int64"},
        source={"kind": "files", "path": "${RATCHET_DATA}/**/*.parquet", "origin": "file"},
    )
    for name in ("one/x", "two/x"):
        (settings.data / name).parent.mkdir(parents=True)
        rows(3).to_parquet(settings.data / f"{name}.parquet")
    loaded = sources.load(config, None, settings.data)
    assert list(loaded["row"]) == [
        f"{folder}/x.parquet:{n}" for folder in ("one", "two") for n in range(3)
    ]
    assert set(loaded["file"]) == {"x"}


def test_a_functions_rows_are_those_it_holds_as_a_frame(
    tiny_config: ModelConfig, settings: Settings
) -> None:
    source = {
        "kind": "python",
        "function": "sklearn.datasets.load_iris",
        "arguments": {"as_frame": True},
    }
    columns = {"petal width (cm)": "float64", "target": "int64"}
    config = undated(
        tiny_config,
        BY_HASH,
        key="row",
        source=source,
        columns=columns,
        target="target",
        private=[],
        features=["petal width (cm)"],
    )
    assert list(sources.load(config, None, settings.data).columns) == [*columns, "row"]
    for arguments, sentence in (
        ({}, "returned Bunch; it must return a DataFrame"),
        ({"as_frames": True}, "failed: TypeError: "),
    ):
        wrong = undated(config, BY_HASH, source=source | {"arguments": arguments})
        with pytest.raises(DataRejected, match=f"sklearn.datasets.load_iris {sentence}"):
            sources.load(wrong, None, settings.data)
