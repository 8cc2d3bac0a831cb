"""The rows of one file, Parquet or CSV, as the types that a YAML declares.

Not here: which files there are (files.py); what a type takes (declared_types.py); the texts of a
CSV (csv_values.py).
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from configs.data import ROW, Data
from configs.errors import DataRejected, RatchetError, Unreachable
from configs.source import FilesSource
from tasks.data import csv_values, declared_types
from tasks.data.csv_file import CsvFile, NotCsv
from tasks.data.declared_types import ARROW_TYPES, Misfit
from tasks.data.files import File
from tasks.data.period import Period
from tasks.foreign_errors import cause, reason

PARQUET = pyarrow.dataset.ParquetFileFormat()

# what a damaged file raises while it is read
DAMAGE = (pa.ArrowException, UnicodeError, EOFError, OSError, zlib.error)
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def read(
    file: File,
    data: Data,
    columns: Sequence[str] = (),
    period: Period | None = None,
    may_lack: str | None = None,
) -> pa.Table:
    """The declared columns of a file, or only `columns`, as their declared types.

    Parts of the file that hold no row of `period` may be left out. The column `may_lack` is null
    where the file has none of that name. Raise DataRejected where the file is damaged or a column
    is missing or not of its type, naming the column and the row or line; Unreachable where the
    disk or the network fails.
    """
    from_path = _columns_from_path(file, data)
    wanted = [name for name in columns or data.columns if name not in from_path]
    read_rows = _read_parquet if file.path.endswith(".parquet") else _read_csv
    with reading(file, data.private):
        table = read_rows(file, data, wanted, period, may_lack)
    for name, value in from_path.items():
        constant = pa.scalar(value, ARROW_TYPES[data.raw[name]])
        table = table.append_column(name, pa.repeat(constant, len(table)))
    if may_lack and may_lack not in table.column_names:
        nulls = pa.nulls(len(table), ARROW_TYPES[data.columns[may_lack]])
        table = table.append_column(may_lack, nulls)
    return table


@contextmanager
def reading(file: File, private: Sequence[str] = ()) -> Iterator[None]:
    """Let what a damaged file raises inside the block be DataRejected, or Unreachable."""
    try:
        yield
    except NotCsv as error:
        raise DataRejected(f"{file}: {error}") from None
    except DAMAGE as error:
        raise _unreadable(file, error, private) from cause(error, private)


def _columns_from_path(file: File, data: Data) -> dict[str, Any]:
    """The columns that are the same in all rows of a file, as its path gives them."""
    constants = _columns_from_folders(file, data)
    if isinstance(data.source, FilesSource) and data.source.origin:
        constants[data.source.origin] = file.origin
    return constants


def _columns_from_folders(file: File, data: Data) -> dict[str, Any]:
    """The declared columns in the names of a file's folders, as in year=2018/month=08."""
    folders = PurePosixPath(file.path).parent
    named = {folder.partition("=")[0] for folder in folders.parts if "=" in folder}
    declared = [name for name in data.columns if name in named]
    if not declared:
        return {}
    schema = pa.schema([(name, ARROW_TYPES[data.columns[name]]) for name in declared])
    partitioning = pyarrow.dataset.partitioning(schema, flavor="hive")
    try:
        # without the last slash, the innermost folder would count as a file
        expression = partitioning.parse(f"{folders}/")
    except pa.ArrowInvalid as error:
        raise DataRejected(
            f"{file}: a folder's value is not of its column's type: {error}; rename the folder"
        ) from error
    return dict(pyarrow.dataset.get_partition_keys(expression))


def _read_parquet(
    file: File, data: Data, columns: Sequence[str], period: Period | None, may_lack: str | None
) -> pa.Table:
    fragment = PARQUET.make_fragment(file.path, file.filesystem)
    present = fragment.physical_schema.names
    columns = [name for name in columns if name in present or name != may_lack]
    _require_columns(file, columns, present)
    kept = _fragment_of_period(fragment, data, period)
    table = kept.to_table(columns=columns)
    places = _places(fragment, kept)

    def of_type(name: str) -> pa.ChunkedArray:
        return declared_types.cast(table[name], data.columns[name])

    cast_table = _typed(file, data, columns, of_type, lambda row: f"row {places[row] + 1:,}")
    return _with_row_key(file, data, cast_table, places)


