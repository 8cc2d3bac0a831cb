"""The ledger: what was decided, by whom, on what evidence; rows that are appended and never changed.

Each row holds its event as canonical JSON, with the hash of the model's row before it, and the hash of that text: so
`verify` finds an edit, a row missing in the middle, a broken link. It cannot find a tail cut off, nor a table rewritten
from some row on by somebody who may write to it: for these, the head's hash has to be kept elsewhere as well.
Not here: where rows lie (database.py), what follows from them (standing.py), which one comes next (promotion.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, insert, or_, select
from sqlalchemy.exc import IntegrityError

from configs import canonical_json
from configs.errors import HeadMoved, LedgerDamaged, UsageError
from tasks.release.database import EVIDENCE, LEDGER, Database, rows

EventName = Literal[
    "requested",
    "deferred",
    "refused",
    "approved",
    "rejected",
    "answer_invalid",
    "withdrawn",
    "stale",
    "expired",
    "promoted",
    "rolled_back",
    "reference_set",
]

_SENTENCES = {
    "requested": "was put forward as champion{instead}",
    "deferred": "has to wait its turn",
    "refused": "was refused",
    "approved": "was approved",
    "rejected": "was rejected",
    "answer_invalid": "got an answer that does not count",
    "withdrawn": "is no longer asked for",
    "stale": "was answered after the facts had changed",
    "expired": "was not answered in time",
    "promoted": "became the champion{instead}",
    "rolled_back": "is the champion again{instead}",
    "reference_set": "is the reference from now on",
}


@dataclass(frozen=True)
class Event:
    """One row: what was decided about `version_to` while `version_from` was the champion; `time` is in UTC."""

    model: str
    sequence: int
    time: datetime
    event: EventName
    version_from: int | None
    version_to: int | None
    who: str
    identity: str
    why: str
    flow_run: str | None
    mlflow_run: str | None
    evidence: str | None
    key: str
    sha256: str
    previous: str

    def __str__(self) -> str:
        version = "" if self.version_to is None else f" {self.version_to}"
        instead = "" if self.version_from is None else f" in place of {self.version_from}"
        what = _SENTENCES.get(self.event, self.event).format(instead=instead)
        reason = f": {self.why}" if self.why else ""
        return f"{self.model}{version} {what}, by {self.who} ({self.identity}), {self.time:%Y-%m-%d %H:%M} UTC{reason}"


class Ledger:
    """The ledger at a URL. Asking it makes nothing: folder, file and tables come with the first thing written."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def events(self, model: str) -> tuple[Event, ...]:
        """All events of a model, oldest first; none for a model or a ledger that does not exist yet."""
        return tuple(_event(row) for row in self._rows(model))

    def models(self) -> tuple[str, ...]:
        """The models of which anything is on record, by name."""
        return tuple(
            sorted(row["model"] for row in self._database.read(select(LEDGER.c.model).distinct()))
        )

    def append(  # as many arguments as a row has columns: a call says by name what goes on record
        self,
        model: str,
        event: EventName,
        *,
        after: int,
        key: str,
        who: str,
        identity: str,
        why: str = "",
        version_from: int | None = None,
        version_to: int | None = None,
        flow_run: str | None = None,
        mlflow_run: str | None = None,
        evidence: str | None = None,
        time: datetime | None = None,
    ) -> Event:
        """The event as it stands in the ledger from now on; if `key` is there already, the one that is there.

        `after` is the sequence of the last event that the caller's decision knew of, 0 for none; HeadMoved tells what
        has come since. UsageError for evidence that is not stored, or a key that belongs to another kind of event.
        """
        row = {
            "model": model, "sequence": after + 1, "time": _written(time or datetime.now(UTC)), "event": event,
            "version_from": version_from, "version_to": version_to, "who": who, "identity": identity, "why": why,
            "flow_run": flow_run, "mlflow_run": mlflow_run, "evidence": evidence, "key": key,
        }  # fmt: skip
        try:
            return self._append(row)
        except (
            IntegrityError
        ):  # another process took the key or the sequence since we looked: look again, see which
            return self._append(row)

    def store_evidence(self, document: Mapping[str, Any]) -> str:
        """The sha256 under which the document is kept from now on; UsageError if it has no JSON, as NaN has none."""
        text = canonical_json.write(document)
        digest = canonical_json.sha256(text)
        try:
            with self._database.writing() as connection:
                connection.execute(insert(EVIDENCE).values(sha256=digest, text=text))
        except IntegrityError:
            return digest  # it is there already: the same digest is the same document
        return digest

    def evidence(self, digest: str) -> dict[str, Any]:
        """The document stored under that digest; UsageError if there is none, LedgerDamaged if it has changed."""
        found = self._database.read(select(EVIDENCE).where(EVIDENCE.c.sha256 == digest))
        if not found:
            raise UsageError(f"the ledger has no evidence {digest!r}")
        if canonical_json.sha256(found[0]["text"]) != digest:
            raise LedgerDamaged(
                f"evidence {digest[:12]} has changed since it was stored; restore it from a backup"
            )
        return canonical_json.read(found[0]["text"])

    def verify(self, model: str) -> int:
        """How many rows the model has, when all of them hold; LedgerDamaged names the first that does not."""
        chain = self._rows(model)
        cited = select(LEDGER.c.evidence).where(LEDGER.c.model == model)
        stored = self._database.read(select(EVIDENCE).where(EVIDENCE.c.sha256.in_(cited)))
        sound = {
            row["sha256"] for row in stored if canonical_json.sha256(row["text"]) == row["sha256"]
        }
        previous = ""
        for sequence, row in enumerate(chain, start=1):
            if fault := _fault(row, sequence, previous, sound):
                raise LedgerDamaged(
                    f"{model}: row {sequence} of the ledger {fault}. Compare it with a backup."
                )
            previous = row["sha256"]
        return len(chain)

    def _rows(self, model: str) -> list[dict[str, Any]]:
        return self._database.read(
            select(LEDGER).where(LEDGER.c.model == model).order_by(LEDGER.c.sequence)
        )

    def _append(self, row: dict[str, Any]) -> Event:
        model, after = row["model"], row["sequence"] - 1
        with self._database.writing() as connection:
            # one question for both: asked in turn, a row with our key could come between, and look like somebody else's
            since = and_(LEDGER.c.model == model, LEDGER.c.sequence >= after)
            query = (
                select(LEDGER)
                .where(or_(LEDGER.c.key == row["key"], since))
                .order_by(LEDGER.c.sequence)
            )
            found = rows(connection, query)
            if kept := next((other for other in found if other["key"] == row["key"]), None):
                return _same_event(kept, row)
            previous = _hash_of_last(found, model, after)
            if row["evidence"] and not _has_evidence(connection, row["evidence"]):
                raise UsageError(
                    f"the ledger has no evidence {row['evidence']!r}: store it before what rests on it"
                )
            text = canonical_json.write({**row, "previous": previous})
            row = {**row, "text": text, "sha256": canonical_json.sha256(text), "previous": previous}
            # the commit: this one row is there or not, whenever the process is killed
            connection.execute(insert(LEDGER).values(row))
        return _event(row)


