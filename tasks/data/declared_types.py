"""Columns of any Arrow type, as the types that a YAML declares: taken exactly, or refused.

A value is never guessed and never changed. What a column is does not depend on whether it happens
to hold a null.
Not here: reading files (files.py); the texts of a CSV (csv_values.py).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_type

from configs.dtypes import Dtype

ARROW_TYPES: dict[Dtype, pa.DataType] = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "datetime": pa.timestamp("us"),
}
LONGEST_VALUE = 40
PANDAS_TYPES = {pa.string(): pd.StringDtype(na_value=np.nan)}
# NumPy's integers and booleans have no null
PANDAS_TYPES_WITH_NULLS = {
    **PANDAS_TYPES,
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}

Convert = Callable[[pa.ChunkedArray], pa.ChunkedArray]

# the years that Python's calendar knows
FIRST_TIME = pa.scalar(datetime(1, 1, 1), pa.timestamp("us"))
LAST_TIME = pa.scalar(datetime(9999, 12, 31, 23, 59, 59, 999999), pa.timestamp("us"))


class Misfit(Exception):
    """A column that is not of its declared type.

    `str()` completes a sentence about the column or, if `row` is given, about the first value that
    does not fit: the one in that row, counted from 0.
    """

    def __init__(self, reason: str, row: int | None = None, value: str = "") -> None:
        super().__init__(reason)
        self.row = row
        self.value = value

    def sentence(self, column: str, *, private: bool) -> str:
        """What is wrong with the column; a private value is not shown."""
        if self.row is None:
            return f"{column} {self}"
        if private:
            return f"{column}, a private value, {self}"
        cut = self.value[:LONGEST_VALUE]
        shown = cut if cut == self.value else f"{cut}..."
        return f"{column} is {shown!r}, which {self}"


def is_text(kind: pa.DataType) -> bool:
    return bool(
        is_type.is_string(kind) or is_type.is_large_string(kind) or is_type.is_string_view(kind)
    )


def is_number(kind: pa.DataType) -> bool:
    return bool(is_type.is_integer(kind) or is_type.is_floating(kind) or is_type.is_decimal(kind))


def is_time(kind: pa.DataType) -> bool:
    return bool(is_type.is_timestamp(kind) or is_type.is_date(kind))


TAKES: Mapping[Dtype, Callable[[pa.DataType], bool]] = {
    "int64": is_number,
    "float64": is_number,
    "bool": is_type.is_boolean,
    "string": is_text,
    "datetime": is_time,
}


OUTSIDE_CALENDAR = "is outside the years 1 to 9999; correct it"
# why a value of a type that is taken cannot be of the declared one
LOSSES: Mapping[Dtype, str] = {
    "int64": "is not a whole number of 64 bits; declare the column as float64",
    "float64": "is a whole number that float64 cannot hold exactly; declare the column as int64",
    "datetime": OUTSIDE_CALENDAR,
}


def nearest_type(kind: pa.DataType) -> Dtype | None:
    """The type to declare for a column of this Arrow type, if any takes it."""
    if is_type.is_dictionary(kind):
        return nearest_type(kind.value_type)
    if is_number(kind):
        return "int64" if is_type.is_integer(kind) else "float64"
    return next((declared for declared, takes in TAKES.items() if takes(kind)), None)


def cast(column: pa.ChunkedArray, declared: Dtype) -> pa.ChunkedArray:
    """The column as its declared type; Misfit where that is not possible without a loss.

    Categories count as their values. Times with a zone become UTC; of a time, the part below a
    microsecond is cut off. Decimals as float64 are rounded to the nearest one.
    """
    if is_type.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_type.is_null(column.type):
        return column.cast(ARROW_TYPES[declared])
    if not TAKES[declared](column.type):
        raise Misfit(f"is {column.type}, but is declared as {declared}{_advice(column.type)}")
    if declared == "int64" and is_type.is_floating(column.type):
        # pandas writes whole numbers beside a null as floats beside a NaN
        column = pc.if_else(pc.is_nan(column), None, column)
    cast_column = cast_values(
        column, lambda values: _cast(values, declared), LOSSES.get(declared, "")
    )
    if declared == "datetime":
        require_calendar_years(cast_column)
    return cast_column


def cast_values(column: pa.ChunkedArray, convert: Convert, reason: str) -> pa.ChunkedArray:
    """The converted column; where `convert` fails, Misfit gives the reason and the first value."""
    try:
        return convert(column)
    except pa.ArrowInvalid as error:
        row = _first_failure(column, convert)
        raise Misfit(reason, row, _shown(column[row])) from error


def require_calendar_years(times: pa.ChunkedArray) -> None:
    """Raise Misfit for a time outside the years 1 to 9999."""
    outside = pc.or_(pc.less(times, FIRST_TIME), pc.greater(times, LAST_TIME))
    row = pc.index(outside, True).as_py()
    if row >= 0:
        raise Misfit(OUTSIDE_CALENDAR, row, _shown(times[row]))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """The table in pandas.

    Whole numbers and booleans are `Int64` and `boolean` where their column holds a null, else
    `int64` and `bool`; texts are `str`, times `datetime64[us]`.
    """
    columns = {}
    for name in table.column_names:
        column = table[name]
        dtypes = PANDAS_TYPES_WITH_NULLS if column.null_count else PANDAS_TYPES
        columns[name] = column.to_pandas(types_mapper=dtypes.get)
    return pd.DataFrame(columns, copy=False)


def _cast(values: pa.ChunkedArray, declared: Dtype) -> pa.ChunkedArray:
    # Arrow calls it a loss of data to cut nanoseconds off; no other unit is finer
    nanoseconds = is_type.is_timestamp(values.type) and values.type.unit == "ns"
    return values.cast(ARROW_TYPES[declared], safe=not nanoseconds)


def _first_failure(column: pa.ChunkedArray, convert: Convert) -> int:
    """The place of the first value that `convert` does not take; there must be one."""
    fits, fails = 0, len(column)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        try:
            convert(column[fits:middle])
        except pa.ArrowInvalid:
            fails = middle
        else:
            fits = middle
    return fits


def _shown(value: pa.Scalar) -> str:
    # Python has no time outside its calendar
    return str(value.value if is_type.is_timestamp(value.type) else value.as_py())


def _advice(kind: pa.DataType) -> str:
    """What to do about a column of this Arrow type, as the end of a sentence."""
    declared = nearest_type(kind)
    if declared:
        return f"; declare it as {declared}, or write it as another type"
    return f"; write it as one of {', '.join(ARROW_TYPES)}"
