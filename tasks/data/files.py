"""Files of rows, on disk or in object storage: found by a glob, read column by column, each refused in words when it cannot be.

Not here: which days are wanted, and sources that are no files (sources.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq

from configs.data import ROW, Data, FilesSource
from configs.errors import ConfigError, DataRejected

DAY_IN_NAME = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
WILDCARD = re.compile(r"[*?\[]")
TYPES = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "datetime": pa.timestamp("us"),
}


@dataclass(frozen=True)
class File:
    """One file of a source. `name` is its path below the folder that all files of the source share."""

    filesystem: Any
    path: str
    name: str

    def __str__(self) -> str:
        return str(self.filesystem.unstrip_protocol(self.path)).removeprefix("file://")

    @property
    def day(self) -> datetime | None:
        """The day that the file's name carries, as in 2018-08-14.parquet."""
        match = DAY_IN_NAME.search(PurePosixPath(self.path).name)
        try:
            return datetime.strptime("".join(match.groups()), "%Y%m%d") if match else None
        except ValueError:  # digits that are no date, as in 2018-99-99: a name like any other
            return None

    @property
    def origin(self) -> str:
        return PurePosixPath(self.path).name.partition(".")[0]


def find(source: FilesSource, root: Path) -> tuple[File, ...]:
    """The files that the source's glob finds, in the order of their names."""
    pattern = source.path.replace("${RATCHET_DATA}", str(root))
    if not Path(pattern).is_absolute() and "://" not in pattern:
        raise ConfigError(
            f"data.source.path is {source.path}; write a full path, or begin it with ${{RATCHET_DATA}}"
        )
    try:
        filesystem, glob = fsspec.core.url_to_fs(pattern)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"data.source.path is {source.path}, which cannot be opened: {error} (s3:// needs: uv sync --extra s3)"
        ) from error
    shared = PurePosixPath(WILDCARD.split(glob)[0] + "x").parent
    found = sorted(path for path in filesystem.glob(glob) if not filesystem.isdir(path))
    if not found:
        raise DataRejected(
            f"no file matches {pattern}; put the data there, or point RATCHET_DATA at its folder"
        )
    return tuple(
        File(filesystem, path, str(PurePosixPath(path).relative_to(shared))) for path in found
    )


def read(file: File, data: Data, columns: Sequence[str] = ()) -> pd.DataFrame:
    """The declared columns of all rows of a file, or those of `columns`; DataRejected when it does not have them, or is damaged."""
    assert isinstance(data.source, FilesSource)
    made: dict[str, Any] = _of_folders(file, data)
    if data.source.origin:
        made[data.source.origin] = file.origin
    wanted = [name for name in columns or data.columns if name not in made]
    try:
        with file.filesystem.open(
            file.path, compression="infer" if ".csv" in file.path else None
        ) as stream:
            table = (
                _read_parquet(file, stream, wanted)
                if file.path.endswith(".parquet")
                else _read_csv(file, stream, data, wanted)
            )
    except (
        pa.ArrowInvalid,
        pa.ArrowKeyError,
        pa.ArrowNotImplementedError,
        UnicodeDecodeError,
        EOFError,
        OSError,
    ) as error:
        if getattr(error, "errno", None) is not None:
            raise  # the disk's trouble, not what the file holds
        raise DataRejected(
            f"{file}: cannot be read: {str(error).splitlines()[0]}. Bring it again from where it came from"
        ) from error
    if not table.num_rows:
        raise DataRejected(
            f"{file}: has no rows. Bring it again from where it came from, or take it away"
        )
    frame: pd.DataFrame = table.select(wanted).to_pandas()
    instants = frame.select_dtypes("datetime").columns
    frame = frame.astype(
        dict.fromkeys(instants, "datetime64[us]")
    )  # files of one source may differ in their unit
    frame = frame.assign(**made)
    if data.key == ROW:
        frame[ROW] = [f"{file.name}:{place}" for place in range(len(frame))]
    return frame


def _of_folders(file: File, data: Data) -> dict[str, Any]:
    """The declared columns that the names of the file's folders give, as in year=2018/month=08."""
    named = {
        part.partition("=")[0] for part in PurePosixPath(file.name).parent.parts if "=" in part
    }
    schema = pa.schema(
        [(name, TYPES[dtype]) for name, dtype in data.columns.items() if name in named]
    )
    if not schema.names:
        return {}
    expression = pyarrow.dataset.partitioning(schema, flavor="hive").parse(
        str(PurePosixPath(file.name).parent)
    )
    return dict(pyarrow.dataset.get_partition_keys(expression))


def _read_parquet(file: File, stream: Any, columns: list[str]) -> pa.Table:
    parquet = pq.ParquetFile(stream)
    _refuse_missing(file, columns, parquet.schema_arrow.names)
    return parquet.read(columns=columns)


def _read_csv(file: File, stream: Any, data: Data, columns: list[str]) -> pa.Table:
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: TYPES[data.columns[name]] for name in columns},
        strings_can_be_null=True,  # else a column of missing strings is all known
        null_values=[""],
    )
    table = pyarrow.csv.read_csv(stream, convert_options=convert)
    _refuse_missing(file, columns, table.column_names)
    return table


def _refuse_missing(file: File, wanted: list[str], there: list[str]) -> None:
    if missing := [name for name in wanted if name not in there]:
        raise DataRejected(f"{file}: has no column {', '.join(missing)}; it has {', '.join(there)}")
    if twice := sorted({name for name in wanted if there.count(name) > 1}):
        raise DataRejected(f"{file}: has column {', '.join(twice)} more than once")
