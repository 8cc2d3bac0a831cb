"""The expectations of Great Expectations, known without importing it: names and arguments.

They are read from a table, expectations.json, that tests/expectation_table.py generates from Great
Expectations itself.

Not here: computing an expectation (tasks/data/expectations.py); the other keys of a check
(checks.py).
"""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from configs.conditions import condition_problem
from configs.dtypes import as_instant

TABLE = Path(__file__).with_name("expectations.json")

# what some arguments must be
TEXTS = {
    "column": "column's name",
    "column_A": "column's name",
    "column_B": "column's name",
    "regex": "regular expression",
    "strftime_format": "format",
}
LISTS = {
    "column_list": "columns' names",
    "column_set": "columns' names",
    "regex_list": "regular expressions",
    "value_set": "values",
    "value_pairs_set": "pairs, as [[a, 1], [b, 2]]",
}
LISTS_OF_TEXTS = ("column_list", "column_set", "regex_list")


@cache
def known() -> dict[str, dict[str, list[str]]]:
    """The expectations by name, without `expect_`: all their `arguments`, and those `required`."""
    table: dict[str, dict[str, list[str]]] = json.loads(TABLE.read_text())
    return table


def problem_with(expect: str, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with a check and what is allowed, in a sentence; None when nothing is wrong."""
    if expect not in known():
        return _unknown_expectation(expect)
    problems = (
        _argument_problem(expect, arguments),
        _shape_problem(arguments),
        _bounds_problem(expect, arguments),
        _mostly_problem(arguments.get("mostly")),
        _regex_problem(arguments.get("regex")),
        _row_condition_problem(arguments.get("row_condition")),
    )
    return next((problem for problem in problems if problem), None)


def condition_columns(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a check's row_condition names."""
    condition = arguments.get("row_condition")
    return (condition["column"],) if condition else ()


def _unknown_expectation(expect: str) -> str:
    close = get_close_matches(expect.removeprefix("expect_"), known(), n=3, cutoff=0.5)
    suggestion = " or ".join(close) or "column_values_to_not_be_null"
    return f"there is no expectation {expect!r}; did you mean {suggestion}?"


def _argument_problem(expect: str, arguments: Mapping[str, Any]) -> str | None:
    """An argument that the expectation does not have, or those it needs."""
    allowed = known()[expect]["arguments"]
    for name in arguments:
        if name not in allowed:
            close = get_close_matches(name, allowed, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(allowed)}"
            return f"{expect} has no argument {name!r}; {hint}"
    missing = [name for name in known()[expect]["required"] if name not in arguments]
    if missing:
        return f"{expect} needs {', '.join(missing)}"
    return None


def _shape_problem(arguments: Mapping[str, Any]) -> str | None:
    """An argument that is not the text or the list which it must be."""
    for name, value in arguments.items():
        if name in TEXTS and not isinstance(value, str):
            return f"{name} is {value!r}; write one {TEXTS[name]}"
        if name in LISTS and not (isinstance(value, list) and value):
            return f"{name} is {value!r}; write a list of {LISTS[name]}"
        if name in LISTS_OF_TEXTS and not all(isinstance(item, str) for item in value):
            return f"{name} is {value!r}; write a list of {LISTS[name]}"
    pairs = arguments.get("value_pairs_set", ())
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return f"value_pairs_set is {pairs!r}; write a list of pairs, as [[a, 1], [b, 2]]"
    return None


def _bounds_problem(expect: str, arguments: Mapping[str, Any]) -> str | None:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    takes_bounds = "min_value" in known()[expect]["arguments"]
    if takes_bounds and low is None and high is None:
        return f"{expect} needs min_value or max_value, or it checks nothing"
    for bound in (low, high):
        if isinstance(bound, bool | list | dict):
            return f"{bound!r} is not a bound; write a number, or a time like 2026-01-31T00:00:00"
        if isinstance(bound, str) and as_instant(bound) is None:
            return f"{bound!r} is not a bound; write a number, or a time like 2026-01-31T00:00:00"
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        return f"min_value {low} is above max_value {high}: nothing could pass"
    return None


def _mostly_problem(mostly: Any) -> str | None:
    if mostly is None or (isinstance(mostly, int | float) and 0 < mostly <= 1):
        return None
    return f"mostly is {mostly!r}; it must be a share above 0 and at most 1"


def _regex_problem(regex: Any) -> str | None:
    if not isinstance(regex, str):
        return None
    try:
        re.compile(regex)
    except re.error as error:
        return f"regex {regex!r} is not a valid regex: {error}"
    return None


def _row_condition_problem(condition: Any) -> str | None:
    return None if condition is None else condition_problem("row_condition", condition)
