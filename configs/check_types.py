"""What the arguments of a check must be, so that they can be compared with the columns they name.

A set of numbers never holds a text: without this agreement, such a check could not fail.
Not here: which arguments an expectation has (expectations.py); what a single value must be
(dtypes.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from configs.conditions import condition_type_problems
from configs.dtypes import Dtype, Types, values_problems

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
            yield from values_problems("value_set", arguments["value_set"], column, dtype)
        if expect in BOUNDS_OF_VALUES:
            for name in ("min_value", "max_value"):
                bound = [arguments[name]] if arguments.get(name) is not None else []
                yield from values_problems(name, bound, column, dtype)
    if len(columns) > 1 and "unique" not in expect and "in_set" not in expect:
        yield from _together_problems(declared)
    yield from _pair_problems(arguments, types)
    if condition := arguments.get("row_condition"):
        yield from condition_type_problems("row_condition", condition, types)


def _columns(arguments: Mapping[str, Any]) -> list[str]:
    single = [arguments[name] for name in ("column", "column_A", "column_B") if name in arguments]
    return [*single, *(arguments.get("column_list") or ())]


def _column_problems(expect: str, column: str, dtype: Dtype) -> Iterator[str]:
    for word, taken in TAKES.items():
        if word in expect and dtype not in taken:
            yield f"{expect} takes {' or '.join(taken)}, but {column} is declared as {dtype}"


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
            yield from values_problems("value_pairs_set", values, column, types[column])
