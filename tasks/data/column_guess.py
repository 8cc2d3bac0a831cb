"""What the columns of a file probably are: their types, and how it is written if it is a CSV.

A person reads the guess in a YAML and corrects it; nothing else rests on it.
Not here: the model that is drafted from it (draft.py); reading by declared types (file_rows.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from configs.data import ROW
from configs.dtypes import Dtype
from configs.source import Csv
from tasks.data import csv_values
from tasks.data.csv_file import SEPARATORS, CsvFile, NotCsv
from tasks.data.declared_types import Misfit, nearest_type
from tasks.data.file_rows import reading
from tasks.data.files import File

# latin-1 takes any bytes, and so comes last
ENCODINGS = ("utf-8", "cp1252", "latin-1")
SPELLED_NULLS = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-", "--", "?", "k.A.")
ISO_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
DATE_FORMATS = tuple(
    f"{day}{time}"
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%d %b %Y")
    for time in ("", " %H:%M", " %H:%M:%S")
)
NUMBER_SIGNS = ((".", ""), (",", ""), (",", "."), (".", ","), (".", "'"), (",", " "))
# under which pandas stores an index that has no name
PANDAS_INDEX = "__index_level_"
COUNTS_ROWS = "has the name of a count of rows"
# a number that begins with a zero is a name, as a postal code; so are digits that int64 cannot hold
NAME_OF_DIGITS = r"^(0\d+|\d{19,})$"


@dataclass(frozen=True)
class Guess:
    """The probable types of a file's columns, and how it is written if it is a CSV.

    `left_out` says of each other column why it cannot be declared.
    """

    columns: dict[str, Dtype]
    csv: Csv = field(default_factory=Csv)
    left_out: dict[str, str] = field(default_factory=dict)


def guess(files: Sequence[File]) -> Guess:
    """The probable types of the columns that all files have, of which there is at least one.

    Raise DataRejected where a file cannot be read.
    """
    read = _of_parquet if files[0].path.endswith(".parquet") else _of_csv
    return read(files)


def _of_parquet(files: Sequence[File]) -> Guess:
    types: dict[str, list[pa.DataType]] = {}
    for file in files:
        with reading(file):
            schema = pq.read_schema(file.path, filesystem=file.filesystem)
        for column in schema:
            types.setdefault(column.name, []).append(column.type)
    columns: dict[str, Dtype] = {}
    left_out = {}
    for name, kinds in types.items():
        declared = {nearest_type(kind) for kind in kinds if not pa.types.is_null(kind)}
        if name == ROW or name.startswith(PANDAS_INDEX):
            left_out[name] = COUNTS_ROWS
        elif len(kinds) < len(files):
            left_out[name] = "is not in every file"
        elif declared == {"int64", "float64"}:
            columns[name] = "float64"
        elif len(declared) == 1 and (only := declared.pop()):
            columns[name] = only
        else:
            left_out[name] = f"is {', '.join(sorted(set(map(str, kinds))))}"
    return Guess(columns, left_out=left_out)


def _of_csv(files: Sequence[File]) -> Guess:
    with reading(files[0]):
        form = _form(files[0])
    headers = [_header(file, form) for file in files]
    in_any = list(dict.fromkeys(name for header in headers for name in header))
    names = [
        name
        for name in in_any
        if name not in ("", ROW) and all(header.count(name) == 1 for header in headers)
    ]
    texts = pa.concat_tables([_texts(file, form, names) for file in files])
    nulls = _nulls(texts)
    known = {name: _without(texts[name], nulls) for name in names}
    decimal, thousands = _number_signs(known, form)
    form = form.model_copy(
        update={
            "nulls": nulls,
            "decimal": decimal,
            "thousands": thousands,
            "dates": _date_formats(known),
        }
    )
    columns = {name: _type(known[name], form) for name in names}
    left_out = dict.fromkeys(set(in_any) - {"", *names}, "is not in every header, once")
    if ROW in left_out:
        left_out[ROW] = COUNTS_ROWS
    return Guess(columns, form, left_out)


def _header(file: File, form: Csv) -> list[str]:
    with reading(file):
        return CsvFile(file.open, form).header()


def _texts(file: File, form: Csv, names: Sequence[str]) -> pa.Table:
    with reading(file):
        return CsvFile(file.open, form).read(names)


def _form(file: File) -> Csv:
    """The encoding in which the file is a text, and the separator that makes the most columns."""
    for encoding in ENCODINGS:
        widths = {}
        for separator in SEPARATORS:
            form = Csv(encoding=encoding, separator=separator)
            try:
                header = CsvFile(file.open, form).header()
                CsvFile(file.open, form).read(header[:1])
            except NotCsv:
                continue
            widths[separator] = len(header)
        if widths:
            return Csv(encoding=encoding, separator=max(widths, key=widths.__getitem__))
    raise NotCsv("is not a CSV with the names of the columns in its first line; correct it")


def _nulls(texts: pa.Table) -> tuple[str, ...]:
    """The spelled nulls without which some column is one of numbers, flags or times."""
    found: set[str] = set()
    for column in texts.columns:
        spelled = set(SPELLED_NULLS) & set(pc.unique(column).to_pylist())
        if spelled and _is_typed(_without(column, SPELLED_NULLS)):
            found |= spelled
    return tuple(sorted(found))


def _is_typed(texts: pa.ChunkedArray) -> bool:
    """Whether these are numbers, flags or times in any form; nothing but nulls is not."""
    return texts.null_count < len(texts) and (
        any(
            _type(texts, Csv(separator=";", decimal=decimal, thousands=thousands)) != "string"
            for decimal, thousands in NUMBER_SIGNS
        )
        or _format(texts, DATE_FORMATS) is not None
    )


def _without(texts: pa.ChunkedArray, nulls: Sequence[str]) -> pa.ChunkedArray:
    return pc.if_else(pc.is_in(texts, pa.array(nulls, pa.string())), None, texts)


def _number_signs(texts: dict[str, pa.ChunkedArray], form: Csv) -> tuple[str, str]:
    """The decimal sign and that of thousands with which the most columns are of numbers.

    A sign that separates fields is neither.
    """
    counts = {}
    for decimal, thousands in NUMBER_SIGNS:
        if form.separator not in (decimal, thousands):
            signs = form.model_copy(update={"decimal": decimal, "thousands": thousands})
            types = [_type(column, signs) for column in texts.values()]
            counts[decimal, thousands] = sum(kind in ("int64", "float64") for kind in types)
    # of equal ones the first, which is the plainest
    return max(counts, key=counts.__getitem__)


def _date_formats(texts: dict[str, pa.ChunkedArray]) -> tuple[str, ...]:
    """A format for each column of times; none if all of them are in ISO 8601."""
    formats = {name: _format(column, DATE_FORMATS) for name, column in texts.items()}
    if not any(formats.values()):
        return ()
    in_iso = {name: _format(column, ISO_FORMATS) for name, column in texts.items()}
    return tuple(dict.fromkeys(form for form in [*formats.values(), *in_iso.values()] if form))


def _format(texts: pa.ChunkedArray, formats: Sequence[str]) -> str | None:
    """The first of the formats in which all texts are times."""
    if texts.null_count == len(texts):
        return None
    for form in formats:
        if _fits(texts, "datetime", Csv(dates=(form,))):
            return form
    return None


def _type(texts: pa.ChunkedArray, form: Csv) -> Dtype:
    """The first type in which all texts are values; a column of nothing but nulls is of strings."""
    if texts.null_count == len(texts) or _any(texts, NAME_OF_DIGITS):
        return "string"
    if _fits(texts, "int64", form) and not _any(texts, rf"[^\d\s{re.escape(form.thousands)}+-]"):
        return "int64"
    types: tuple[Dtype, ...] = ("float64", "bool", "datetime")
    return next((declared for declared in types if _fits(texts, declared, form)), "string")


def _any(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _fits(texts: pa.ChunkedArray, declared: Dtype, form: Csv) -> bool:
    try:
        csv_values.parse(texts, declared, form)
    except Misfit:
        return False
    return True