def _read_csv(
    file: File, data: Data, columns: Sequence[str], _period: Period | None, may_lack: str | None
) -> pa.Table:
    assert isinstance(data.source, FilesSource)
    form = data.source.csv
    csv_file = CsvFile(file.open, form)
    header = csv_file.header()
    columns = [name for name in columns if name in header or name != may_lack]
    _require_csv_columns(file, csv_file, header, columns)
    texts = csv_file.read(columns)

    def of_type(name: str) -> pa.ChunkedArray:
        return csv_values.parse(texts[name], data.columns[name], form)

    table = _typed(file, data, columns, of_type, lambda row: f"line {csv_file.line_of(row):,}")
    return _with_row_key(file, data, table, np.arange(len(texts)))


def _fragment_of_period(fragment: Any, data: Data, period: Period | None) -> Any:
    """The fragment without the row groups whose statistics say that no row is in the period."""
    if period is None or data.time not in fragment.physical_schema.names:
        return fragment
    kind = fragment.physical_schema.field(data.time).type
    if not pa.types.is_timestamp(kind):
        return fragment
    time = pyarrow.dataset.field(data.time)
    start, end = (
        pa.scalar(instant, ARROW_TYPES["datetime"]).cast(kind, safe=False)
        for instant in (period.start, period.end)
    )
    return fragment.subset(((time >= start) & (time < end)) | time.is_null())


def _places(fragment: Any, kept: Any) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The position in the file, counted from 0, of each row of the row groups that are kept."""
    kept_ids = {group.id for group in kept.row_groups}
    ranges, begin = [np.arange(0)], 0
    for group in fragment.row_groups:
        if group.id in kept_ids:
            ranges.append(np.arange(begin, begin + group.num_rows))
        begin += group.num_rows
    return np.concatenate(ranges)


def _typed(
    file: File,
    data: Data,
    columns: Sequence[str],
    of_type: Callable[[str], pa.ChunkedArray],
    place_of: Callable[[int], str],
) -> pa.Table:
    """A table of the columns as `of_type` gives them; DataRejected says where one does not fit."""
    typed = {}
    for name in columns:
        try:
            typed[name] = of_type(name)
        except Misfit as misfit:
            place = "" if misfit.row is None else f", {place_of(misfit.row)}"
            sentence = misfit.sentence(name, private=name in data.private)
            raise DataRejected(f"{file}{place}: {sentence}") from None
    return pa.table(typed)


def _with_row_key(
    file: File, data: Data, table: pa.Table, places: "np.ndarray[Any, np.dtype[np.int64]]"
) -> pa.Table:
    """The table with the key that is made where rows have none: the file's name and the place."""
    if data.key != ROW:
        return table
    texts = pa.array(places).cast(pa.string())
    return table.append_column(ROW, pc.binary_join_element_wise(file.name, texts, ":"))


def _require_columns(file: File, wanted: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataRejected(
            f"{file}: has no column {', '.join(missing)}; it has {', '.join(present)}"
        )
    repeated = sorted({name for name in wanted if list(present).count(name) > 1})
    if repeated:
        raise DataRejected(
            f"{file}: has column {', '.join(repeated)} more than once; rename or remove the others"
        )


def _require_csv_columns(
    file: File, csv_file: CsvFile, header: Sequence[str], columns: Sequence[str]
) -> None:
    if not set(columns) & set(header):
        separator = csv_file.looks_separated_by(columns)
        if separator:
            raise DataRejected(
                f"{file}: looks separated by {separator!r}, not by {csv_file.form.separator!r}; "
                f"set data.source.csv.separator to {separator!r}"
            )
        # without a header, the first line would be values, which may be private
        raise DataRejected(
            f"{file}: its first line names none of the declared columns; "
            "write the names of the columns there"
        )
    _require_columns(file, columns, header)


def _unreadable(file: File, error: Exception, private: Sequence[str]) -> RatchetError:
    """What a library's error says about a file, without its text where some columns are private."""
    if isinstance(error, LASTING):
        return DataRejected(f"{file}: cannot be opened: {type(error).__name__}; restore the file")
    problem = reason(error, private)
    if getattr(error, "errno", None) is not None:
        # the disk or the network failed, not the file: reading again may help
        return Unreachable(f"{file}: cannot be read now: {problem}")
    return DataRejected(f"{file}: cannot be read: {problem}; download it again, or remove it")
