"""The events of the ledger: which there are, what each means, and how one reads aloud.

Not here: appending them (ledger.py), what follows from them (standing.py).
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

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

Identity = Literal["declared", "machine"]


@dataclass(frozen=True)
class EventKind:
    """What an event does: its sentence, and whether it ends a promotion or changes the champion."""

    sentence: str
    ends_promotion: bool = False
    changes_champion: bool = False


KINDS: dict[EventName, EventKind] = {
    "requested": EventKind("was submitted for promotion{instead}"),
    "deferred": EventKind("was deferred", ends_promotion=True),
    "refused": EventKind("was refused", ends_promotion=True),
    "approved": EventKind("was approved"),
    "rejected": EventKind("was rejected", ends_promotion=True),
    "answer_invalid": EventKind("received an invalid answer"),
    "withdrawn": EventKind("was withdrawn", ends_promotion=True),
    "stale": EventKind("was answered after the facts had changed", ends_promotion=True),
    "expired": EventKind("expired without an answer", ends_promotion=True),
    "promoted": EventKind(
        "became the champion{instead}", ends_promotion=True, changes_champion=True
    ),
    "rolled_back": EventKind("is the champion again{instead}", changes_champion=True),
    "reference_set": EventKind("is the reference from now on"),
}


# of a row, without its text
COLUMNS = (
    "model",
    "sequence",
    "time",
    "event",
    "version_from",
    "version_to",
    "who",
    "identity",
    "why",
    "flow_run",
    "mlflow_run",
    "evidence",
    "key",
    "sha256",
    "previous",
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is recorded of an event: it happened to `version_to`, under champion `version_from`."""

    model: str
    event: EventName
    version_from: int | None = None
    version_to: int
    who: str
    # whether a person typed that name, or it is a part of ratchet
    identity: Identity
    why: str = ""
    flow_run: str
    mlflow_run: str
    # the sha256 of the evidence that it rests on, if any
    evidence_digest: str | None = None
    # makes it happen once: the same key is the same event
    key: str


@dataclass(frozen=True, kw_only=True)
class Event(Entry):
    """An entry in its place; `time` is in UTC, `previous` the hash of the row before."""

    sequence: int
    time: datetime
    sha256: str
    previous: str

    @property
    def kind(self) -> EventKind:
        return KINDS[self.event]

    def as_row(self) -> dict[str, Any]:
        """The event under the names of the ledger's columns, for programs."""
        values = asdict(self) | {"evidence": self.evidence_digest}
        return {column: values[column] for column in COLUMNS}

    def __str__(self) -> str:
        instead = "" if self.version_from is None else f" in place of {self.version_from}"
        what = self.kind.sentence.format(instead=instead)
        by = f"by {self.who} ({self.identity})"
        reason = f": {self.why}" if self.why else ""
        time = f"{self.time:%Y-%m-%d %H:%M} UTC"
        return f"{self.model} {self.version_to} {what}, {by}, {time}{reason}"
