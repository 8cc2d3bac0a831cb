"""The ledger: what was decided, by whom, on what evidence; rows are appended and never changed.

Each row holds its event as canonical JSON, with the hash of the model's row before it, and the hash
of that text.
Not here: where rows lie (database.py), checking the chain of hashes (chain.py), what follows from
the events (standing.py), which event comes next (promotion_request.py, promotion_answer.py).
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select
from sqlalchemy.exc import IntegrityError

from configs import canonical_json
from configs.errors import HeadMoved, LedgerDamaged, UsageError
from tasks.release import chain
from tasks.release.database import Database, rows
from tasks.release.events import Entry, Event
from tasks.release.tables import EVIDENCE, LEDGER
from tasks.verdict import evidence_json
from tasks.verdict.evidence import Evidence

Row = dict[str, Any]


class Ledger:
    """The ledger at a URL. Reading creates nothing; the first write makes folder, file, tables."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def events(self, model: str) -> tuple[Event, ...]:
        """All events of a model, oldest first; none for a model or a ledger that does not exist."""
        return tuple(_event_of(row) for row in self._rows(model))

    def models(self) -> tuple[str, ...]:
        """The models that have events, by name."""
        models = self._database.read(select(LEDGER.c.model).distinct())
        return tuple(sorted(row["model"] for row in models))

    def append(self, entry: Entry, *, after: int, time: datetime | None = None) -> Event:
        """Append an entry, once; if its key is there already, return the event that has it.

        `after` is the sequence of the last event that the caller's decision knew of, 0 for none.
        Raises HeadMoved with what has come since, and UsageError for evidence that is not stored or
        a key that belongs to another kind of event. `time` is now, unless given.
        """
        row = _row_of(entry, after + 1, time or datetime.now(UTC))
        try:
            return self._append(row)
        except IntegrityError:
            # another process took the key or the sequence since we looked: look again, see which
            return self._append(row)

    def store_evidence(self, evidence: Evidence) -> str:
        """Store evidence and return its digest."""
        return self.store_document(evidence_json.write(evidence))

    def evidence_of(self, event: Event) -> Evidence:
        """The evidence that an event rests on; UsageError if it rests on none."""
        if event.evidence_digest is None:
            raise UsageError(f"event {event.sequence} of {event.model} rests on no evidence")
        return evidence_json.read(self.document(event.evidence_digest))

    def store_document(self, document: Mapping[str, Any]) -> str:
        """Store a document and return its sha256; UsageError if it has no JSON, as NaN has none."""
        text = canonical_json.write(document)
        digest = canonical_json.sha256(text)
        try:
            with self._database.writing() as connection:
                connection.execute(insert(EVIDENCE).values(sha256=digest, text=text))
        except IntegrityError:
            # it is there already: the same digest is the same document
            return digest
        return digest

    def document(self, digest: str) -> dict[str, Any]:
        """The document of that digest; UsageError if there is none, LedgerDamaged if it changed."""
        stored = self._database.read(select(EVIDENCE).where(EVIDENCE.c.sha256 == digest))
        if not stored:
            raise UsageError(f"the ledger has no evidence {digest!r}")
        text = stored[0]["text"]
        if canonical_json.sha256(text) != digest:
            raise LedgerDamaged(
                f"evidence {digest[:12]} has changed since it was stored; restore it from a backup"
            )
        return canonical_json.read(text)

    def verify(self, model: str) -> int:
        """Return the length of the model's chain; LedgerDamaged names the first bad row."""
        cited = select(LEDGER.c.evidence).where(LEDGER.c.model == model)
        documents = self._database.read(select(EVIDENCE).where(EVIDENCE.c.sha256.in_(cited)))
        return chain.verify(model, self._rows(model), documents)

    def _rows(self, model: str) -> list[Row]:
        query = select(LEDGER).where(LEDGER.c.model == model).order_by(LEDGER.c.sequence)
        return self._database.read(query)

    def _append(self, row: Row) -> Event:
        model, after = row["model"], row["sequence"] - 1
        with self._database.writing() as connection:
            tail = _tail(connection, row, after)
            for known in tail:
                if known["key"] == row["key"]:
                    return _same_event(known, row)
            previous = _hash_of_last(tail, model, after)
            _require_stored(connection, row["evidence"])
            text = canonical_json.write({**row, "previous": previous})
            row = {**row, "text": text, "sha256": canonical_json.sha256(text), "previous": previous}
            # the commit: this one row is there or not, whenever the process is killed
            connection.execute(insert(LEDGER).values(row))
        return _event_of(row)


def _tail(connection: Connection, row: Row, after: int) -> list[Row]:
    """The row with this key, if there is one, and the model's rows from `after` on.

    One query for both: in two, a row with our key could come between and look like another's.
    """
    since = and_(LEDGER.c.model == row["model"], LEDGER.c.sequence >= after)
    query = select(LEDGER).where(or_(LEDGER.c.key == row["key"], since))
    return rows(connection, query.order_by(LEDGER.c.sequence))


def _hash_of_last(tail: list[Row], model: str, after: int) -> str:
    """The hash of row `after` if it is the last, empty for 0; else HeadMoved."""
    if newer := [_event_of(row) for row in tail if row["sequence"] > after]:
        news = "; ".join(f"row {event.sequence}: {event}" for event in newer)
        raise HeadMoved(
            f"the ledger of {model} has moved on since row {after} ({news}). Try again."
        )
    if after and not tail:
        raise HeadMoved(f"the ledger of {model} has no row {after}. Try again.")
    return str(tail[0]["sha256"]) if tail else ""


def _same_event(known: Row, row: Row) -> Event:
    """The event that has the key already; UsageError if it is not the one being appended."""
    if (known["model"], known["event"]) != (row["model"], row["event"]):
        owner = f"{known['event']!r} of {known['model']}"
        raise UsageError(
            f"the key {known['key']!r} belongs to {owner}, "
            f"and cannot be {row['event']!r} of {row['model']}"
        )
    return _event_of(known)


def _require_stored(connection: Connection, digest: str | None) -> None:
    if digest is None:
        return
    if not rows(connection, select(EVIDENCE.c.sha256).where(EVIDENCE.c.sha256 == digest)):
        raise UsageError(f"the ledger has no evidence {digest!r}; store it before the event")


def _row_of(entry: Entry, sequence: int, time: datetime) -> Row:
    """The row of an entry, without its text and hashes. Columns are named as when ledgers began."""
    row = asdict(entry)
    row["evidence"] = row.pop("evidence_digest")
    return {**row, "sequence": sequence, "time": _written(time)}


def _event_of(row: Mapping[str, Any]) -> Event:
    values: dict[str, Any] = {field.name: row.get(field.name) for field in fields(Event)}
    time = datetime.fromisoformat(row["time"]).replace(tzinfo=None)
    return Event(**values | {"evidence_digest": row["evidence"], "time": time})


def _written(time: datetime) -> str:
    """A time as rows have it: UTC, exact to the microsecond in both databases."""
    utc = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    return f"{utc.isoformat(timespec='microseconds')}Z"
