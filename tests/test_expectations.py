"""The table of expectations is what Great Expectations has; a wrong check is refused helpfully."""

from datetime import date
from typing import Any

import pytest

from configs.checks import Check
from configs.conditions import COMPARISONS, NULLITY
from configs.expectations import condition_columns, known, problem_with
from tasks.data.expectations import to_expectation
from tests.expectation_table import table

ARGUMENTS: dict[str, Any] = {
    "column": "amount",
    "column_A": "amount",
    "column_B": "double",
    "column_list": ["amount", "double"],
    "value_set": [0, 1],
    "value_pairs_set": [[0, 1]],
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]},
    "type_": "float64",
    "value": 3,
    "threshold": 3,
    "partition_object": {"bins": [0, 1], "weights": [1.0]},
    "double_sided": True,
    "json_schema": {"type": "object"},
    "regex": "^a",
    "regex_list": ["^a"],
    "strftime_format": "%Y",
    "sum_total": 1,
}


def plausible(expect: str) -> dict[str, Any]:
    """The required arguments of an expectation, and a bound where it takes bounds."""
    bound = {"min_value": 0} if "min_value" in known()[expect]["arguments"] else {}
    return {name: ARGUMENTS[name] for name in known()[expect]["required"]} | bound


def test_the_table_is_what_great_expectations_itself_registers() -> None:
    assert known() == table()


def test_every_expectation_of_the_table_can_be_made_with_its_required_arguments() -> None:
    for expect in known():
        assert problem_with(expect, plausible(expect)) is None
        check = Check(id="sample", expect=expect, severity="warning", **plausible(expect))
        expectation = to_expectation(check)
        assert expectation.expectation_type == f"expect_{expect}"
        assert expectation.severity == "warning"
        assert expectation.meta == {"check": "sample"}


def test_a_missing_required_argument_is_refused_by_its_name() -> None:
    for expect, entry in known().items():
        for name in entry["required"]:
            arguments = plausible(expect)
            del arguments[name]
            assert problem_with(expect, arguments) == f"{expect} needs {name}"


PROBLEMS: list[tuple[str, dict[str, Any], str]] = [
    (
        "column_values_to_be_betwen",
        {},
        "no expectation 'column_values_to_be_betwen'; did you mean column_values_to_be_between",
    ),
    ("expect_column_values_to_be_unique", {}, "did you mean column_values_to_be_unique"),
    ("zzz", {}, "did you mean column_values_to_not_be_null"),
    (
        "column_values_to_be_between",
        {"column": "a", "maxvalue": 1},
        "has no argument 'maxvalue'; did you mean max_value?",
    ),
    (
        "column_to_exist",
        {"column": "a", "zzz": 1},
        "has no argument 'zzz'; it has column, column_index",
    ),
    (
        "column_values_to_be_between",
        {"column": "a", "result_format": "COMPLETE"},
        "has no argument 'result_format'",
    ),
    ("column_values_to_be_in_set", {"column": "a"}, "column_values_to_be_in_set needs value_set"),
    ("column_values_to_be_in_set", {}, "column_values_to_be_in_set needs column, value_set"),
    (
        "column_values_to_be_between",
        {"column": "a", "min_value": 2, "max_value": 1},
        "min_value 2 is above max_value 1",
    ),
    (
        "column_values_to_be_between",
        {"column": "a"},
        "needs min_value or max_value, or it checks nothing",
    ),
    (
        "column_values_to_be_between",
        {"column": "a", "min_value": None},
        "needs min_value or max_value, or it checks nothing",
    ),
    ("table_row_count_to_be_between", {}, "needs min_value or max_value, or it checks nothing"),
    (
        "column_values_to_be_unique",
        {"column": "a", "mostly": 0},
        "mostly is 0; it must be a share above 0 and at most 1",
    ),
    ("column_values_to_be_unique", {"column": "a", "mostly": 1.01}, "mostly is 1.01"),
    ("column_values_to_be_unique", {"column": "a", "mostly": -0.5}, "mostly is -0.5"),
    ("column_values_to_be_unique", {"column": "a", "mostly": "0.9"}, "mostly is '0.9'"),
    ("column_values_to_be_unique", {"column": "a", "mostly": float("nan")}, "mostly is nan"),
    (
        "column_values_to_not_match_regex",
        {"column": "a", "regex": "(a"},
        "regex '(a' is not a valid regex",
    ),
]


@pytest.mark.parametrize(("expect", "arguments", "sentence"), PROBLEMS)
def test_a_wrong_check_is_refused_in_a_sentence_that_says_what_is_allowed(
    expect: str, arguments: dict[str, Any], sentence: str
) -> None:
    assert sentence in (problem_with(expect, arguments) or "no problem")


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_value": 1, "max_value": 1},
        {"min_value": 0},
        {"max_value": 0},
        {"max_value": 0, "mostly": 1},
        {"max_value": 0, "mostly": 0.001},
        # not comparable here: for Great Expectations to judge
        {"min_value": date(2018, 1, 1), "max_value": 3},
    ],
)
def test_bounds_at_the_edge_are_allowed(arguments: dict[str, Any]) -> None:
    assert problem_with("column_values_to_be_between", {"column": "amount"} | arguments) is None


WRONG_SHAPE = "write row_condition as {column: NAME"
CONDITIONS = [
    ("amount > 3", WRONG_SHAPE),
    ({}, WRONG_SHAPE),
    (["amount", ">", 3], WRONG_SHAPE),
    ({"column": "amount"}, WRONG_SHAPE),
    ({"operator": "is_null"}, WRONG_SHAPE),
    ({"column": "amount", "operator": ">", "value": 3, "also": 1}, WRONG_SHAPE),
    ({"column": "amount", "operator": "=", "value": 3}, "has no operator '='; it has ==, !=, <"),
    ({"column": "amount", "operator": ">"}, "> needs a value"),
    ({"column": "amount", "operator": "not in"}, "not in needs a value"),
    ({"column": "amount", "operator": "is_null", "value": 3}, "is_null takes no value"),
]


@pytest.mark.parametrize(("condition", "sentence"), CONDITIONS)
def test_a_wrong_row_condition_is_refused(condition: Any, sentence: str) -> None:
    arguments = {"column": "amount", "row_condition": condition}
    assert sentence in (problem_with("column_values_to_be_unique", arguments) or "no problem")


@pytest.mark.parametrize("operator", [*COMPARISONS, *NULLITY])
def test_every_operator_of_a_row_condition_is_allowed_and_can_be_made(operator: str) -> None:
    condition: dict[str, Any] = {"column": "double", "operator": operator}
    if operator in COMPARISONS:
        condition["value"] = [3] if "in" in operator else 3
    arguments = {"column": "amount", "row_condition": condition}
    assert problem_with("column_values_to_be_unique", arguments) is None
    assert condition_columns(arguments) == ("double",)
    check = Check(id="sample", expect="column_values_to_be_unique", **arguments)
    assert to_expectation(check).row_condition is not None
