"""A check that could never fail, or never pass, for the types of its columns is refused."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from configs.check_types import type_problems
from configs.checks import Check
from configs.dtypes import Dtype, as_instant
from configs.expectations import problem_with
from tasks.data import expectations

TYPES: dict[str, Dtype] = {
    "n": "int64",
    "x": "float64",
    "b": "bool",
    "s": "string",
    "t": "datetime",
}
ROWS = pd.DataFrame(
    {
        "n": pd.array([1, 2, None], dtype="Int64"),
        "x": [0.5, 1.5, 2.5],
        "b": pd.array([True, False, None], dtype="boolean"),
        "s": ["a", "b", "c"],
        "t": pd.to_datetime(["2026-02-01", "2026-02-02", "2026-02-03"]).as_unit("us"),
    }
)


def problems(expect: str, **arguments: Any) -> list[str]:
    shape = problem_with(expect, arguments)
    return [shape] if shape else list(type_problems(expect, arguments, TYPES))


IN_SET = ("column_values_to_be_in_set", "column_values_to_not_be_in_set")
WRONG: list[tuple[str, dict[str, Any]]] = [
    *((expect, {"column": "s", "value_set": [99]}) for expect in IN_SET),
    *((expect, {"column": "n", "value_set": ["99"]}) for expect in IN_SET),
    *((expect, {"column": "x", "value_set": [1.5, True]}) for expect in IN_SET),
    *((expect, {"column": "b", "value_set": ["yes"]}) for expect in IN_SET),
    *((expect, {"column": "t", "value_set": ["2026-02-01"]}) for expect in IN_SET),
    ("column_distinct_values_to_equal_set", {"column": "s", "value_set": [1]}),
    ("column_distinct_values_to_contain_set", {"column": "t", "value_set": ["soon"]}),
    ("column_most_common_value_to_be_in_set", {"column": "n", "value_set": ["1"]}),
    ("column_most_common_value_to_be_in_set", {"column": "t", "value_set": ["2026-02-01"]}),
    ("column_values_to_be_between", {"column": "s", "min_value": 1}),
    ("column_values_to_be_between", {"column": "b", "max_value": 1}),
    ("column_values_to_be_between", {"column": "n", "max_value": "2026-01-01"}),
    ("column_max_to_be_between", {"column": "t", "max_value": 7}),
    ("column_median_to_be_between", {"column": "t", "max_value": 7}),
    ("column_mean_to_be_between", {"column": "s", "max_value": 7}),
    ("column_stdev_to_be_between", {"column": "t", "max_value": 7}),
    ("column_values_to_match_regex", {"column": "n", "regex": "^1"}),
    ("column_values_to_not_match_regex", {"column": "t", "regex": "^1"}),
    ("column_value_lengths_to_equal", {"column": "n", "value": 2}),
    ("column_values_to_match_strftime_format", {"column": "t", "strftime_format": "%Y"}),
    ("column_pair_values_to_be_equal", {"column_A": "n", "column_B": "s"}),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "t", "column_B": "x"}),
    (
        "column_pair_values_to_be_in_set",
        {"column_A": "s", "column_B": "n", "value_pairs_set": [["a", "1"]]},
    ),
    ("multicolumn_values_to_be_equal", {"column_list": ["n", "s"]}),
    ("column_values_to_not_be_null", {"column": "x", "row_condition": ("s", "==", 1)}),
    ("column_values_to_not_be_null", {"column": "x", "row_condition": ("n", "in", ["1"])}),
    ("column_values_to_not_be_null", {"column": "x", "row_condition": ("t", ">", 2026)}),
    (
        "column_values_to_not_be_null",
        {"column": "x", "row_condition": ("t", ">", "2026-02-01T00:00:00Z")},
    ),
    ("column_values_to_not_be_null", {"column": ["x"]}),
    ("column_values_to_not_be_null", {"column": 3}),
    ("column_values_to_not_be_null", {"column": None}),
    ("column_values_to_be_in_set", {"column": "n", "value_set": 1}),
    ("column_values_to_not_be_in_set", {"column": "n", "value_set": []}),
    ("column_values_to_be_between", {"column": "n", "min_value": [1]}),
    ("column_values_to_be_between", {"column": "n", "min_value": True}),
    ("column_values_to_match_regex", {"column": "s", "regex": 1}),
    ("column_values_to_match_regex_list", {"column": "s", "regex_list": [1]}),
    ("compound_columns_to_be_unique", {"column_list": 3}),
    (
        "column_pair_values_to_be_in_set",
        {"column_A": "s", "column_B": "n", "value_pairs_set": ["a1"]},
    ),
]


@pytest.mark.parametrize(("expect", "arguments"), WRONG, ids=str)
def test_what_cannot_be_compared_is_refused(expect: str, arguments: dict[str, Any]) -> None:
    assert len(problems(expect, **with_condition(arguments))) == 1


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("column_values_to_be_in_set", {"column": "s", "value_set": ["a", "b", "c"]}),
    ("column_values_to_be_in_set", {"column": "n", "value_set": [1, 2.0]}),
    ("column_values_to_be_in_set", {"column": "b", "value_set": [0, 1]}),
    ("column_values_to_be_between", {"column": "t", "min_value": "2026-02-01T00:00:00Z"}),
    ("column_values_to_be_between", {"column": "t", "max_value": datetime(2026, 2, 3, tzinfo=UTC)}),
    ("column_median_to_be_between", {"column": "t", "min_value": "2026-02-01"}),
    ("column_values_to_be_between", {"column": "n", "min_value": 0.5}),
    ("column_mean_to_be_between", {"column": "b", "min_value": 0.5}),
    (
        "column_distinct_values_to_be_in_set",
        {"column": "t", "value_set": ["2026-02-01", "2026-02-02", "2026-02-03"]},
    ),
    ("column_values_to_match_regex", {"column": "s", "regex": "^[abc]$"}),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "x", "column_B": "made"}),
    ("compound_columns_to_be_unique", {"column_list": ["s", "n"]}),
    ("column_values_to_not_be_null", {"column": "x", "row_condition": ("t", ">", "2026-02-01")}),
    ("column_values_to_not_be_null", {"column": "x", "row_condition": ("s", "in", ["a"])}),
    ("column_values_to_not_be_null", {"column": "x", "row_condition": ("b", "==", True)}),
]


@pytest.mark.parametrize(("expect", "arguments"), RIGHT, ids=str)
def test_what_can_be_compared_is_computed(expect: str, arguments: dict[str, Any]) -> None:
    arguments = with_condition(arguments)
    assert problems(expect, **arguments) == []
    rows = ROWS.assign(made=[0.1, 1.0, 2.0])
    result = expectations.compute(rows, [Check(id="c", expect=expect, **arguments)])["c"]
    assert (result.error, result.success) == ("", True)


def with_condition(arguments: dict[str, Any]) -> dict[str, Any]:
    if "row_condition" not in arguments:
        return arguments
    column, operator, value = arguments["row_condition"]
    return arguments | {"row_condition": {"column": column, "operator": operator, "value": value}}


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-02-01", datetime(2026, 2, 1)),
        ("2026-02-01T02:00:00+02:00", datetime(2026, 2, 1)),
        ("2026-02-01T00:00:00Z", datetime(2026, 2, 1)),
        (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 1)),
        ("soon", None),
        (2026, None),
    ],
)
def test_a_time_with_a_zone_is_one_in_utc(value: object, instant: datetime | None) -> None:
    assert as_instant(value) == instant
