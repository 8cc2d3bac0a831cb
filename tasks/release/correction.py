"""What changes production or its reference without a question: a rollback, a reference that is moved. Each appends one event.

Both go to versions that were in production already, so nothing is judged. Not here: promotions (request.py, promotion.py).
"""

from tasks.errors import ModelRejected, UsageError
from tasks.release.ledger import Event
from tasks.release.promotion import GATE, Desk, damage_of, decided_anew
from tasks.release.standing import Standing
from tasks.tracking import versions


def roll_back(desk: Desk, who: str, why: str) -> Event:
    """`rolled_back`, once: this desk's version serves again. UsageError for one that never did or does now, ModelRejected for one that cannot."""
    return decided_anew(lambda: desk.own("rolled_back") or _roll_back(desk, who, why))


def move_reference(desk: Desk, who: str, why: str) -> Event:
    """`reference_set`, once, because a person says so; UsageError for a version that never was the champion, or is the reference."""
    return decided_anew(lambda: desk.own("reference_set") or _move_reference(desk, who, why))


def raise_reference(desk: Desk, promoted: Event) -> None:
    """`reference_set`, once, where this new champion is surely better than the reference in the first metric."""
    document = desk.ledger.evidence(promoted.evidence or "")
    better = document["better_than_reference"]
    if better and better["low"] is not None and better["low"] > 0:
        why = f"surely better than {document['reference']['version']} in {document['main_metric']}"
        decided_anew(lambda: desk.append("reference_set", desk.standing(), who=GATE, why=why))


def _roll_back(desk: Desk, who: str, why: str) -> Event:
    now = desk.standing()
    _require_former(desk, now, "to roll back to")
    if damage := damage_of(desk, versions.read(desk.client, desk.config.name, {"candidate": desk.version})["candidate"]):
        raise ModelRejected(f"version {desk.version} of {now.model} cannot serve again, the champion stays: {damage}")
    events = desk.ledger.events(desk.config.name)
    promoted = next(e for e in reversed(events) if e.event == "promoted" and e.version_to == desk.version)
    return desk.append("rolled_back", now, who=who, why=why, evidence=promoted.evidence)


def _move_reference(desk: Desk, who: str, why: str) -> Event:
    now = desk.standing()
    if desk.version == now.reference:
        raise UsageError(f"version {desk.version} of {now.model} is the reference already")
    if not (now.champion and desk.version == now.champion.version_to):
        _require_former(desk, now, "to hold others against")
    return desk.append("reference_set", now, who=who, why=why)


def _require_former(desk: Desk, now: Standing, purpose: str) -> None:
    if desk.version in now.former:
        return
    if now.champion and desk.version == now.champion.version_to:
        raise UsageError(f"version {desk.version} of {now.model} is the champion already")
    former = ", ".join(map(str, sorted(now.former))) or "none yet"
    raise UsageError(f"version {desk.version} of {now.model} never was the champion; former champions {purpose}: {former}")
