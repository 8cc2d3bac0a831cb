"""The texts of a CSV as values of the declared types.

Not here: reading the texts (csv_file.py); columns that have a type already (declared_types.py).
"""

import re
from collections.abc import Sequence
from operator import methodcaller

import pyarrow as pa
import pyarrow.compute as pc

from configs.dtypes import Dtype
from configs.source import Csv
from tasks.data.declared_types import ARROW_TYPES, Misfit, cast_values, require_calendar_years

# of a text that should be a whole number and is written with a fraction, as 12.0
EXACT = pa.decimal128(38, 9)

ZONED = pa.timestamp("us", "UTC")
NANOSECONDS = pa.timestamp("ns")
ZONED_NANOSECONDS = pa.timestamp("ns", "UTC")

NULLS = "or list it in data.source.csv.nulls if it stands for a null"
NOT_A_BOOLEAN = f"is neither true nor false; declare the column as string, {NULLS}"
NOT_A_WHOLE_NUMBER = f"is not a whole number of 64 bits; correct it, {NULLS}"
NOT_A_NUMBER = (
    "is not a number; correct it, set data.source.csv.decimal if the decimal sign is a comma, "
    f"{NULLS}"
)
NOT_A_NUMBER_WITH_COMMA = f"is not a number with a decimal comma; correct it, {NULLS}"
NOT_AN_ISO_TIME = (
    "is not a time in ISO 8601, or has a zone while others have none; correct it, give the format "
    f"in data.source.csv.dates, {NULLS}"
)


def parse(texts: pa.ChunkedArray, declared: Dtype, form: Csv) -> pa.ChunkedArray:
    """The texts as values of the declared type; Misfit names the first that is none.

    Spaces around a value do not count, unless it is a text.
    """
    if declared == "string":
        return texts
    try:
        return _parse(texts, declared, form)
    except Misfit:
        trimmed = pc.utf8_trim_whitespace(texts)
        return _parse(pc.if_else(pc.equal(trimmed, ""), None, trimmed), declared, form)


def _parse(texts: pa.ChunkedArray, declared: Dtype, form: Csv) -> pa.ChunkedArray:
    if declared in ("int64", "float64") and form.thousands:
        texts = _without_thousands(texts, form)
    match declared:
        case "int64":
            return _whole_numbers(texts)
        case "float64":
            return _numbers(texts, form)
        case "datetime":
            times = _dates(texts, form.dates) if form.dates else _iso_times(texts)
            require_calendar_years(times)
            return times
    return cast_values(texts, methodcaller("cast", ARROW_TYPES[declared]), NOT_A_BOOLEAN)


def _without_thousands(texts: pa.ChunkedArray, form: Csv) -> pa.ChunkedArray:
    """The texts, those without the sign of thousands that have it between groups of three digits.

    1.5 where the sign is a point stays as it is, and so is not a number.
    """
    sign, decimal = re.escape(form.thousands), re.escape(form.decimal)
    grouped = pc.match_substring_regex(
        texts, rf"^\s*[+-]?\d{{1,3}}({sign}\d{{3}})+({decimal}\d*)?\s*$"
    )
    return pc.if_else(grouped, pc.replace_substring(texts, form.thousands, ""), texts)


def _whole_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return cast_values(
            texts, lambda values: values.cast(EXACT).cast(pa.int64()), NOT_A_WHOLE_NUMBER
        )


def _numbers(texts: pa.ChunkedArray, form: Csv) -> pa.ChunkedArray:
    if form.decimal == ".":
        return cast_values(texts, lambda values: values.cast(pa.float64()), NOT_A_NUMBER)

    def with_point(values: pa.ChunkedArray) -> pa.ChunkedArray:
        # 1.500 would mean 1500 to whoever writes a comma: refused, like any other text
        marked = pc.replace_substring(values, ".", "?")
        return pc.replace_substring(marked, ",", ".").cast(pa.float64())

    return cast_values(texts, with_point, NOT_A_NUMBER_WITH_COMMA)


def _iso_times(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times in ISO 8601, either all without a zone or all with one, which become UTC."""
    misfits = []
    for kind in (ARROW_TYPES["datetime"], ZONED, NANOSECONDS, ZONED_NANOSECONDS):
        try:
            times = cast_values(texts, methodcaller("cast", kind), NOT_AN_ISO_TIME)
        except Misfit as misfit:
            misfits.append(misfit)
        else:
            return times.cast(ARROW_TYPES["datetime"], safe=False)
    # of the kinds, the one in which the first values are written
    raise max(misfits, key=lambda misfit: misfit.row or 0)


def _dates(texts: pa.ChunkedArray, formats: Sequence[str]) -> pa.ChunkedArray:
    """Times, each in one of the formats of strptime."""
    times = pc.coalesce(
        *(pc.strptime(texts, format=form, unit="us", error_is_null=True) for form in formats)
    )
    unread = pc.and_(pc.is_valid(texts), pc.is_null(times))
    row = pc.index(unread, True).as_py()
    if row >= 0:
        shown = " or ".join(map(repr, formats))
        reason = f"is not a time of the form {shown}; correct data.source.csv.dates"
        raise Misfit(reason, row, texts[row].as_py())
    return times
