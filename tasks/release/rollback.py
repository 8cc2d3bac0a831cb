"""What changes production or its reference without a question: a rollback, a reference that is moved. Each appends one event.

Both go to versions that were in production already, so nothing is judged. Not here: promotions (request.py, promotion.py).
"""

from configs.errors import ModelRejected, UsageError
from tasks.release.ledger import Event
from tasks.release.promotion_run import GATE, PromotionRun, damage_of, decided_anew
from tasks.release.standing import Standing
from tasks.tracking import versions


def roll_back(run: PromotionRun, who: str, why: str) -> Event:
    """`rolled_back`, once: this run's version serves again. UsageError for one that never did or does now, ModelRejected for one that cannot."""
    return decided_anew(lambda: run.own("rolled_back") or _roll_back(run, who, why))


def move_reference(run: PromotionRun, who: str, why: str) -> Event:
    """`reference_set`, once, because a person says so; UsageError for a version that never was the champion, or is the reference."""
    return decided_anew(lambda: run.own("reference_set") or _move_reference(run, who, why))


def raise_reference(run: PromotionRun, promoted: Event) -> None:
    """`reference_set`, once, where this new champion is surely better than the reference in the first metric."""
    document = run.ledger.evidence(promoted.evidence or "")
    better = document["better_than_reference"]
    if better and better["low"] is not None and better["low"] > 0:
        why = f"surely better than {document['reference']['version']} in {document['main_metric']}"
        decided_anew(lambda: run.append("reference_set", run.standing(), who=GATE, why=why))


def _roll_back(run: PromotionRun, who: str, why: str) -> Event:
    now = run.standing()
    _require_former(run, now, "to roll back to")
    if damage := damage_of(
        run,
        versions.read_versions(run.client, run.config.name, {"candidate": run.version})[
            "candidate"
        ],
    ):
        raise ModelRejected(
            f"version {run.version} of {now.model} cannot serve again, the champion stays: {damage}"
        )
    events = run.ledger.events(run.config.name)
    promoted = next(
        e for e in reversed(events) if e.event == "promoted" and e.version_to == run.version
    )
    return run.append("rolled_back", now, who=who, why=why, evidence=promoted.evidence)


def _move_reference(run: PromotionRun, who: str, why: str) -> Event:
    now = run.standing()
    if run.version == now.reference:
        raise UsageError(f"version {run.version} of {now.model} is the reference already")
    if not (now.champion and run.version == now.champion.version_to):
        _require_former(run, now, "to hold others against")
    return run.append("reference_set", now, who=who, why=why)


def _require_former(run: PromotionRun, now: Standing, purpose: str) -> None:
    if run.version in now.former:
        return
    if now.champion and run.version == now.champion.version_to:
        raise UsageError(f"version {run.version} of {now.model} is the champion already")
    former = ", ".join(map(str, sorted(now.former))) or "none yet"
    raise UsageError(
        f"version {run.version} of {now.model} never was the champion; former champions {purpose}: {former}"
    )
