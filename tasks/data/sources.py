"""The rows of a model, from files or a function, and the day up to which there are rows.

Not here: reading one file (file_rows.py) or calling the function (function_rows.py); whether the
rows are any good (structure.py, validation.py); what is computed from them (hooks.py).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from configs.data import ROW, Data
from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.source import PythonSource
from tasks.data import file_rows, function_rows
from tasks.data.declared_types import to_frame
from tasks.data.files import File, find
from tasks.data.period import ONE_DAY, Period, midnight_before
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
    return to_frame(_sort(_read(data, period, root), data))


def newest_as_of(config: ModelConfig, root: Path, delay_days: int) -> datetime:
    """The instant up to which labels are complete: the end of the newest day less the delay."""
    return _end_of_newest_day(config.data, root) - timedelta(days=delay_days)


def _period_of(window: Window, *, holdout: bool) -> Period:
    end = window.holdout_end if holdout else window.train_end
    return Period(window.history_start, end)


def _read(data: Data, period: Period | None, root: Path) -> pa.Table:
    """The rows of the period, or all."""
    if isinstance(data.source, PythonSource):
        return _cut(function_rows.read(data.source, data), data, period)
    files = find(data.source, root)
    if period and all(file.day for file in files):
        days = [_read_day(file, data) for file in _files_of_days(files, period)]
        return pa.concat_tables([_cut_within_days(rows, data, period) for rows in days])
    return pa.concat_tables(
        [_cut(file_rows.read(file, data, period=period), data, period) for file in files]
    )


def _read_day(file: File, data: Data) -> pa.Table:
    rows = file_rows.read(file, data)
    if not len(rows):
        raise DataRejected(f"{file}: has no rows; download it again, or remove it")
    return rows


def _cut(rows: pa.Table, data: Data, period: Period | None) -> pa.Table:
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


def _sort(rows: pa.Table, data: Data) -> pa.Table:
    """The rows by time and key; in the order they have where one has neither."""
    by = [name for name in (data.time, data.key) if name and name != ROW]
    # Arrow's sort is stable, and puts nulls at the end
    return rows.sort_by([(name, "ascending") for name in by]) if by else rows


def _end_of_newest_day(data: Data, root: Path) -> datetime:
    """The midnight after the newest row, read off the file names where all of them carry dates."""
    assert data.time is not None
    if isinstance(data.source, PythonSource):
        return _end_of_newest_time(function_rows.read(data.source, data)[data.time], data.time)
    files = find(data.source, root)
    days_in_names = [file.day for file in files if file.day]
    if len(days_in_names) == len(files):
        return max(days_in_names) + ONE_DAY
    tables = [file_rows.read(file, data, [data.time]) for file in files]
    return _end_of_newest_time(pa.concat_tables(tables)[data.time], data.time)


def _end_of_newest_time(times: pa.ChunkedArray, column: str) -> datetime:
    newest = pc.max(times).as_py()
    if newest is None:
        raise DataRejected(f"{column} is null in all {len(times):,} rows; give the rows their time")
    # a day of grace: clocks and zones differ
    latest_plausible = datetime.now(UTC).replace(tzinfo=None) + ONE_DAY
    future = pc.sum(pc.greater(times, latest_plausible)).as_py()
    if future:
        raise DataRejected(
            f"{future:,} of {len(times):,} rows are in the future, the last on "
            f"{newest:%Y-%m-%d}, so the newest day is unknown; fix them, or set the end of "
            "the holdout with --as-of"
        )
    return midnight_before(newest) + ONE_DAY


def _files_of_days(files: Sequence[File], period: Period) -> list[File]:
    """The files of the period's days; DataRejected where a day has none."""
    days = period.days
    files_of_days = [file for file in files if file.day in days]
    days_with_files = {file.day for file in files_of_days}
    missing = [day for day in days if day not in days_with_files]
    if missing:
        named = [f"{day:%Y-%m-%d}" for day in missing]
        if len(named) > NAMED_DAYS:
            named[NAMED_DAYS:] = ["..."]
        folder = str(files[0]).rpartition("/")[0]
        raise DataRejected(
            f"{len(missing)} of the {len(days)} days from {period.start:%Y-%m-%d} to "
            f"{days[-1]:%Y-%m-%d} have no file ({', '.join(named)}); put them in {folder}, "
            "or choose another --as-of"
        )
    return files_of_days
