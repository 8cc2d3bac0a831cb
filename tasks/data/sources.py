"""The rows of a model: from files or a function, of which days; and the day up to which there are data.

Not here: reading one file (files.py), whether the rows are any good (structure.py, validation.py), what is computed from them (hooks.py).
"""

import importlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from configs.data import ROW, Data, FilesSource, PythonSource
from configs.errors import DataRejected
from configs.model import ModelConfig
from tasks.data import files
from tasks.data.files import File
from tasks.records import Window


def load(
    config: ModelConfig, window: Window | None, root: Path, *, holdout: bool = True
) -> pd.DataFrame:
    """The declared columns of all rows; where there is a window, from its history's start to its end, without `holdout` to the end of training.

    Rows are in the order of their key: the same rows make the same model, however they were spread over files.
    Where names carry dates only the files of those days are read, and each day must have one; DataRejected names what is missing.
    """
    data = config.data
    if isinstance(data.source, PythonSource):
        return _within(_called(data.source, config), config, window, holdout=holdout)
    found = files.find(data.source, root)
    if window is None or not all(file.day for file in found):
        return _within(_together(found, data), config, window, holdout=holdout)
    wanted = _of_days(found, window.history_start, _end(window, holdout=holdout))
    return _within(_together(wanted, data), config, window, holdout=holdout, dated=True)


def newest_as_of(config: ModelConfig, root: Path, delay_days: int) -> datetime:
    """The instant up to which labels are complete: the end of the newest day there are rows of, less the delay."""
    return _newest_end(config, root) - timedelta(days=delay_days)


def _newest_end(config: ModelConfig, root: Path) -> datetime:
    data = config.data
    assert data.time is not None
    if isinstance(data.source, FilesSource):
        found = files.find(data.source, root)
        if all(days := [file.day for file in found]):
            return max(day for day in days if day) + timedelta(days=1)
        times = pd.concat(
            [files.read(file, data, [data.time])[data.time] for file in found], ignore_index=True
        )
    else:
        times = _called(data.source, config)[data.time]
    if not pd.api.types.is_datetime64_dtype(times) or times.isna().all():
        raise DataRejected(
            f"{data.time} holds no times ({times.dtype}); declare its type in data.columns and write it as a timestamp"
        )
    ahead = times[times > datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)]
    if len(ahead):
        raise DataRejected(
            f"{len(ahead):,} of {len(times):,} rows lie in the future, the last at {ahead.max():%Y-%m-%d}, so the newest day is not known; "
            "mend them, or name the end of the holdout with --as-of"
        )
    return datetime.combine(times.max().date(), datetime.min.time()) + timedelta(days=1)


def _together(found: Sequence[File], data: Data) -> pd.DataFrame:
    """The rows of all files, which must agree on the type of each column."""
    frames = [files.read(file, data) for file in found]
    for file, frame in zip(found, frames, strict=True):
        if differing := [
            name
            for name in data.raw
            if name in frame and frame[name].dtype != frames[0][name].dtype
        ]:
            column = differing[0]
            raise DataRejected(
                f"{column} is {frames[0][column].dtype} in {found[0]} and {frame[column].dtype} in {file}; {data.raw[column]} is declared. "
                "Write both alike"
            )
    return pd.concat(frames, ignore_index=True)


def _called(source: PythonSource, config: ModelConfig) -> pd.DataFrame:
    """The declared columns of what the function returns; its errors are named as those of the source."""
    module, _, name = source.function.rpartition(".")
    try:
        answer = getattr(importlib.import_module(module), name)(**source.arguments)
    except Exception as error:
        raise DataRejected(
            f"{source.function} raised {type(error).__name__}: {error}; mend it or data.source.arguments"
        ) from error
    frame = getattr(answer, "frame", answer)
    if not isinstance(frame, pd.DataFrame):
        raise DataRejected(
            f"{source.function} returned {type(answer).__name__}; it must return a DataFrame, or hold one as `frame`"
        )
    if missing := [column for column in config.data.columns if column not in frame]:
        raise DataRejected(
            f"{source.function} has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}"
        )
    rows = frame[list(config.data.columns)].reset_index(drop=True)
    return rows.assign(**{ROW: rows.index.astype("str")}) if config.data.key == ROW else rows


def _within(
    rows: pd.DataFrame,
    config: ModelConfig,
    window: Window | None,
    *,
    holdout: bool,
    dated: bool = False,
) -> pd.DataFrame:
    """The rows of the window, by key. Of dated files none is dropped: a row outside its file's day is for the structural checks to find."""
    time = config.data.time
    rows = rows.sort_values(config.data.key, kind="stable", ignore_index=True)
    if window is None or time is None or not pd.api.types.is_datetime64_dtype(rows[time]):
        return rows
    end = _end(window, holdout=holdout)
    before, after = (
        rows[time] < window.history_start,
        rows[time] >= end,
    )  # neither holds where there is no time
    if dated:
        before &= rows[time] >= _midnight(window.history_start)
        after &= rows[time] < _midnight(end, after=True)
    return rows[~(before | after)].reset_index(drop=True)


def _end(window: Window, *, holdout: bool) -> datetime:
    return window.holdout_end if holdout else window.train_end


def _of_days(found: Sequence[File], start: datetime, end: datetime) -> list[File]:
    first = _midnight(start)
    days = [first + timedelta(days=n) for n in range((_midnight(end, after=True) - first).days)]
    wanted = [file for file in found if file.day in days]
    have = {file.day for file in wanted}
    if missing := [day for day in days if day not in have]:
        named = ", ".join(f"{day:%Y-%m-%d}" for day in missing[:3]) + (
            ", ..." if len(missing) > 3 else ""
        )
        raise DataRejected(
            f"{len(missing)} of the {len(days)} days from {start:%Y-%m-%d} to {end:%Y-%m-%d} have no file ({named}); "
            f"bring them to {Path(str(found[0])).parent}, or choose another --as-of"
        )
    return wanted


def _midnight(instant: datetime, *, after: bool = False) -> datetime:
    """The midnight at or before an instant; the one at or after it, if so asked."""
    midnight = datetime.combine(instant.date(), datetime.min.time())
    return midnight + timedelta(days=1) if after and midnight < instant else midnight
