"""Any table that pandas, pyarrow, Polars or DuckDB writes is read back equal, or said not to be."""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from configs.data import ROW
from tasks.data.declared_types import ARROW_TYPES, to_frame
from tests.test_file_rows import model, rows_of

LARGEST = 2**63 - 1
# CSV has no text without characters, and DuckDB none with a NUL
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.integers(-LARGEST, LARGEST),
    "float64": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "string": TEXTS,
    "datetime": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
}
# quotes, line breaks and separators within; those around a name do not count
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), min_size=1, max_size=9
).filter(lambda name: name == name.strip() and name.lower() not in ("y", ROW))


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, str], list[pa.Table]]:
    """The declared types of some columns, and the parts of a table that has them."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower))
    columns = {name: draw(st.sampled_from(sorted(VALUES))) for name in names}
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        count = draw(st.integers(1, 6))
        arrays = {
            name: pa.array(
                draw(st.lists(st.none() | VALUES[kind], min_size=count, max_size=count)),
                ARROW_TYPES[kind],
            )
            for name, kind in columns.items()
        }
        parts.append(pa.table({"y": pa.array([0.5] * count), **arrays}))
    return columns, parts


def pandas_parquet(table: pa.Table, path: Path) -> None:
    table.to_pandas().to_parquet(path, index=False)


def pandas_csv(table: pa.Table, path: Path) -> None:
    table.to_pandas().to_csv(path, index=False)


def polars_parquet(table: pa.Table, path: Path) -> None:
    pl.DataFrame(pl.from_arrow(table)).write_parquet(path)


def polars_csv(table: pa.Table, path: Path) -> None:
    pl.DataFrame(pl.from_arrow(table)).write_csv(path)


def duckdb_parquet(table: pa.Table, path: Path) -> None:
    duckdb.from_arrow(table).write_parquet(str(path))


def duckdb_csv(table: pa.Table, path: Path) -> None:
    duckdb.from_arrow(table).write_csv(str(path))


def pyarrow_csv(table: pa.Table, path: Path) -> None:
    pyarrow.csv.write_csv(table, path)


def _is_exact_in_floats(column: pa.ChunkedArray) -> bool:
    if column.type != pa.int64() or not column.null_count:
        return True
    return all(value is None or abs(value) < 2**53 for value in column.to_pylist())


WRITERS: list[tuple[str, Callable[[pa.Table, Path], None]]] = [
    ("parquet", pandas_parquet),
    ("parquet", pq.write_table),
    ("parquet", polars_parquet),
    ("parquet", duckdb_parquet),
    ("csv", pandas_csv),
    ("csv", pyarrow_csv),
    ("csv", polars_csv),
    ("csv", duckdb_csv),
]


@pytest.mark.parametrize(
    ("ending", "write"), WRITERS, ids=lambda value: getattr(value, "__name__", value)
)
@given(table=tables())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_table_is_read_back_equal(
    ending: str,
    write: Callable[[pa.Table, Path], None],
    table: tuple[dict[str, str], list[pa.Table]],
) -> None:
    columns, parts = table
    if write in (pandas_csv, pandas_parquet):
        # whole numbers with nulls become floats there: beyond 2**53 they are other numbers
        assume(all(_is_exact_in_floats(column) for part in parts for column in part.columns))
        # pandas puts no quotes around a carriage return, which then ends a line
        assume(r"\r" not in repr([part.to_pylist() for part in parts]))
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts):
            write(part, Path(folder) / f"part-{number}.{ending}")
        read = rows_of(model(columns, f"*.{ending}"), Path(folder))
    expected = to_frame(pa.concat_tables(parts))
    pd.testing.assert_frame_equal(read.drop(columns=ROW), expected[list(read.drop(columns=ROW))])


def test_a_large_table_is_read_back_equal_through_every_writer(tmp_path: Path) -> None:
    count = 60_000
    begin = datetime(2026, 1, 1)
    table = pa.table(
        {
            "y": pa.array([n / 7 for n in range(count)]),
            "n": pa.array([None if n % 3 == 0 else n for n in range(count)]),
            "t": pa.array([begin + timedelta(seconds=n) for n in range(count)], pa.timestamp("us")),
            "s": pa.array([f'"{n}",\nline {n % 11}' for n in range(count)]),
        }
    )
    columns = {"n": "int64", "t": "datetime", "s": "string"}
    for ending, write in WRITERS:
        folder = tmp_path / write.__name__
        folder.mkdir()
        write(table, folder / f"a.{ending}")
        read = rows_of(model(columns, f"*.{ending}"), folder).drop(columns=ROW)
        pd.testing.assert_frame_equal(read, to_frame(table.select(["y", "n", "t", "s"])))
