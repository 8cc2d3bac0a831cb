"""Files of rows, on disk or in object storage: find them by a glob, read their declared columns.

Not here: which days are wanted, and sources that are not files (sources.py).
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
ARROW_TYPES = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "datetime": pa.timestamp("us"),
}

# what a damaged file raises while it is read
DAMAGE = (
    pa.ArrowInvalid,
    pa.ArrowKeyError,
    pa.ArrowNotImplementedError,
    UnicodeDecodeError,
    EOFError,
    OSError,
)


@dataclass(frozen=True)
class File:
    """One file of a source; `name` is its path below the folder that all of them share."""

    filesystem: Any
    path: str
    name: str

    def __str__(self) -> str:
        return str(self.filesystem.unstrip_protocol(self.path)).removeprefix("file://")

    @property
    def day(self) -> datetime | None:
        """The day in the file's name, as in 2018-08-14.parquet, or None."""
        match = DAY_IN_NAME.search(PurePosixPath(self.path).name)
        if not match:
            return None
        try:
            return datetime.strptime("".join(match.groups()), "%Y%m%d")
        except ValueError:
            # digits that are not a date, as in 2018-99-99: a name like any other
            return None

    @property
    def origin(self) -> str:
        """The file's name without its endings."""
        return PurePosixPath(self.path).name.partition(".")[0]


def find(source: FilesSource, root: Path) -> tuple[File, ...]:
    """The files that match the source's glob, sorted by path; `root` replaces ${RATCHET_DATA}.

    Raise ConfigError for a path that cannot be opened, DataRejected where no file matches.
    """
    pattern = source.path.replace("${RATCHET_DATA}", str(root))
    filesystem, glob = _open_filesystem(source, pattern)
    paths = sorted(path for path in filesystem.glob(glob) if not filesystem.isdir(path))
    if not paths:
        raise DataRejected(
            f"no file matches {pattern}; put the data there, or point RATCHET_DATA at its folder"
        )
    shared_folder = _folder_before_wildcards(glob)
    names = [str(PurePosixPath(path).relative_to(shared_folder)) for path in paths]
    return tuple(File(filesystem, path, name) for path, name in zip(paths, names, strict=True))


def read(file: File, data: Data, columns: Sequence[str] = ()) -> pd.DataFrame:
    """The declared columns of a file, or only `columns`, with times in microseconds.

    Raise DataRejected where a column is missing or the file is empty or damaged.
    """
    from_path = _columns_from_path(file, data)
    wanted = [name for name in columns or data.columns if name not in from_path]
    table = _read_table(file, data, wanted)
    if not table.num_rows:
        raise DataRejected(f"{file}: has no rows; download it again, or remove it")
    frame: pd.DataFrame = table.select(wanted).to_pandas()
    # files of one source may differ in the unit of their times
    times = frame.select_dtypes("datetime").columns
    frame = frame.astype(dict.fromkeys(times, "datetime64[us]"))
    frame = frame.assign(**from_path)
    if data.key == ROW:
        frame[ROW] = [f"{file.name}:{place}" for place in range(len(frame))]
    return frame


def _open_filesystem(source: FilesSource, pattern: str) -> tuple[Any, str]:
    """The filesystem that a full path or URL names, and the glob within it."""
    if not Path(pattern).is_absolute() and "://" not in pattern:
        raise ConfigError(
            f"data.source.path is {source.path}; write a full path, "
            "or begin it with ${RATCHET_DATA}"
        )
    try:
        filesystem, glob = fsspec.core.url_to_fs(pattern)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"data.source.path is {source.path}, which cannot be opened: {error} "
            "(s3:// needs: uv sync --extra s3)"
        ) from error
    return filesystem, glob


def _folder_before_wildcards(glob: str) -> PurePosixPath:
    """The deepest folder that holds everything a glob can match."""
    # with a letter more, `days/` has `days` as its parent
    return PurePosixPath(WILDCARD.split(glob)[0] + "x").parent


def _columns_from_path(file: File, data: Data) -> dict[str, Any]:
    """The columns that are the same in all rows of a file, as its path gives them."""
    constants = _columns_from_folders(file, data)
    if isinstance(data.source, FilesSource) and data.source.origin:
        constants[data.source.origin] = file.origin
    return constants


def _columns_from_folders(file: File, data: Data) -> dict[str, Any]:
    """The declared columns in the names of a file's folders, as in year=2018/month=08."""
    folders = PurePosixPath(file.name).parent
    named = {folder.partition("=")[0] for folder in folders.parts if "=" in folder}
    declared = [name for name in data.columns if name in named]
    if not declared:
        return {}
    schema = pa.schema([(name, ARROW_TYPES[data.columns[name]]) for name in declared])
    partitioning = pyarrow.dataset.partitioning(schema, flavor="hive")
    try:
        # without the last slash, the innermost folder would count as a file
        expression = partitioning.parse(f"{folders}/")
    except pa.ArrowInvalid as error:
        raise DataRejected(
            f"{file.path}: a folder's value is not of its column's type: {error}; rename the folder"
        ) from error
    return dict(pyarrow.dataset.get_partition_keys(expression))


def _read_table(file: File, data: Data, columns: list[str]) -> pa.Table:
    compression = "infer" if ".csv" in file.path else None
    try:
        with file.filesystem.open(file.path, compression=compression) as stream:
            if file.path.endswith(".parquet"):
                return _read_parquet(file, stream, columns)
            return _read_csv(file, stream, data, columns)
    except DAMAGE as error:
        if getattr(error, "errno", None) is not None:
            # the disk or the network failed, not the file: reading again may help
            raise
        problem = str(error).splitlines()[0]
        if data.private and compression:
            # a CSV error quotes the value, or the whole line
            problem = "the reason may quote a private column, and is left out"
        raise DataRejected(
            f"{file}: cannot be read: {problem}; download it again, or remove it"
        ) from error


def _read_parquet(file: File, stream: Any, columns: list[str]) -> pa.Table:
    parquet = pq.ParquetFile(stream)
    _require_columns(file, columns, parquet.schema_arrow.names)
    return parquet.read(columns=columns)


def _read_csv(file: File, stream: Any, data: Data, columns: list[str]) -> pa.Table:
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: ARROW_TYPES[data.columns[name]] for name in columns},
        # without it a missing string would be an empty one, and pass as known
        strings_can_be_null=True,
        null_values=[""],
    )
    table = pyarrow.csv.read_csv(stream, convert_options=convert)
    _require_columns(file, columns, table.column_names)
    return table


def _require_columns(file: File, wanted: list[str], present: list[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataRejected(
            f"{file}: has no column {', '.join(missing)}; it has {', '.join(present)}"
        )
    repeated = sorted({name for name in wanted if present.count(name) > 1})
    if repeated:
        raise DataRejected(
            f"{file}: has column {', '.join(repeated)} more than once; rename or remove the others"
        )
