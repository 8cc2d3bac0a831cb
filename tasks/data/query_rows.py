"""The rows that a query selects in a database, as the types that a YAML declares.

Not here: rows in files (file_rows.py); what a type takes (declared_types.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeEngine

from configs.data import ROW, Data
from configs.dtypes import Dtype
from configs.errors import ConfigError, DataRejected, Unreachable
from configs.settings import secret
from configs.source import PARAMETER, SqlSource
from tasks.data import declared_types
from tasks.data.declared_types import ARROW_TYPES, Misfit
from tasks.data.period import Period
from tasks.foreign_errors import cause, reason

# rows that are fetched and become Arrow's at a time
CHUNK_ROWS = 50_000
# SQLite has no type of times: as text, one with microseconds would be after one without
DATETIME = sa.DateTime().with_variant(
    sqlite.DATETIME(truncate_microseconds=True),  # type: ignore[no-untyped-call]
    "sqlite",
)
SQL_TYPES: dict[Dtype, TypeEngine[Any]] = {
    "int64": sa.BigInteger(),
    "float64": sa.Float(),
    "bool": sa.Boolean(),
    "string": sa.String(),
    "datetime": DATETIME,
}
# of a query that asks for all rows
ALL = Period(datetime(1900, 1, 1), datetime(9999, 12, 31))


def read(source: SqlSource, data: Data, period: Period | None) -> pa.Table:
    """The declared columns of the rows that the query selects; `period` is what it is asked for.

    Raise DataRejected where the query fails or a column is missing or not of its type, Unreachable
    where the database does not answer.
    """
    query = _query(source, data, period or ALL)
    with _connection(source, data) as connection, connection.execute(query) as result:
        missing = [name for name in data.columns if name not in result.keys()]  # noqa: SIM118
        if missing:
            raise DataRejected(
                f"data.source.query returns no column {', '.join(missing)}; "
                f"it returns {', '.join(result.keys())}"
            )
        tables = [_empty(data), *_tables(result, data)]
    table = pa.concat_tables(tables)
    if data.key == ROW:
        table = table.append_column(ROW, pa.array(range(len(table))).cast(pa.string()))
    return table


def newest_time(source: SqlSource, data: Data) -> datetime | None:
    """The newest time, in UTC, of all rows that the query selects; None if it selects none."""
    assert data.time is not None
    rows = _query(source, data, ALL).subquery()
    newest = sa.select(sa.func.max(rows.c[data.time], type_=DATETIME))
    with _connection(source, data) as connection:
        times = _typed(data.time, [connection.scalar(newest)], data, 0)
    time: datetime | None = times[0].as_py()
    return time


def _query(source: SqlSource, data: Data, period: Period) -> sa.TextualSelect:
    text = sa.text(source.query.strip().rstrip(";"))
    bounds = {"start": period.start, "end": period.end}
    used = set(PARAMETER.findall(source.query))
    binds = [sa.bindparam(name, bounds[name], DATETIME) for name in bounds if name in used]
    types = {name: SQL_TYPES[declared] for name, declared in data.columns.items()}
    return text.bindparams(*binds).columns(**types)


@contextmanager
def _connection(source: SqlSource, data: Data) -> Iterator[sa.Connection]:
    """A connection that reads a row at a time, in UTC."""
    engine = _engine(source)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
                connection.execute(sa.text("SET TIME ZONE 'UTC'"))
            yield connection.execution_options(stream_results=True, max_row_buffer=CHUNK_ROWS)
    # SQLAlchemy lets a ValueError through where a text in SQLite is not a time
    except (SQLAlchemyError, ValueError) as error:
        if _is_no_answer(error):
            place = engine.url.set(query={}).render_as_string(hide_password=True)
            raise Unreachable(
                f"the database of {source.url}, {place}, does not answer: {_reason(error, data)}"
            ) from cause(error, data.private)
        raise DataRejected(
            f"data.source.query cannot be read: {_reason(error, data)}; correct it, or the types "
            "in data.columns"
        ) from cause(error, data.private)


def _is_no_answer(error: Exception) -> bool:
    """Whether the database did not answer, rather than refuse the query."""
    # to SQLite, a query that is wrong is operational too
    wrong_query = getattr(getattr(error, "orig", None), "sqlite_errorname", "") == "SQLITE_ERROR"
    return isinstance(error, OperationalError | InterfaceError) and not wrong_query


def _reason(error: Exception, data: Data) -> str:
    # the driver's own error; SQLAlchemy's text repeats the query
    return reason(getattr(error, "orig", None) or error, data.private)


def _engine(source: SqlSource) -> sa.Engine:
    """An engine that has not connected yet; ConfigError for a URL that names no database."""
    try:
        url = sa.make_url(secret(source.variable))
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, poolclass=NullPool)
    except (ArgumentError, ValueError):
        # its text may hold the password
        raise ConfigError(
            f"{source.variable} is not a database URL, as postgresql://user@host/name"
        ) from None
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{source.variable} needs the driver {error.name}; install it, for Postgres with: "
            "uv sync --extra postgres"
        ) from error
    # SQLite would make an empty database of a mere question
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise ConfigError(f"{source.variable} names {url.database}, which is not a file")
    return engine


def _tables(result: sa.CursorResult[Any], data: Data) -> Iterator[pa.Table]:
    """The declared columns of the result, some rows at a time."""
    begin = 0
    for rows in result.columns(*data.columns).partitions(CHUNK_ROWS):
        values = dict(zip(data.columns, zip(*rows, strict=True), strict=True))
        yield pa.table({name: _typed(name, values[name], data, begin) for name in data.columns})
        begin += len(rows)


def _typed(name: str, values: Sequence[Any], data: Data, begin: int) -> pa.ChunkedArray:
    declared = data.columns[name]
    try:
        return declared_types.cast(pa.chunked_array([pa.array(values)]), declared)
    except Misfit as misfit:
        place = "" if misfit.row is None else f", row {begin + misfit.row + 1:,}"
        sentence = misfit.sentence(name, private=name in data.private)
        raise DataRejected(f"data.source.query{place}: {sentence}") from None
    except (pa.ArrowException, OverflowError) as error:
        raise DataRejected(
            f"data.source.query returns {name} as values that are not {declared}; "
            "convert them in the query"
        ) from cause(error, data.private)


def _empty(data: Data) -> pa.Table:
    schema = pa.schema([(name, ARROW_TYPES[declared]) for name, declared in data.columns.items()])
    return schema.empty_table()
