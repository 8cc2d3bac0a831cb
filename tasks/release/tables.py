"""The two tables of the ledger, and the triggers that keep their rows unchanged.

Not here: reaching the database (database.py), what the rows say (ledger.py).
"""

from collections.abc import Iterator

import sqlalchemy as sa

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
    # together they make each append a compare-and-swap
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    # text, as in `text`: exact to the microsecond in both databases
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("version_from", sa.Integer),
    sa.Column("version_to", sa.Integer),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("flow_run", sa.Text),
    sa.Column("mlflow_run", sa.Text),
    sa.Column("evidence", sa.Text),
    # makes an event happen once
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
)


def _append_only(table: sa.Table, same_row: str) -> None:
    """From the table's creation on, let the database refuse to change or delete a row of it."""
    for dialect, statement in _triggers(table.name, same_row):
        ddl = sa.DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        sa.event.listen(table, "after_create", ddl)


def _triggers(table: str, same_row: str) -> Iterator[tuple[str, str]]:
    """Each dialect with a statement that makes a trigger."""
    refusal = f"{table} is appended to and never changed"
    abort = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    exists = f"EXISTS (SELECT 1 FROM {table} WHERE {same_row})"
    yield "sqlite", f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {abort}"
    yield "sqlite", f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {abort}"
    # INSERT OR REPLACE deletes without asking the trigger above
    replaces = f"BEFORE INSERT ON {table} WHEN {exists}"
    yield "sqlite", f"CREATE TRIGGER {table}_no_replace {replaces} {abort}"
    body = f"$$BEGIN RAISE EXCEPTION '{refusal}'; END$$"
    function = f"{table}_refuse()"
    language = "RETURNS trigger LANGUAGE plpgsql AS"
    yield "postgresql", f"CREATE FUNCTION {function} {language} {body}"
    changes = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    execute = f"FOR EACH STATEMENT EXECUTE FUNCTION {function}"
    yield "postgresql", f"CREATE TRIGGER {table}_append_only {changes} {execute}"


_append_only(LEDGER, 'model = NEW.model AND sequence = NEW.sequence OR "key" = NEW."key"')
_append_only(EVIDENCE, "sha256 = NEW.sha256")