def _hash_of_last(tail: list[dict[str, Any]], model: str, after: int) -> str:
    """The hash of row `after` if the tail from there on has no other, "" for 0; else HeadMoved."""
    if between := [_event(row) for row in tail if row["sequence"] > after]:
        news = "; ".join(f"row {event.sequence}: {event}" for event in between)
        raise HeadMoved(
            f"the ledger of {model} has gone on since row {after} ({news}). Read again and decide anew."
        )
    if after and not tail:
        raise HeadMoved(f"the ledger of {model} has no row {after}. Read again and decide anew.")
    return str(tail[0]["sha256"]) if tail else ""


def _same_event(kept: dict[str, Any], row: Mapping[str, Any]) -> Event:
    if (kept["model"], kept["event"]) != (row["model"], row["event"]):
        owner = f"{kept['event']!r} of {kept['model']}"
        raise UsageError(
            f"the key {kept['key']!r} belongs to {owner}, and cannot be {row['event']!r} of {row['model']}"
        )
    return _event(kept)


def _has_evidence(connection: Connection, digest: str) -> bool:
    return bool(rows(connection, select(EVIDENCE.c.sha256).where(EVIDENCE.c.sha256 == digest)))


def _fault(row: Mapping[str, Any], sequence: int, previous: str, sound: set[str]) -> str | None:
    """What is wrong with the row that should have this sequence and follow this hash, in words; None if it holds."""
    if row["sequence"] != sequence:
        return f"is missing: after {sequence - 1} comes {row['sequence']}"
    if canonical_json.sha256(row["text"]) != row["sha256"]:
        return "has a text that is not the one of its hash"
    if (
        canonical_json.write({name: row[name] for name in row if name not in ("text", "sha256")})
        != row["text"]
    ):
        return "has columns that do not say what its text says"
    if row["previous"] != previous:
        return f"does not follow from row {sequence - 1}"
    if row["evidence"] and row["evidence"] not in sound:
        return f"rests on evidence {row['evidence'][:12]} that is gone or changed"
    return None


def _event(row: Mapping[str, Any]) -> Event:
    fields = {name: value for name, value in row.items() if name != "text"}
    return Event(**{**fields, "time": datetime.fromisoformat(row["time"]).replace(tzinfo=None)})


def _written(time: datetime) -> str:
    utc = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    return f"{utc.isoformat(timespec='microseconds')}Z"
