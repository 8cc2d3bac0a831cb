"""The ledger's database at a URL, SQLite or Postgres: reading, writing, and what their errors mean.

Not here: its tables (tables.py), what the rows say and which may be appended (ledger.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from configs.errors import ConfigError, LedgerDamaged, RatchetError, Unreachable, UsageError
from tasks.release.tables import LEDGER, METADATA

# one process at a time looks for the tables and makes them; the transaction's end frees the lock
EXCLUSIVE = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('ratchet ledger'))",
}

# how long to wait for a server and for another writer; the URL may say otherwise:
# sqlite:///ledger.db?timeout=60
PATIENCE = {
    "sqlite": {"timeout": "20"},
    "postgresql": {"connect_timeout": "10", "options": "-c lock_timeout=20s"},
}


class Database:
    """The database at a URL. Reading creates nothing; the first write creates all."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        is_file = self._engine.dialect.name == "sqlite"
        self._file = Path(self._engine.url.database or "").absolute() if is_file else None
        self._has_tables = False

    def read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query, none where there is no ledger yet."""
        # SQLite would make an empty file of a mere question
        if self._file and not self._file.exists():
            return []
        with self._transaction() as connection:
            return rows(connection, query) if sa.inspect(connection).has_table(LEDGER.name) else []

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, committed at its end; IntegrityError if a key is taken."""
        self._make_tables()
        with self._transaction() as connection:
            yield connection

    def _make_tables(self) -> None:
        if self._has_tables:
            return
        if self._file:
            _make_folder(self._file.parent)
        with self._transaction() as connection:
            if not sa.inspect(connection).has_table(LEDGER.name):
                connection.execute(sa.text(EXCLUSIVE[connection.dialect.name]))
                METADATA.create_all(connection)
        self._has_tables = True

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        # each on its own connection: flows suspend and commands are short, so none is kept open
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._error_from(error) from error

    def _error_from(self, error: DBAPIError) -> RatchetError:
        reason = str(error.orig).partition("\n")[0]
        # a URL as text hides its password
        place = self._file or self._engine.url.set(query={})
        if isinstance(error, DataError):
            return UsageError(f"the ledger cannot hold this: {reason}")
        # what SQLite says of a malformed file, or one that is not a database
        if type(error) is DatabaseError:
            return LedgerDamaged(
                f"the ledger at {place} cannot be read: {reason}. Restore it from a backup."
            )
        return Unreachable(
            f"the ledger at {place} does not answer: {reason}. Check RATCHET_LEDGER and try again."
        )


def rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [row._asdict() for row in connection.execute(query)]


def _engine(url: str) -> sa.Engine:
    """An engine that has not connected yet; ConfigError for a URL where no ledger can be kept."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            f"RATCHET_LEDGER is not a database URL such as sqlite:////home/me/ledger.db: {error}"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in PATIENCE:
        raise ConfigError(f"RATCHET_LEDGER names {backend}; a ledger needs sqlite or postgresql")
    if backend == "sqlite" and (parsed.database or ":memory:").startswith((":memory:", "file:")):
        raise ConfigError("RATCHET_LEDGER names no file; the ledger would be gone with its process")
    parsed = parsed.set(query={**PATIENCE[backend], **parsed.query})
    if backend == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(parsed, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a ledger in Postgres needs its driver: uv sync --extra postgres"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unreachable(
            f"the ledger's folder {folder} cannot be created: {error.strerror}"
        ) from error
