"""Where the ledger lies: two tables in SQLite or Postgres, whose rows the database itself refuses to change or delete.

Not here: what the rows say and which may be added (ledger.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from configs.errors import ConfigError, LedgerDamaged, RatchetError, Unreachable, UsageError

METADATA = sa.MetaData()

EVIDENCE = sa.Table(
    "evidence",
    METADATA,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)

LEDGER = sa.Table(
    "ledger",
    METADATA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column(
        "sequence", sa.Integer, primary_key=True, autoincrement=False
    ),  # with model: compare-and-swap
    sa.Column(
        "time", sa.Text, nullable=False
    ),  # as in `text`: exact to the microsecond in both databases
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("version_from", sa.Integer),
    sa.Column("version_to", sa.Integer),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("flow_run", sa.Text),
    sa.Column("mlflow_run", sa.Text),
    sa.Column("evidence", sa.Text),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # once only
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
)

# one at a time looks whether the tables are there and makes them; the lock goes with the transaction
ALONE = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('ratchet ledger'))",
}

# how long to wait for a server and for another writer; the URL may say otherwise: sqlite:///ledger.db?timeout=60
PATIENCE = {
    "sqlite": {"timeout": "20"},
    "postgresql": {"connect_timeout": "10", "options": "-c lock_timeout=20s"},
}


def _on_creation(table: sa.Table, dialect: str, statement: str) -> None:
    sa.event.listen(table, "after_create", sa.DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]


def _append_only(table: sa.Table, same_row: str) -> None:
    """From the table's creation on, the database refuses whatever would change or delete a row of it."""
    name, refusal = table.name, f"{table.name} is appended to and never changed"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    _on_creation(
        table, "sqlite", f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} {refuse}"
    )
    _on_creation(
        table, "sqlite", f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} {refuse}"
    )
    # INSERT OR REPLACE deletes without asking the trigger above
    there = f"WHEN EXISTS (SELECT 1 FROM {name} WHERE {same_row})"
    _on_creation(
        table,
        "sqlite",
        f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} {there} {refuse}",
    )
    body = f"BEGIN RAISE EXCEPTION '{refusal}'; END"
    _on_creation(
        table,
        "postgresql",
        f"CREATE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
    )
    moments = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuse()"
    _on_creation(table, "postgresql", f"CREATE TRIGGER {name}_append_only {moments}")


_append_only(LEDGER, 'model = NEW.model AND sequence = NEW.sequence OR "key" = NEW."key"')
_append_only(EVIDENCE, "sha256 = NEW.sha256")


class Database:
    """The ledger's database at a URL. Asking makes nothing: folder, file and tables come with the first writing."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        is_file = self._engine.dialect.name == "sqlite"
        self._file = Path(self._engine.url.database or "").absolute() if is_file else None
        self._is_made = False

    def read(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query, none where there is no ledger yet."""
        if self._file and not self._file.exists():
            return []  # SQLite would make an empty file of a mere question
        with self._transaction() as connection:
            return rows(connection, query) if sa.inspect(connection).has_table(LEDGER.name) else []

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, committed at its end; IntegrityError says that a row of the same key was faster."""
        self._make()
        with self._transaction() as connection:
            yield connection

    def _make(self) -> None:
        if self._is_made:
            return
        if self._file:
            _make_folder(self._file.parent)
        with self._transaction() as connection:
            if not sa.inspect(connection).has_table(LEDGER.name):
                connection.execute(sa.text(ALONE[connection.dialect.name]))
                METADATA.create_all(connection)
        self._is_made = True

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        # each on a connection of its own: flows suspend and commands are short, so none is kept open
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._explained(error) from error

    def _explained(self, error: DBAPIError) -> RatchetError:
        reason = str(error.orig).partition("\n")[0]
        place = self._file or self._engine.url.set(query={})  # a URL as text hides its password
        if isinstance(error, DataError):
            return UsageError(f"the ledger cannot hold this: {reason}")
        if (
            type(error) is DatabaseError
        ):  # what SQLite says of a malformed file, or one that is no database
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
            f"RATCHET_LEDGER is no database URL like sqlite:////home/me/ledger.db: {error}"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in PATIENCE:
        raise ConfigError(
            f"RATCHET_LEDGER names {backend}; a ledger is kept in sqlite or postgresql"
        )
    if backend == "sqlite" and (parsed.database or ":memory:").startswith((":memory:", "file:")):
        raise ConfigError(
            "RATCHET_LEDGER names no file, so the ledger would be gone with its process"
        )
    parsed = parsed.set(query={**PATIENCE[backend], **parsed.query})
    if backend == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(parsed, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a ledger in Postgres needs its driver: pip install 'ratchet[postgres]'"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unreachable(
            f"the ledger's folder {folder} cannot be made: {error.strerror}"
        ) from error
