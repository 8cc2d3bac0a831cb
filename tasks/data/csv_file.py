"""A CSV file as columns of text, and the line on which a row begins.

Every value is read as the text that it is, and only then as a number or a time (csv_values.py): so
a refusal can name the column and the line.
Not here: which files there are (files.py); Parquet (file_rows.py).
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv

from configs.source import Csv

SEPARATORS = (",", ";", "\t", "|")
BLOCK_BYTES = 1 << 20
# a row must fit into a block: one that does not fit the first time gets the largest there is
LARGEST_BLOCK_BYTES = 256 << 20

Open = Callable[[], Any]


class NotCsv(Exception):
    """A file that is not a CSV of the declared form; `str()` says why and what to do."""


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
