"""Rows from files: which files, which days, which columns; and the day up to which there are data.

Not here: whether the rows are any good (structure.py, validation.py), what is computed from them (hooks.py).
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from configs.schema import Data, ModelConfig
from tasks.errors import ConfigError, DataRejected
from tasks.records import Window

DAY_IN_NAME = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


def load(config: ModelConfig, window: Window, root: Path, *, holdout: bool = True) -> pd.DataFrame:
    """The declared columns of all rows from the history's start to the holdout's end; without `holdout`, to the end of training.

    Rows are in the order of their key: the same rows make the same model, however they were spread over files.
    Where names carry dates only the files of those days are read, and each day must have one; DataRejected names what is missing.
    """
    end = window.holdout_end if holdout else window.train_end
    files = find_files(config.data, root)
    dated = all(day_of(file) for file in files)
    wanted = _files_of_days(files, window.history_start, end) if dated else files
    rows = pd.concat([_read(file, config.data) for file in wanted], ignore_index=True)
    rows = rows.sort_values(config.data.key, kind="stable", ignore_index=True)
    if config.data.time not in rows or not pd.api.types.is_datetime64_dtype(rows[config.data.time]):
        return rows
    times = rows[config.data.time]
    before, after = times < window.history_start, times >= end  # neither holds where there is no time
    if dated:  # a row outside its file's day is for the structural checks to find
        before &= times >= _midnight(window.history_start)
        after &= times < _midnight(end, after=True)
    return rows[~(before | after)].reset_index(drop=True)


def newest_end(config: ModelConfig, root: Path) -> datetime:
    """The end of the newest day there are rows of."""
    files = find_files(config.data, root)
    days = [day for file in files if (day := day_of(file))]
    if len(days) == len(files):
        return max(days) + timedelta(days=1)
    newest = max(_read(file, config.data, [config.data.time])[config.data.time].max() for file in files)
    return datetime.combine(newest.date(), datetime.min.time()) + timedelta(days=1)


def newest_as_of(config: ModelConfig, root: Path) -> datetime:
    """The instant up to which labels are complete: the end of the newest day less the delay."""
    return newest_end(config, root) - timedelta(days=config.split.delay_days)


def find_files(data: Data, root: Path) -> tuple[Path, ...]:
    pattern = Path(data.source.path.replace("${RATCHET_DATA}", str(root)))
    if not pattern.is_absolute():
        raise ConfigError(f"data.source.path is {data.source.path}; write a full path, or begin it with ${{RATCHET_DATA}}")
    files = tuple(sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))))
    if not files:
        raise DataRejected(f"no file matches {pattern}; put the data there, or point RATCHET_DATA at its folder")
    return files


def day_of(file: Path) -> datetime | None:
    """The day that a file's name carries, as in 2018-08-14.parquet."""
    match = DAY_IN_NAME.search(file.stem)
    try:
        return datetime.strptime("".join(match.groups()), "%Y%m%d") if match else None
    except ValueError:  # digits that are no date, as in 2018-99-99: a name like any other
        return None


def _files_of_days(files: Sequence[Path], start: datetime, end: datetime) -> list[Path]:
    first = _midnight(start)
    days = [first + timedelta(days=n) for n in range((_midnight(end, after=True) - first).days)]
    wanted = [file for file in files if day_of(file) in days]
    have = {day_of(file) for file in wanted}
    if missing := [day for day in days if day not in have]:
        named = ", ".join(f"{day:%Y-%m-%d}" for day in missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise DataRejected(
            f"{len(missing)} of the {len(days)} days from {start:%Y-%m-%d} to {end:%Y-%m-%d} have no file ({named}); "
            f"bring them to {files[0].parent}, or choose another --as-of"
        )
    return wanted


def _midnight(instant: datetime, *, after: bool = False) -> datetime:
    """The midnight at or before an instant; the one at or after it, if so asked."""
    midnight = datetime.combine(instant.date(), datetime.min.time())
    return midnight + timedelta(days=1) if after and midnight < instant else midnight


def _read(file: Path, data: Data, columns: Sequence[str] = ()) -> pd.DataFrame:
    wanted = list(columns or data.columns)
    try:
        frame = _read_csv(file, data, wanted) if file.suffix == ".csv" else _read_parquet(file, wanted)
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # the disk's trouble, not what the file holds
        raise DataRejected(f"{file}: cannot be read: {str(error).splitlines()[0]}") from error
    instants = frame.select_dtypes("datetime").columns
    return frame.astype(dict.fromkeys(instants, "datetime64[us]"))  # files of one source may differ in their unit


def _read_parquet(file: Path, columns: list[str]) -> pd.DataFrame:
    _refuse_missing(file, columns, pq.read_schema(file).names)
    frame: pd.DataFrame = pq.read_table(file, columns=columns).to_pandas()
    return frame


def _read_csv(file: Path, data: Data, columns: list[str]) -> pd.DataFrame:
    types = {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "string": pa.string(),
        "datetime": pa.timestamp("us"),
    }
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: types[data.columns[name]] for name in columns},
        strings_can_be_null=True,  # else a column of missing strings is all known
        null_values=[""],
    )
    table = pyarrow.csv.read_csv(file, convert_options=convert)
    _refuse_missing(file, columns, table.column_names)
    frame: pd.DataFrame = table.select(columns).to_pandas()
    return frame


def _refuse_missing(file: Path, wanted: list[str], there: list[str]) -> None:
    if missing := [name for name in wanted if name not in there]:
        raise DataRejected(f"{file}: has no column {', '.join(missing)}; it has {', '.join(there)}")
    if twice := sorted({name for name in wanted if there.count(name) > 1}):
        raise DataRejected(f"{file}: has column {', '.join(twice)} more than once")
