"""What the arguments of a check must be, so that they can be compared with the columns they name.

A set of numbers never holds a text: without this agreement, such a check could not fail.
Not here: which arguments an expectation has (expectations.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from configs.data import Dtype

Types = Mapping[str, Dtype]

NUMBERS: tuple[Dtype, ...] = ("int64", "float64")
# words in the names of expectations, and the types that these take
TAKES: dict[str, tuple[Dtype, ...]] = {
    "regex": ("string",),
    "value_lengths": ("string",),
    "strftime": ("string",),
    "parseable": ("string",),
    "json_schema": ("string",),
    "mean": (*NUMBERS, "bool"),
    "sum": (*NUMBERS, "bool"),
    # Great Expectations finds no time in a set of times
    "column_values_to_be_in_set": (*NUMBERS, "bool", "string"),
    "column_values_to_not_be_in_set": (*NUMBERS, "bool", "string"),
    "column_most_common_value_to_be_in_set": (*NUMBERS, "bool", "string"),
    "stdev": NUMBERS,
    "quantile": NUMBERS,
    "z_scores": NUMBERS,
    "outliers": NUMBERS,
    "kl_divergence": NUMBERS,
    "values_to_be_between": (*NUMBERS, "datetime"),
    "column_min_to_be_between": (*NUMBERS, "datetime"),
    "column_max_to_be_between": (*NUMBERS, "datetime"),
    "median": (*NUMBERS, "datetime"),
}
# the expectations whose bounds are values of the column
BOUNDS_OF_VALUES = (
    "column_values_to_be_between",
    "column_min_to_be_between",
    "column_max_to_be_between",
    "column_median_to_be_between",
)
EXAMPLES: dict[Dtype, str] = {
    "int64": "a whole number",
    "float64": "a number",
    "bool": "true or false",
    "string": "a text, in quotes if it looks like a number",
    "datetime": "a time like 2026-01-31T00:00:00",
}


def as_instant(value: object) -> datetime | None:
    """The time, in UTC, that a value is or that a text reads as; a day stands for its midnight."""
    if not isinstance(value, date | str):
        return None
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def type_problems(expect: str, arguments: Mapping[str, Any], types: Types) -> Iterator[str]:
    """What cannot be compared with the declared types; columns without one are not judged."""
    columns = _columns(arguments)
    declared = [(column, types[column]) for column in columns if column in types]
    for column, dtype in declared:
        unfit = list(_column_problems(expect, column, dtype))
        yield from unfit
        if unfit:
            continue
        if "value_set" in arguments:
            yield from _values_problems("value_set", arguments["value_set"], column, dtype)
        if expect in BOUNDS_OF_VALUES:
            for name in ("min_value", "max_value"):
                bound = [arguments[name]] if arguments.get(name) is not None else []
                yield from _values_problems(name, bound, column, dtype)
    if len(columns) > 1 and "unique" not in expect and "in_set" not in expect:
        yield from _together_problems(declared)
    yield from _pair_problems(arguments, types)
    yield from _condition_problems(arguments.get("row_condition"), types)


def _columns(arguments: Mapping[str, Any]) -> list[str]:
    single = [arguments[name] for name in ("column", "column_A", "column_B") if name in arguments]
    return [*single, *(arguments.get("column_list") or ())]


def _column_problems(expect: str, column: str, dtype: Dtype) -> Iterator[str]:
    for word, taken in TAKES.items():
        if word in expect and dtype not in taken:
            yield f"{expect} takes {' or '.join(taken)}, but {column} is declared as {dtype}"


def _values_problems(what: str, values: Sequence[Any], column: str, dtype: Dtype) -> Iterator[str]:
    """The first of the values that no value of the column can equal."""
    for value in values:
        if not _is_of(value, dtype):
            shown = repr(value) if isinstance(value, str) else str(value)
            yield (
                f"{what} {shown} is compared with {column}, which is declared as {dtype}; "
                f"write {EXAMPLES[dtype]}"
            )
            return


def _is_of(value: Any, dtype: Dtype) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match dtype:
        case "string":
            return isinstance(value, str)
        case "datetime":
            return as_instant(value) is not None
        case "bool":
            return isinstance(value, bool) or (is_number and value in (0, 1))
    return is_number


def _has_zone(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _together_problems(declared: Sequence[tuple[str, Dtype]]) -> Iterator[str]:
    """Columns that are compared with each other, and are of types that cannot be."""
    kinds = {"number" if dtype in NUMBERS else dtype for _, dtype in declared}
    if len(kinds) > 1:
        listed = ", ".join(f"{column} is {dtype}" for column, dtype in declared)
        yield f"these columns cannot be compared with each other: {listed}"


def _pair_problems(arguments: Mapping[str, Any], types: Types) -> Iterator[str]:
    for place, name in enumerate(("column_A", "column_B")):
        column = arguments.get(name, "")
        if "value_pairs_set" in arguments and column in types:
            values = [pair[place] for pair in arguments["value_pairs_set"]]
            yield from _values_problems("value_pairs_set", values, column, types[column])


def _condition_problems(condition: Any, types: Types) -> Iterator[str]:
    if not condition or "value" not in condition or condition["column"] not in types:
        return
    value = condition["value"]
    values = value if condition["operator"] in ("in", "not in") else [value]
    column = condition["column"]
    if types[column] == "datetime" and any(_has_zone(value) for value in values):
        yield f"row_condition: write the time that {column} is compared with in UTC, without a zone"
        return
    yield from _values_problems("row_condition: the value", values, column, types[column])
