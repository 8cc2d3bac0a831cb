"""The rows to score, in chunks that fit into memory: days with their history, or blocks of rows.

What `prepare` computes is then what it would have computed on that day: of the rows whose label was
not known yet at the day's end, the target is null.
Not here: reading one file (file_rows.py); scoring (tasks/scoring).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from configs.data import Data
from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.source import FilesSource, PythonSource, SqlSource
from tasks.data import file_rows, function_rows, query_rows, sources
from tasks.data.declared_types import to_frame
from tasks.data.files import File, find
from tasks.data.period import ONE_DAY, Period, days_before

BLOCK_ROWS = 100_000
# a column that is gone before `prepare` sees the rows
IS_NEW = "ratchet_new"


@dataclass(frozen=True)
class Chunk:
    """Raw rows in order, and which of them are to be scored; the others are history.

    `share` is how much of the whole partition is done with this chunk, up to 1.
    """

    raw: pd.DataFrame
    is_new: NDArray[np.bool_]
    share: float = 1.0


class DailyRows:
    """The rows of the days of a period, each with the history that `prepare` needs.

    Where all file names carry dates, or a query asks for a period, no more than one day and its
    history are in memory. Otherwise all rows of the period are read at once. The rows of a dated
    file are of the day in its name; others are of the day that their time is in. DataRejected
    names the days that have no file.
    """

    def __init__(self, config: ModelConfig, days: Sequence[datetime], root: Path) -> None:
        self._data, self._delay = config.data, timedelta(days=config.label_delay_days)
        self._history_days = config.data.history_days
        self._tables: dict[datetime, pa.Table] = {}
        period = Period(days_before(days[0], self._history_days), days[-1] + ONE_DAY)
        self._read_day = _day_reader(self._data, period, root)

    def of(self, day: datetime) -> Chunk:
        """The rows of the day that begins at this midnight, and of its history.

        Days are best asked for in their order: each is then read once.
        """
        days = Period(days_before(day, self._history_days), day + ONE_DAY).days
        earlier, self._tables = self._tables, {}
        for each in days:
            self._tables[each] = earlier[each] if each in earlier else self._read_day(each)
        tables = [
            table.append_column(IS_NEW, pa.repeat(each == day, len(table)))
            for each, table in self._tables.items()
        ]
        rows = sources.sort(pa.concat_tables(tables), self._data)
        is_new = rows[IS_NEW].to_numpy()
        # the label of a row is known once the delay has passed
        rows = _without_labels_from(min(day, day + ONE_DAY - self._delay), rows, self._data)
        return Chunk(to_frame(rows.drop_columns([IS_NEW])), is_new)


def read_blocks(config: ModelConfig, root: Path) -> Iterator[Chunk]:
    """All rows of a source without times, at most BLOCK_ROWS at once, in the source's order.

    In memory is one file at a time, or all that a query or a function returns. Where copies are
    left out, all rows are read at once, as one block. No label is known.
    """
    data = config.data
    if isinstance(data.source, FilesSource) and not data.drop_duplicates:
        files = find(data.source, root)
        for number, file in enumerate(files):
            yield from _blocks(_read_file(file, data), data, number / len(files), 1 / len(files))
    else:
        yield from _blocks(_read_all(data, None, root), data, 0.0, 1.0)


def _blocks(rows: pa.Table, data: Data, share_before: float, share: float) -> Iterator[Chunk]:
    block_rows = max(1, len(rows)) if data.drop_duplicates else BLOCK_ROWS
    for start in range(0, len(rows), block_rows):
        block = rows.slice(start, block_rows)
        block = _without_labels(block, data, pa.repeat(True, len(block)))
        done = (start + len(block)) / len(rows)
        is_new = np.ones(len(block), dtype=bool)
        yield Chunk(to_frame(block), is_new, share_before + share * done)


def _read_file(file: File, data: Data) -> pa.Table:
    rows = file_rows.read(file, data, may_lack=data.raw_target)
    if not len(rows):
        raise DataRejected(f"{file}: has no rows; download it again, or remove it")
    # a file that lacks the target has its columns in another order than one that has it
    return rows.select(list(data.raw))


def _day_reader(data: Data, period: Period, root: Path) -> Callable[[datetime], pa.Table]:
    """What reads the rows of one day of the period, as few others as the source allows."""
    if isinstance(data.source, FilesSource):
        files = find(data.source, root)
        if all(file.day for file in files):
            dated = sources.files_of_days(files, period)
            return lambda day: pa.concat_tables(
                [_read_file(file, data) for file in dated if file.day == day]
            )
    if isinstance(data.source, SqlSource) and data.source.takes_period:
        return lambda day: _read_all(data, Period(day, day + ONE_DAY), root)
    rows = _read_all(data, period, root)
    return lambda day: sources.cut(rows, data, Period(day, day + ONE_DAY))


def _read_all(data: Data, period: Period | None, root: Path) -> pa.Table:
    """The rows of the period, or all; DataRejected where rows of a period have no time."""
    match data.source:
        case PythonSource() as source:
            rows = function_rows.read(source, data, data.raw_target)
        case SqlSource() as source:
            rows = query_rows.read(source, data, period)
        case FilesSource() as source:
            rows = pa.concat_tables(
                [
                    file_rows.read(file, data, period=period, may_lack=data.raw_target)
                    for file in find(source, root)
                ]
            )
    if period and data.time and (unknown := rows[data.time].null_count):
        raise DataRejected(
            f"{unknown:,} of {len(rows):,} rows have no {data.time}, so they belong to no day; "
            "give them their time, or leave them out of the source"
        )
    return sources.cut(rows, data, period)


def _without_labels_from(instant: datetime, rows: pa.Table, data: Data) -> pa.Table:
    """The rows, with a null for the target from this instant on, and of all that are new."""
    unknown = pc.or_(rows[IS_NEW], pc.greater_equal(rows[data.time], instant))
    # a row without a time has no label that is known to be old enough
    unknown = pc.fill_null(unknown, True)
    return _without_labels(rows, data, unknown)


def _without_labels(rows: pa.Table, data: Data, unknown: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The rows, with a null where a target is `unknown`; one that `prepare` makes is not here."""
    if data.raw_target is None:
        return rows
    labels = pc.if_else(unknown, None, rows[data.target])
    return rows.set_column(rows.column_names.index(data.target), data.target, labels)
