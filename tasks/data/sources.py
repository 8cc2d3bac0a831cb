"""The rows of a model, from any kind of source, and the day up to which there are rows.

Not here: one file (file_rows.py), a query (query_rows.py), a function (function_rows.py); whether
the rows are any good (structure.py, validation.py); what is computed from them (hooks.py).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from configs.data import ROW, Data
from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.source import FilesSource, PythonSource, SqlSource
from tasks.data import file_rows, function_rows, query_rows
from tasks.data.declared_types import to_frame
from tasks.data.files import File, find
from tasks.data.period import ONE_DAY, Period, days_before, midnight_before
from tasks.records import Window

NAMED_DAYS = 3


def load(
    config: ModelConfig, window: Window | None, root: Path, *, holdout: bool = True
) -> pd.DataFrame:
    """The declared columns of all rows of the window, or of all rows where there is no window.

    The window counts from the start of its history to its end, without `holdout` to the end of
    training. Rows are in the order of their time and key: the same rows make the same model,
    however they are spread over files. Rows that have neither stay in the order of the source.
    Where all file names carry dates, only the files of the window's days are read; DataRejected
    names the days that have none.
    """
    data = config.data
    period = _period_of(window, holdout=holdout) if window else None
    return to_frame(sort(_read(data, period, root), data))


def newest_as_of(config: ModelConfig, root: Path, delay_days: int) -> datetime:
    """The instant up to which labels are complete: the end of the newest day less the delay."""
    return days_before(end_of_newest_day(config.data, root), delay_days)


def _period_of(window: Window, *, holdout: bool) -> Period:
    end = window.holdout_end if holdout else window.train_end
    return Period(window.history_start, end)


def _read(data: Data, period: Period | None, root: Path) -> pa.Table:
    """The rows of the period, or all."""
    match data.source:
        case PythonSource() as source:
            return cut(function_rows.read(source, data), data, period)
        case SqlSource() as source:
            return cut(query_rows.read(source, data, period), data, period)
        case FilesSource() as source:
            return _read_files(find(source, root), data, period)


def _read_files(files: Sequence[File], data: Data, period: Period | None) -> pa.Table:
    if period and all(file.day for file in files):
        days = [_read_day(file, data) for file in files_of_days(files, period)]
        return pa.concat_tables([_cut_within_days(rows, data, period) for rows in days])
    return pa.concat_tables(
        [cut(file_rows.read(file, data, period=period), data, period) for file in files]
    )


def _read_day(file: File, data: Data) -> pa.Table:
    rows = file_rows.read(file, data)
    if not len(rows):
        raise DataRejected(f"{file}: has no rows; download it again, or remove it")
    return rows


def cut(rows: pa.Table, data: Data, period: Period | None) -> pa.Table:
    """The rows without those whose time is outside the period; rows without a time stay."""
    if period is None or data.time is None:
        return rows
    times = rows[data.time]
    return _without(rows, pc.or_(pc.less(times, period.start), pc.greater_equal(times, period.end)))


def _cut_within_days(rows: pa.Table, data: Data, period: Period) -> pa.Table:
    """The rows of a day's file without those of the period's first and last day outside of it.

    Rows of other days stay, as they are in the file of a wrong day: that is for the structural
    checks to find.
    """
    if data.time is None:
        return rows
    times = rows[data.time]
    too_early = pc.and_(
        pc.less(times, period.start), pc.greater_equal(times, period.first_midnight)
    )
    too_late = pc.and_(pc.greater_equal(times, period.end), pc.less(times, period.last_midnight))
    return _without(rows, pc.or_(too_early, too_late))


def _without(rows: pa.Table, mask: pa.ChunkedArray) -> pa.Table:
    return rows.filter(pc.invert(pc.fill_null(mask, False)))


def sort(rows: pa.Table, data: Data) -> pa.Table:
    """The rows by time and key; in the order they have where one has neither."""
    by = [name for name in (data.time, data.key) if name and name != ROW]
    # Arrow's sort is stable, and puts nulls at the end
    return rows.sort_by([(name, "ascending") for name in by]) if by else rows


def end_of_newest_day(data: Data, root: Path) -> datetime:
    """The midnight after the newest row, read off the file names where all of them carry dates."""
    assert data.time is not None
    match data.source:
        case PythonSource() as source:
            newest = pc.max(function_rows.read(source, data)[data.time]).as_py()
        case SqlSource() as source:
            newest = query_rows.newest_time(source, data)
        case FilesSource() as source:
            files = find(source, root)
            days = [file.day for file in files if file.day]
            if len(days) == len(files):
                return max(days) + ONE_DAY
            rows = [file_rows.read(file, data, [data.time]) for file in files]
            newest = pc.max(pa.concat_tables(rows)[data.time]).as_py()
    if newest is None:
        raise DataRejected(f"no row has a {data.time}, so the newest day is unknown")
    # a day of grace: clocks and zones differ
    if newest > datetime.now(UTC).replace(tzinfo=None) + ONE_DAY:
        raise DataRejected(
            f"the newest row is of {newest:%Y-%m-%d}, in the future, so the newest day is unknown; "
            "correct the row, or name the last day with --as-of or --to"
        )
    return midnight_before(newest) + ONE_DAY


def files_of_days(files: Sequence[File], period: Period) -> list[File]:
    """The files of the period's days; DataRejected where a day has none."""
    days = period.days
    wanted = [file for file in files if file.day in days]
    days_with_files = {file.day for file in wanted}
    missing = [day for day in days if day not in days_with_files]
    if missing:
        named = [f"{day:%Y-%m-%d}" for day in missing]
        if len(named) > NAMED_DAYS:
            named[NAMED_DAYS:] = ["..."]
        folder = str(files[0]).rpartition("/")[0]
        raise DataRejected(
            f"{len(missing)} of the {len(days)} days from {period.start:%Y-%m-%d} to "
            f"{days[-1]:%Y-%m-%d} have no file ({', '.join(named)}); put them in {folder}, "
            "or choose other days"
        )
    return wanted
