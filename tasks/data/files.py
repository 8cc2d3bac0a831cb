"""The files of a source, on disk or in object storage, found by a glob.

Not here: reading their rows (file_rows.py); which days are wanted (sources.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.utils import glob_translate
from pyarrow import fs

from configs.errors import ConfigError, DataRejected, Unreachable
from configs.source import CSV_ENDING, DATA_FOLDER, FilesSource

DAY_IN_NAME = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class File:
    """One file of a source; `name` is its path below the folder that all of them share."""

    filesystem: fs.FileSystem
    path: str
    name: str
    protocol: str = ""

    def __str__(self) -> str:
        return f"{self.protocol}{self.path}"

    @property
    def day(self) -> datetime | None:
        """The day in the file's name, as in 2018-08-14.parquet, or in date=2018-08-14 above it."""
        path = PurePosixPath(self.path)
        folder = path.parent.name
        return _day_in(path.name) or (_day_in(folder) if "=" in folder else None)

    @property
    def origin(self) -> str:
        """The file's name without its endings."""
        return PurePosixPath(self.path).name.partition(".")[0]

    def open(self) -> Any:
        """A stream of its bytes, uncompressed."""
        return self.filesystem.open_input_stream(self.path)


@dataclass(frozen=True)
class Place:
    """Where a source's files are: below a folder of a filesystem, those that match a glob."""

    filesystem: fs.FileSystem
    folder: str
    glob: str
    protocol: str

    def __str__(self) -> str:
        return f"{self.protocol}{self.folder}/{self.glob}"

    def names(self) -> Iterator[str]:
        """The paths, below the folder, of the files that match."""
        if not WILDCARD.search(self.glob):
            yield from self._files_of(self._info(self.glob))
            return
        matches = re.compile(glob_translate(self.glob)).match
        for info in self._list(self.folder, recursive="/" in self.glob):
            name = self._name(info)
            if matches(name) and _is_data(name):
                yield from self._files_of(info)

    def _files_of(self, info: fs.FileInfo) -> Iterator[str]:
        """The file, or the data files in a folder, as Spark writes them."""
        if info.type != fs.FileType.Directory:
            if info.type != fs.FileType.NotFound:
                yield self._name(info)
            return
        ending = re.compile(r"\.parquet$" if self.glob.endswith(".parquet") else CSV_ENDING)
        for below in self._list(info.path, recursive=True):
            name = self._name(below)
            inner = name.removeprefix(self._name(info))
            if below.type == fs.FileType.File and ending.search(name) and _is_data(inner):
                yield name

    def _list(self, folder: str, *, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(folder, recursive=recursive, allow_not_found=True)
        infos: list[fs.FileInfo] = self.filesystem.get_file_info(selector)
        return infos

    def _info(self, name: str) -> fs.FileInfo:
        return self.filesystem.get_file_info(f"{self.folder}/{name}")

    def _name(self, info: fs.FileInfo) -> str:
        return str(info.path).removeprefix(self.folder).lstrip("/")


def find(source: FilesSource, root: Path) -> tuple[File, ...]:
    """The files that match the source's glob, sorted by path; `root` replaces ${RATCHET_DATA}.

    A folder that matches counts as the files in it. What a wildcard matches is left out where its
    name begins with _ or a dot, and a file that several links lead to counts once. Raise
    ConfigError for a path that cannot be opened, DataRejected where no file matches, Unreachable
    where it cannot be listed.
    """
    place = _place(source.path, root)
    try:
        names = sorted(set(place.names()))
    except ValueError as error:
        raise ConfigError(f"data.source.path is {source.path}: {_first_line(error)}") from error
    except Exception as error:
        # each kind of object storage has errors of its own, as for missing credentials
        raise Unreachable(f"{place} cannot be listed: {_first_line(error)}") from error
    if not names:
        raise DataRejected(
            f"no file matches {place}; put the data there, or point RATCHET_DATA at its folder"
        )
    files = [
        File(place.filesystem, f"{place.folder}/{name}", name, place.protocol) for name in names
    ]
    return tuple(_without_second_links(files))


def _place(path: str, root: Path) -> Place:
    """Only the YAML's own path is a pattern: the data folder may have any name."""
    below_root = path.removeprefix(DATA_FOLDER)
    cut = WILDCARD.split(below_root)[0].rfind("/") + 1
    folder, glob = below_root[:cut].rstrip("/"), below_root[cut:]
    if below_root != path:
        folder = f"{root.absolute()}/{folder.strip('/')}".rstrip("/")
    if "://" not in folder:
        return Place(fs.LocalFileSystem(), folder, glob, "")
    try:
        filesystem, folder = fsspec.core.url_to_fs(folder)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"data.source.path is {path}, which cannot be opened: {error} "
            "(s3:// needs: uv sync --extra s3)"
        ) from error
    protocol = path.partition("://")[0] + "://"
    return Place(fs.PyFileSystem(fs.FSSpecHandler(filesystem)), folder, glob, protocol)


def _is_data(name: str) -> bool:
    """Whether no part of a path is what Spark, Hive, Jupyter or macOS leave among the data."""
    return not any(
        part.startswith(".") or (part.startswith("_") and "=" not in part)
        for part in name.split("/")
    )


def _without_second_links(files: list[File]) -> Iterator[File]:
    """The files without those that a link on this disk names once more."""
    seen = set()
    for file in files:
        target = str(file) if file.protocol else str(Path(file.path).resolve())
        if target not in seen:
            seen.add(target)
            yield file


def _day_in(name: str) -> datetime | None:
    match = DAY_IN_NAME.search(name)
    if not match:
        return None
    try:
        return datetime.strptime("".join(match.groups()), "%Y%m%d")
    except ValueError:
        # digits that are not a date, as in 2018-99-99: a name like any other
        return None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
