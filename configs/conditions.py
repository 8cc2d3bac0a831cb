"""A condition that a row meets or not: `data.where`, and the `row_condition` of a check.

Not here: which rows meet one (tasks/data/selection.py; for a check, Great Expectations).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import Field

from configs.dtypes import Types, has_zone, values_problems
from configs.section import Column, Section

Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
Nullity = Literal["is_null", "is_not_null"]
COMPARISONS: tuple[str, ...] = get_args(Comparison)
NULLITY: tuple[str, ...] = get_args(Nullity)


class Condition(Section):
    """A condition on one column."""

    column: Column = Field(description="A raw column.")
    operator: Comparison | Nullity = Field(
        description="How its value is compared: ==, !=, <, <=, >, >=, in, not in, or a null test."
    )
    value: Any = Field(
        default=None,
        description="What it is compared with: a list for in and not in, nothing for a null test.",
    )

    def __str__(self) -> str:
        values = self.value if isinstance(self.value, list) else [self.value]
        shown = "" if self.operator in NULLITY else f" {', '.join(map(str, values))}"
        return f"{self.column} {self.operator}{shown}"


def condition_problem(what: str, condition: Any) -> str | None:
    """What is wrong with `{column: TX_AMOUNT, operator: ">", value: 0}`, or None.

    `what` names the condition in the sentence. The operators of NULLITY take no value.
    """
    if not _has_condition_keys(condition):
        return f'write {what} as {{column: NAME, operator: ">", value: 0}}'
    operator = condition["operator"]
    if operator not in (*COMPARISONS, *NULLITY):
        allowed = ", ".join((*COMPARISONS, *NULLITY))
        return f"{what} has no operator {operator!r}; it has {allowed}"
    if not isinstance(condition["column"], str):
        return f"{what}: column is {condition['column']!r}; write one column's name"
    has_value = "value" in condition
    if operator in COMPARISONS and not has_value:
        return f"{what}: {operator} needs a value"
    if operator in NULLITY and has_value:
        return f"{what}: {operator} takes no value"
    if operator in ("in", "not in") and not (
        condition["value"] and isinstance(condition["value"], list)
    ):
        return f"{what}: {operator} needs a list of values"
    return None


def condition_type_problems(what: str, condition: Mapping[str, Any], types: Types) -> Iterator[str]:
    """A value that cannot be compared with the declared type of the condition's column."""
    column = condition["column"]
    if "value" not in condition or column not in types:
        return
    value = condition["value"]
    values = value if condition["operator"] in ("in", "not in") else [value]
    if types[column] == "datetime" and any(has_zone(value) for value in values):
        yield f"{what}: write the time that {column} is compared with in UTC, without a zone"
        return
    yield from values_problems(f"{what}: the value", values, column, types[column])


def _has_condition_keys(condition: Any) -> bool:
    if not isinstance(condition, Mapping):
        return False
    required, optional = {"column", "operator"}, {"value"}
    return required <= set(condition) <= required | optional
