"""The files that scores are written to: one for each day, or one for rows without times.

    OUT/<model>/date=2026-01-05/scores.parquet
    OUT/<model>/scores.parquet

A partition is replaced as a whole or not at all: on a disk it is written beside the old one and
renamed, in object storage it is sent once it is complete. Each carries the run that wrote it, with
a summary, in its metadata.
Not here: what stands in them (job.py).
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from configs.errors import ConfigError, Unreachable
from tasks.scoring import summary
from tasks.scoring.summary import Summary

FILE = "scores.parquet"
DAY_FOLDER = re.compile(rf"date=(\d{{4}}-\d{{2}}-\d{{2}})/{re.escape(FILE)}$")
RUN, SUMMARY = b"ratchet.run", b"ratchet.summary"

LASTING = (
    FileNotFoundError,
    PermissionError,
    NotADirectoryError,
    FileExistsError,
    IsADirectoryError,
)

# scored rows as they are written, if any are left, and what they look like
Block = tuple[pa.Table | None, Summary]


@dataclass(frozen=True)
class Partitions:
    """The partitions of one model below a folder, on disk or in object storage.

    ConfigError where nothing can be written there, Unreachable where the disk or the network
    fails.
    """

    out: str
    model: str

    def path(self, day: datetime | None) -> str:
        """The path of a day's partition, or of that of rows without times."""
        inner = f"date={day:%Y-%m-%d}/{FILE}" if day else FILE
        return f"{self._root}/{self.model}/{inner}"

    def newest_day(self) -> datetime | None:
        """The newest day that has a partition."""
        with self._naming_errors():
            paths = self._files.glob(f"{self._root}/{self.model}/date=*/{FILE}")
        days = [match[1] for match in map(DAY_FOLDER.search, paths) if match]
        return datetime.fromisoformat(max(days)) if days else None

    def written_by(self, run: str, day: datetime | None) -> Summary | None:
        """The summary of a day's partition if this run has written it, else None."""
        with self._naming_errors():
            if not self._files.exists(self.path(day)):
                return None
            with self._files.open(self.path(day), "rb") as file:
                try:
                    metadata = pq.read_metadata(file).metadata or {}
                except pa.ArrowInvalid:
                    # it is not ours, or it is damaged
                    return None
        if metadata.get(RUN) != run.encode():
            return None
        return Summary(**json.loads(metadata[SUMMARY]))

    def write(self, run: str, day: datetime | None, blocks: Iterable[Block]) -> Summary:
        """Replace a day's partition by these blocks, in one step, once all of them are there.

        Where no row is left, there is no partition. Returns the summary of all blocks.
        """
        with self._new_file(run, day) as file:
            written = self._write_blocks(file, run, blocks)
            if written.rows:
                self._publish(file, self.path(day))
            else:
                self._remove(self.path(day))
        return written

    def sha256(self, day: datetime | None) -> str:
        """The sha256 of a day's partition; empty where there is none."""
        with self._naming_errors():
            if not self._files.exists(self.path(day)):
                return ""
            with self._files.open(self.path(day), "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

    def _write_blocks(self, file: Path, run: str, blocks: Iterable[Block]) -> Summary:
        writer, summaries = None, []
        try:
            for table, block_summary in blocks:
                summaries.append(block_summary)
                if table is None:
                    continue
                with self._naming_errors():
                    writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
                    writer.write_table(table)
            total = summary.total(summaries)
            if writer:
                text = json.dumps(asdict(total), sort_keys=True)
                writer.add_key_value_metadata({RUN: run, SUMMARY: text})
            return total
        finally:
            if writer:
                with self._naming_errors():
                    writer.close()

    @contextmanager
    def _new_file(self, run: str, day: datetime | None) -> Iterator[Path]:
        """A file on this disk for a new partition; beside the old one, if that is here too.

        Its name begins with a dot, which readers of the folder leave out. An attempt that was
        killed leaves it behind, for the next attempt of the same run to replace.
        """
        if not self._is_local:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder, FILE)
            return
        path = Path(self.path(day))
        file = path.with_name(f".{FILE}.{run}")
        with self._naming_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    def _publish(self, file: Path, path: str) -> None:
        with self._naming_errors():
            if self._is_local:
                file.replace(path)
            else:
                self._files.put_file(str(file), path)

    def _remove(self, path: str) -> None:
        with self._naming_errors():
            if self._files.exists(path):
                self._files.rm_file(path)

    @cached_property
    def _place(self) -> tuple[Any, str]:
        try:
            # without its cache of listings: another process may have written a partition
            filesystem, root = fsspec.core.url_to_fs(self.out, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"{self.out} cannot be written to: {error} (s3:// needs: uv sync --extra s3)"
            ) from error
        return filesystem, root.rstrip("/")

    @property
    def _files(self) -> Any:
        return self._place[0]

    @property
    def _root(self) -> str:
        return self._place[1]

    @property
    def _is_local(self) -> bool:
        return isinstance(self._files, LocalFileSystem)

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except LASTING as error:
            raise ConfigError(
                f"scores cannot be written to {self.out}: {_first_line(error)}; "
                "choose another folder with --out"
            ) from error
        except (ConfigError, Unreachable):
            raise
        except Exception as error:
            # each kind of object storage has errors of its own
            raise Unreachable(
                f"scores cannot be written to {self.out} now: {_first_line(error)}"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
