"""The way of a promotion through the ledger: requested, answered, promoted. Reads facts, decides, appends one event.

Each function may be called again by a retried or resumed flow run: what is in the ledger already is found by its key and not made twice.
Not here: how it begins (request.py), how a person is asked and the process let go (flows/promotion.py); what MLflow shows (projection.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from mlflow import MlflowClient

from configs.schema import ModelConfig
from tasks.errors import HeadMoved, ModelRejected
from tasks.records import RegisteredVersion, Role
from tasks.release.ledger import Event, Ledger
from tasks.release.standing import Standing, ending, standing
from tasks.tracking import models, versions
from tasks.verdict import evidence

E = TypeVar("E", bound="Event | None")

GATE = "gate"  # who refuses, when no person does


@dataclass(frozen=True)
class Desk:
    """What one promotion works with: the ledger, the registry, and whose flow run it is."""

    ledger: Ledger
    client: MlflowClient
    config: ModelConfig
    version: int
    flow_run: str
    mlflow_run: str

    def standing(self) -> Standing:
        return standing(self.config.name, self.ledger.events(self.config.name))

    def own(self, event: str) -> Event | None:
        """This flow run's event of that name, if there is one."""
        found = (e for e in self.ledger.events(self.config.name) if e.flow_run == self.flow_run and e.event == event)
        return next(found, None)

    def count(self, event: str) -> int:
        return sum(e.flow_run == self.flow_run and e.event == event for e in self.ledger.events(self.config.name))

    def ended(self) -> Event | None:
        return ending(self.ledger.events(self.config.name), self.flow_run)

    def append(self, event: Any, now: Standing, *, who: str, why: str, after: int = 0, **facts: Any) -> Event:
        """One event of this promotion, once, decided on what stood in `now`, or on this desk's own later event `after`.

        Its key is this flow run and the event's name, unless `key` says otherwise.
        """
        facts.setdefault("key", f"{self.flow_run}:{event}")
        facts.setdefault("version_to", self.version)
        facts.setdefault("flow_run", self.flow_run)
        return self.ledger.append(
            self.config.name, event, after=max(now.head, after), who=who, identity="declared", why=why, mlflow_run=self.mlflow_run,
            version_from=now.champion.version_to if now.champion else None, **facts,
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A person's yes or no to one evidence digest."""

    decision: Literal["approve", "reject"]
    who: str
    why: str
    evidence: str


def decided_anew(decide: Callable[[], E]) -> E:
    """What `decide` returns once nobody appends between its reading and its own append."""
    while True:
        try:
            return decide()
        except HeadMoved:
            continue


def take_answer(desk: Desk, requested: Event, answer: Answer) -> Event:
    """`promoted`, `rejected`, `stale` or `expired`: what the answer comes to, on facts read again now."""
    return decided_anew(lambda: _take_answer(desk, requested, answer))


def _take_answer(desk: Desk, requested: Event, answer: Answer) -> Event:
    if ended := desk.ended():
        return ended
    now = desk.standing()
    if is_overdue(desk, requested):
        return desk.append("expired", now, who=GATE, why=f"answered after {desk.config.approval.expires_after_days} days")
    if answer.decision == "reject":
        return desk.append("rejected", now, who=answer.who, why=answer.why, evidence=requested.evidence)
    if changes := changed_facts(desk, requested):
        return desk.append("stale", now, who=GATE, why="; ".join(changes), evidence=requested.evidence)
    approved = desk.append("approved", now, who=answer.who, why=answer.why, evidence=requested.evidence)
    # the commit: whoever appended since these facts were read makes this one HeadMoved, and everything is decided anew
    return desk.append("promoted", now, who=answer.who, why=answer.why, evidence=requested.evidence, after=approved.sequence)


def changed_facts(desk: Desk, requested: Event) -> list[str]:
    """Why the answer to this request no longer counts, in words; empty while everything is as it was judged."""
    found = compared_versions(desk)
    changes = evidence.what_changed(desk.ledger.evidence(requested.evidence or ""), found, desk.config)
    damage = damage_of(desk, found["candidate"])
    return [*changes, damage] if damage else changes


def compared_with(desk: Desk) -> dict[Role, int | None]:
    """The versions that a verdict is about, as it stands now."""
    now = desk.standing()
    champion = now.champion.version_to if now.champion else None
    return {"candidate": desk.version, "champion": champion, "reference": now.reference}


def compared_versions(desk: Desk) -> dict[Role, RegisteredVersion]:
    return versions.read(desk.client, desk.config.name, compared_with(desk))


def recorded_answer(desk: Desk) -> Answer | None:
    """The yes that the ledger has of this promotion already: its flow died between `approved` and `promoted`."""
    approved = desk.own("approved")
    return Answer("approve", approved.who, approved.why, approved.evidence or "") if approved else None


def note_invalid(desk: Desk, before: int) -> Event:
    """`answer_invalid`: the run was set going by something that is no answer to its question."""
    key = f"{desk.flow_run}:answer_invalid:{before}"
    why = "the flow run was resumed without its form, or for other evidence; asked again"
    return decided_anew(lambda: desk.append("answer_invalid", desk.standing(), who="nobody", why=why, key=key))


def end_unanswered(desk: Desk, event: Literal["withdrawn", "expired"], why: str) -> Event:
    """The desk's request ended, on record, unless it ended by itself meanwhile: nobody can answer it any more."""
    return decided_anew(lambda: desk.ended() or desk.append(event, desk.standing(), who="ratchet", why=why))


def is_overdue(desk: Desk, pending: Event) -> bool:
    return datetime.now(UTC).replace(tzinfo=None) > expires(pending, desk.config)


def expires(requested: Event, config: ModelConfig) -> datetime:
    return requested.time + timedelta(days=config.approval.expires_after_days)


def damage_of(desk: Desk, version: RegisteredVersion) -> str | None:
    """What is wrong with the model's files, in words: not those that were judged, or not loadable."""
    try:
        models.verify(desk.client, version.address, version.sha256, models.load)
    except ModelRejected as error:
        return str(error)
    return None
