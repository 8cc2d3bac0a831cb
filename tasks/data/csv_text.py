"""A CSV file as columns of text, and its texts as values of the declared types.

Every value is read as the text that it is, and only then as a number or a time: so a refusal can
name the column and the line.
Not here: which files there are, and Parquet (files.py); types of columns that have one already
(declared_types.py).
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from configs.data import Dtype
from configs.source import Csv
from tasks.data.declared_types import ARROW_TYPES, Misfit, cast_values, require_calendar_years

SEPARATORS = (",", ";", "\t", "|")
BLOCK_BYTES = 1 << 20
# a row must fit into a block: one that does not fit the first time gets the largest there is
LARGEST_BLOCK_BYTES = 256 << 20
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

Open = Callable[[], Any]


class NotCsv(Exception):
    """A file that is not a CSV of the declared form; `str()` says why and what to do.

    `quotes` is true where the sentence holds a piece of the file.
    """

    def __init__(self, sentence: str, *, quotes: bool = False) -> None:
        super().__init__(sentence)
        self.quotes = quotes


@dataclass(frozen=True)
class CsvFile:
    """A CSV file; `open` opens a stream of its uncompressed bytes."""

    open: Open
    form: Csv

    def header(self) -> list[str]:
        """The names of its columns, without the spaces around them; NotCsv where it has none."""
        for record in self._records():
            return [name.strip() for name in record]
        raise NotCsv("is empty; write it again, or remove it")

    def read(self, columns: Sequence[str]) -> pa.Table:
        """The texts of these columns of the header; an empty field is a null."""
        raw_header = next(self._records())
        raw_names = {name.strip(): name for name in raw_header}
        convert = pyarrow.csv.ConvertOptions(
            include_columns=[raw_names[name] for name in columns],
            column_types={raw_names[name]: pa.string() for name in columns},
            strings_can_be_null=True,
            null_values=["", *self.form.nulls],
        )
        try:
            table = self._read(convert, BLOCK_BYTES)
        except pa.ArrowInvalid:
            self._require_records()
            table = self._read(convert, LARGEST_BLOCK_BYTES)
        return table.rename_columns(list(columns))

    def line_of(self, row: int) -> int:
        """The line, counted from 1, at which a row of data begins, counted from 0."""
        begin = 1
        records = self._reader()
        number = -1
        for record in records:
            if record:
                if number == row:
                    return begin
                number += 1
            begin = records.line_num + 1
        return begin

    def looks_separated_by(self, columns: Sequence[str]) -> str | None:
        """The separator by which the first line would hold all these columns, if there is one."""
        for separator in SEPARATORS:
            form = self.form.model_copy(update={"separator": separator})
            if set(columns) <= set(CsvFile(self.open, form).header()):
                return separator
        return None

    def _read(self, convert: pyarrow.csv.ConvertOptions, block_bytes: int) -> pa.Table:
        quote = self.form.quote.encode()
        quotes = 0

        def count(chunk: Any) -> Any:
            nonlocal quotes
            quotes += bytes(chunk).count(quote)
            return chunk

        with self.open() as stream:
            utf8 = pa.transcoding_input_stream(stream, self.form.encoding, "utf-8")
            table = pyarrow.csv.read_csv(
                pa.TransformInputStream(utf8, count),
                read_options=pyarrow.csv.ReadOptions(block_size=block_bytes),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self.form.separator,
                    quote_char=self.form.quote,
                    newlines_in_values=True,
                ),
                convert_options=convert,
            )
        if quotes % 2:
            # Arrow takes a quote that is never closed to be closed where the file ends
            self._require_records()
        return table

    def _require_records(self) -> None:
        """Raise NotCsv at the first line that is not a record of the header's length."""
        records = self._reader(strict=True)
        begin, width = 1, None
        try:
            for record in records:
                width = width or len(record)
                if record and len(record) != width:
                    raise NotCsv(
                        f"line {begin:,} has {len(record)} fields and the first line {width}; "
                        "correct the line, or put quotes around a text that holds the separator"
                    )
                begin = records.line_num + 1
        except csv.Error as error:
            raise NotCsv(f"line {begin:,} cannot be read: {error}; correct the line") from error
        except UnicodeDecodeError as error:
            raise self._not_of_encoding(begin) from error

    def _records(self) -> Iterator[list[str]]:
        """The records of the file that are not empty lines."""
        try:
            yield from filter(None, self._reader())
        except csv.Error as error:
            raise NotCsv(f"has no header that can be read: {error}") from error
        except UnicodeDecodeError as error:
            raise self._not_of_encoding(1) from error

    def _reader(self, *, strict: bool = False) -> Any:
        encoding = "utf-8-sig" if self.form.encoding == "utf-8" else self.form.encoding
        text = io.TextIOWrapper(self.open(), encoding=encoding, newline="")
        # otherwise a text longer than 128 KiB would be an error
        csv.field_size_limit(LARGEST_BLOCK_BYTES)
        return csv.reader(
            text, delimiter=self.form.separator, quotechar=self.form.quote, strict=strict
        )

    def _not_of_encoding(self, line: int) -> NotCsv:
        return NotCsv(
            f"is not {self.form.encoding} at or after line {line:,}; say how it is encoded in "
            "data.source.csv.encoding, often cp1252 or latin-1"
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
