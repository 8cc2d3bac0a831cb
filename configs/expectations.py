"""What Great Expectations knows, without importing it: the names and arguments of its expectations, as a generated table.

Not here: computing any of them (tasks/data/validation.py); the other keys of a check (schema.py).
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("expectations.json")

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
NULLITY = ("is_null", "is_not_null")


@cache
def known() -> dict[str, dict[str, list[str]]]:
    """Of each expectation, by its name without `expect_`: `arguments`, and among them those `required`."""
    table: dict[str, dict[str, list[str]]] = json.loads(TABLE.read_text())
    return table


def problem_with(expect: str, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with a check, in a sentence that says what is allowed; None when nothing is."""
    if expect not in known():
        near = get_close_matches(expect.removeprefix("expect_"), known(), n=3, cutoff=0.5)
        return f"there is no expectation {expect!r}; did you mean {' or '.join(near) or 'column_values_to_not_be_null'}?"
    allowed, required = known()[expect]["arguments"], known()[expect]["required"]
    for name in arguments:
        if name not in allowed:
            near = get_close_matches(name, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(allowed)}"
            return f"{expect} takes no {name!r}; {hint}"
    if missing := [name for name in required if name not in arguments]:
        return f"{expect} needs {', '.join(missing)}"
    return _bounds_problem(expect, arguments, allowed) or _condition_problem(
        arguments.get("row_condition")
    )


def condition_columns(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a check's row_condition names."""
    condition = arguments.get("row_condition")
    return (condition["column"],) if condition else ()


def _bounds_problem(expect: str, arguments: Mapping[str, Any], allowed: list[str]) -> str | None:
    low, high, mostly = (arguments.get(name) for name in ("min_value", "max_value", "mostly"))
    if "min_value" in allowed and low is None and high is None:
        return f"{expect} needs min_value or max_value, or it checks nothing"
    for bound in (low, high):
        if isinstance(bound, str) and not is_instant(bound):
            return f"{bound!r} is no bound; write a number, or a time like 2026-01-31T00:00:00"
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        return f"min_value {low} is above max_value {high}: nothing could pass"
    if mostly is not None and not (isinstance(mostly, int | float) and 0 < mostly <= 1):
        return f"mostly is {mostly!r}; it is a share above 0 and up to 1"
    if isinstance(pattern := arguments.get("regex"), str):
        try:
            re.compile(pattern)
        except re.error as error:
            return f"regex {pattern!r} is not one: {error}"
    return None


def is_instant(bound: object) -> bool:
    """Whether a bound is a time, as YAML reads one or as text that reads like one; a day alone is its midnight."""
    try:
        return isinstance(bound, date | str) and bool(datetime.fromisoformat(str(bound)))
    except ValueError:
        return False


def _condition_problem(condition: Any) -> str | None:
    """`row_condition: {column: TX_AMOUNT, operator: ">", value: 0}`, or an operator of NULLITY and no value."""
    if condition is None:
        return None
    if not isinstance(condition, Mapping) or not {"column", "operator"} <= set(condition) <= {
        "column",
        "operator",
        "value",
    }:
        return 'row_condition is written {column: NAME, operator: ">", value: 0}'
    operator = condition["operator"]
    if operator not in (*COMPARISONS, *NULLITY):
        return f"row_condition has no operator {operator!r}; it has {', '.join((*COMPARISONS, *NULLITY))}"
    if (operator in COMPARISONS) != ("value" in condition):
        return f"row_condition: {operator} {'needs a value' if operator in COMPARISONS else 'takes no value'}"
    return None
