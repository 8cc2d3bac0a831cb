"""The rows of a model, from files or a function, and the day up to which there are rows.

Not here: reading one file (files.py); whether the rows are any good (structure.py,
validation.py); what is computed from them (hooks.py).
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from configs.data import ROW, Data, PythonSource
from configs.errors import DataRejected
from configs.model import ModelConfig
from tasks.data import files
from tasks.data.files import File
from tasks.records import Window

ONE_DAY = timedelta(days=1)
NAMED_DAYS = 3


@dataclass(frozen=True)
class Period:
    """The time from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    @property
    def first_midnight(self) -> datetime:
        return _midnight_before(self.start)

    @property
    def last_midnight(self) -> datetime:
        midnight = _midnight_before(self.end)
        return midnight if midnight == self.end else midnight + ONE_DAY

    @property
    def days(self) -> list[datetime]:
        """The midnight at which each day of the period begins; first and last may be part days."""
        count = (self.last_midnight - self.first_midnight).days
        return [self.first_midnight + n * ONE_DAY for n in range(count)]


def load(
    config: ModelConfig, window: Window | None, root: Path, *, holdout: bool = True
) -> pd.DataFrame:
    """The declared columns of all rows of the window, or of all rows where there is no window.

    The window counts from the start of its history to its end, without `holdout` to the end of
    training. Rows are sorted by key: the same rows make the same model, however they are spread
    over files. Where all file names carry dates, only the files of the window's days are read;
    DataRejected names the days that have none.
    """
    data = config.data
    period = _period_of(window, holdout=holdout) if window else None
    if isinstance(data.source, PythonSource):
        return _sort_and_cut(_call_function(data.source, data), data, period)
    source_files = files.find(data.source, root)
    if period is None or not all(file.day for file in source_files):
        return _sort_and_cut(_read_files(source_files, data), data, period)
    rows = _read_files(_files_of_days(source_files, period), data)
    return _sort_and_cut(rows, data, period, dated=True)


def newest_as_of(config: ModelConfig, root: Path, delay_days: int) -> datetime:
    """The instant up to which labels are complete: the end of the newest day less the delay."""
    return _end_of_newest_day(config.data, root) - timedelta(days=delay_days)


def _period_of(window: Window, *, holdout: bool) -> Period:
    end = window.holdout_end if holdout else window.train_end
    return Period(window.history_start, end)


def _end_of_newest_day(data: Data, root: Path) -> datetime:
    """The midnight after the newest row, read off the file names where all of them carry dates."""
    assert data.time is not None
    if isinstance(data.source, PythonSource):
        times = _call_function(data.source, data)[data.time]
        return _end_of_newest_time(times, data.time)
    source_files = files.find(data.source, root)
    days_in_names = [file.day for file in source_files if file.day]
    if len(days_in_names) == len(source_files):
        return max(days_in_names) + ONE_DAY
    times_by_file = [files.read(file, data, [data.time])[data.time] for file in source_files]
    return _end_of_newest_time(pd.concat(times_by_file, ignore_index=True), data.time)


def _end_of_newest_time(times: "pd.Series[Any]", column: str) -> datetime:
    if not pd.api.types.is_datetime64_dtype(times) or times.isna().all():
        raise DataRejected(
            f"{column} holds no times ({times.dtype}); declare its type in data.columns and "
            "write it as a timestamp"
        )
    # a day of grace: clocks and zones differ
    latest_plausible = datetime.now(UTC).replace(tzinfo=None) + ONE_DAY
    future = times[times > latest_plausible]
    if len(future):
        raise DataRejected(
            f"{len(future):,} of {len(times):,} rows are in the future, the last on "
            f"{future.max():%Y-%m-%d}, so the newest day is unknown; fix them, or set the end of "
            "the holdout with --as-of"
        )
    return _midnight_before(times.max()) + ONE_DAY


def _read_files(source_files: Sequence[File], data: Data) -> pd.DataFrame:
    """The rows of all files, which must have the same type in each column."""
    frames = [files.read(file, data) for file in source_files]
    for file, frame in zip(source_files, frames, strict=True):
        for column, declared in data.raw.items():
            if column not in frame:
                continue
            first_dtype, dtype = frames[0][column].dtype, frame[column].dtype
            if dtype != first_dtype:
                raise DataRejected(
                    f"{column} is {first_dtype} in {source_files[0]} and {dtype} in {file}; "
                    f"write it as {declared} in every file"
                )
    return pd.concat(frames, ignore_index=True)


def _call_function(source: PythonSource, data: Data) -> pd.DataFrame:
    """The declared columns of the frame that the source's function returns.

    Raise DataRejected where it raises or returns something else.
    """
    module, _, name = source.function.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), name)
        returned = function(**source.arguments)
    except Exception as error:
        raise DataRejected(
            f"{source.function} raised {type(error).__name__}: {error}; "
            "fix it or data.source.arguments"
        ) from error
    frame = getattr(returned, "frame", returned)
    if not isinstance(frame, pd.DataFrame):
        raise DataRejected(
            f"{source.function} returned {type(returned).__name__}; it must return a DataFrame, "
            "or an object that has one as `frame`"
        )
    missing = [column for column in data.columns if column not in frame]
    if missing:
        raise DataRejected(
            f"{source.function} returned no column {', '.join(missing)}; "
            f"it returned {', '.join(map(str, frame.columns))}"
        )
    rows = frame[list(data.columns)].reset_index(drop=True)
    if data.key == ROW:
        rows = rows.assign(**{ROW: rows.index.astype("str")})
    return rows


def _sort_and_cut(
    rows: pd.DataFrame, data: Data, period: Period | None, *, dated: bool = False
) -> pd.DataFrame:
    """The rows sorted by key, without the ones whose time is outside the period.

    Rows without a time stay. Of dated files, so do rows of days outside the period: they are in
    the file of another day, which is for the structural checks to find.
    """
    rows = rows.sort_values(data.key, kind="stable", ignore_index=True)
    if period is None or data.time is None:
        return rows
    times = rows[data.time]
    if not pd.api.types.is_datetime64_dtype(times):
        return rows
    # a missing time compares as False
    before, after = times < period.start, times >= period.end
    if dated:
        before &= times >= period.first_midnight
        after &= times < period.last_midnight
    return rows[~(before | after)].reset_index(drop=True)


def _files_of_days(source_files: Sequence[File], period: Period) -> list[File]:
    """The files of the period's days; DataRejected where a day has none."""
    days = period.days
    files_of_days = [file for file in source_files if file.day in days]
    days_with_files = {file.day for file in files_of_days}
    missing = [day for day in days if day not in days_with_files]
    if missing:
        named = [f"{day:%Y-%m-%d}" for day in missing]
        if len(named) > NAMED_DAYS:
            named[NAMED_DAYS:] = ["..."]
        folder = str(source_files[0]).rpartition("/")[0]
        raise DataRejected(
            f"{len(missing)} of the {len(days)} days from {period.start:%Y-%m-%d} to "
            f"{days[-1]:%Y-%m-%d} have no file ({', '.join(named)}); put them in {folder}, "
            "or choose another --as-of"
        )
    return files_of_days


def _midnight_before(instant: datetime) -> datetime:
    """The midnight at or before an instant."""
    return datetime.combine(instant.date(), datetime.min.time())
