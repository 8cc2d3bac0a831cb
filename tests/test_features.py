"""Features reach the estimator in plain types, and a model learns from what it later meets."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.model import ModelConfig
from tasks.data.features import with_plain_features
from tasks.data.splits import Partitions
from tasks.model.partition_checks import check_partitions
from tasks.model.scores import score
from tasks.model.training import fit
from tasks.tracking import model_files
from tests.test_file_rows import model

PLAIN: dict[str, tuple[Any, str, list[Any]]] = {
    "Int64": (pd.array([1, None], dtype="Int64"), "float64", [1.0, None]),
    "Int64 without nulls": (pd.array([1, 2], dtype="Int64"), "float64", [1.0, 2.0]),
    "Float64": (pd.array([0.5, None], dtype="Float64"), "float64", [0.5, None]),
    "boolean": (pd.array([True, None], dtype="boolean"), "float64", [1.0, None]),
    "category": (pd.Categorical(["a", None]), "str", ["a", None]),
    "category of numbers": (pd.Categorical([3, None]), "float64", [3.0, None]),
    "string": (pd.array(["a", None], dtype="string"), "str", ["a", None]),
    "objects": (np.array(["a", None], dtype=object), "str", ["a", None]),
    "flags as objects": (np.array([True, None], dtype=object), "float64", [1.0, None]),
    "numbers as objects": (np.array([1, 2.5], dtype=object), "float64", [1.0, 2.5]),
    "arrow": (pd.array([1, None], dtype="int64[pyarrow]"), "float64", [1.0, None]),
    "int64": (np.array([1, 2]), "int64", [1, 2]),
    "bool": (np.array([True, False]), "bool", [True, False]),
    "datetime": (pd.to_datetime(["2026-01-01", None]).as_unit("us"), "datetime64[us]", None),
}


@pytest.mark.parametrize(("values", "dtype", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_a_feature_of_any_type_of_pandas_becomes_one_that_models_take(
    values: Any, dtype: str, expected: list[Any] | None
) -> None:
    rows = with_plain_features(pd.DataFrame({"x": values, "other": [1, 2]}), ["x", "missing"])
    assert str(rows["x"].dtype) == dtype
    if expected:
        known = rows["x"].astype(object).where(rows["x"].notna(), None)
        assert known.tolist() == expected


def taking(encode: str | None, declared: str = "string", impute: str | None = None) -> ModelConfig:
    """A regression on x, which is encoded so."""
    group = {"columns": ["x"], "encode": encode, "impute": impute}
    config = model({"x": declared}).model_dump()
    config["data"]["features"] = ["x"]
    config["train"] = {"estimator": "sklearn.linear_model.Ridge"}
    if encode or impute:
        config["train"]["preprocess"] = [{key: group[key] for key in group if group[key]}]
    return ModelConfig.model_validate(config)


def rows(x: list[Any], dtype: str = "str") -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(x, dtype=dtype), "y": np.arange(len(x)) / 2})


def partitions(train: pd.DataFrame, holdout: pd.DataFrame) -> Partitions:
    return Partitions(train, holdout, left_out=0)


WORDS = ["blue sky", "sky", "red"]


@pytest.mark.parametrize("encode", ["one_hot", "ordinal", "target", "counts"])
@pytest.mark.parametrize("train", [[*WORDS, "red"], [*WORDS, None]])
def test_an_encoding_takes_a_null_whether_training_has_seen_one_or_not(
    encode: str, train: list[Any]
) -> None:
    config = taking(encode)
    parts = partitions(rows(train * 2), rows(["red", None, "blue sky", "new"]))
    assert check_partitions(parts, config).critical == ()
    pipeline = fit(config, parts.train)
    assert np.isfinite(score(pipeline, config, parts.holdout)).all()


@pytest.mark.parametrize(
    ("encode", "seen", "unseen"), [("one_hot", [0, 0, 1], [0, 0]), ("ordinal", [-1], [-2])]
)
def test_a_null_is_a_category_of_its_own_only_if_training_has_one(
    encode: str, seen: list[int], unseen: list[int]
) -> None:
    null = rows([None])[["x"]]
    for train, expected in ((["a", "b", None, "a"], seen), (["a", "b", "a", "b"], unseen)):
        columns = fit(taking(encode), rows(train)).named_steps["columns"]
        assert columns.transform(null).ravel().tolist() == expected


def outcome(config: ModelConfig, train: pd.DataFrame, holdout: pd.DataFrame) -> list[str]:
    failures = check_partitions(partitions(train, holdout), config).failures
    about_x = [failure for failure in failures if failure.check.endswith("-x")]
    return [f"{failure.check} {failure.severity}" for failure in about_x]


NUMBERS = rows([1.0, 2.0, 3.0, 4.0], "float64")
WITH_NULLS = rows([1.0, None, 3.0, 4.0], "float64")
NULLS = rows([None, None], "float64")


def test_nulls_are_stopped_or_counted_where_they_matter() -> None:
    plain, imputed = taking(None, "float64"), taking(None, "float64", "median")
    assert outcome(plain, NUMBERS, NUMBERS) == []
    assert outcome(plain, NULLS, NUMBERS) == ["structure-learned-x critical"]
    assert outcome(imputed, NULLS, NUMBERS) == ["structure-learned-x critical"]
    assert outcome(plain, WITH_NULLS, NUMBERS) == ["structure-nulls-x critical"]
    assert outcome(plain, NUMBERS, WITH_NULLS) == ["structure-nulls-x critical"]
    assert outcome(imputed, NUMBERS, WITH_NULLS) == ["structure-nulls-x warning"]
    assert outcome(imputed, WITH_NULLS, WITH_NULLS) == []
    assert outcome(imputed, NUMBERS, NULLS) == ["structure-delivered-x critical"]
    assert outcome(plain, NUMBERS, NUMBERS.head(0)) == []


def test_an_estimator_that_takes_nulls_needs_no_imputing() -> None:
    config = taking(None, "float64").model_dump()
    config["train"]["estimator"] = "sklearn.ensemble.HistGradientBoostingRegressor"
    assert outcome(ModelConfig.model_validate(config), WITH_NULLS, WITH_NULLS) == []


def test_categories_that_training_has_not_seen_are_counted() -> None:
    report = check_partitions(
        partitions(rows(["a", "b", "a"]), rows(["a", "c", "d", None])), taking("one_hot")
    )
    sentences = {failure.check: failure.sentence for failure in report.failures}
    assert sentences["structure-seen-x"] == "2 of 4 rows have a x that no training row has"


def test_holdout_rows_that_training_has_the_like_of_are_counted() -> None:
    train, holdout = rows(["a", "b", "c", None]), rows(["a", "b", "x", None, "c"])
    report = check_partitions(partitions(train, holdout), taking("one_hot"))
    (twins,) = [failure for failure in report.failures if failure.check == "structure-twins"]
    # the targets count the rows: c has another one
    assert (twins.failed_rows, twins.rows, twins.severity) == (3, 5, "warning")
    assert twins.sentence == (
        "3 of 5 holdout rows have the features and the target of a training row"
    )


@pytest.mark.parametrize(
    ("key", "split", "is_told"),
    [
        ("row", {"by": "hash", "holdout": 0.2}, True),
        ("row", {"by": "hash", "holdout": 0.2, "group": "x"}, False),
        ("x", {"by": "hash", "holdout": 0.2}, False),
        ("row", {"by": "column", "column": "x", "train": ["a"], "holdout": ["b"]}, False),
    ],
)
def test_it_is_told_where_rows_are_held_out_by_their_place(
    key: str, split: dict[str, Any], is_told: bool
) -> None:
    config = taking("one_hot").model_dump()
    config["data"]["key"], config["split"] = key, split
    report = check_partitions(
        partitions(rows(["a", "b"]), rows(["c"])), ModelConfig.model_validate(config)
    )
    assert ("structure-identity" in [failure.check for failure in report.failures]) == is_told


@pytest.mark.parametrize("declared", ["int64", "bool"])
def test_whole_numbers_and_flags_with_nulls_have_a_signature_of_floats(
    tmp_path: Path, declared: str
) -> None:
    nullable = {"int64": "Int64", "bool": "boolean"}[declared]
    values = {"int64": [1, None, 3, 4], "bool": [True, None, False, True]}[declared]
    config = taking(None, declared, "median")
    plain = with_plain_features(rows(values, nullable), ["x"])
    signed = model_files.sign(fit(config, plain), config, plain)
    assert [str(column.type) for column in signed.model_signature.inputs] == ["DataType.double"]
