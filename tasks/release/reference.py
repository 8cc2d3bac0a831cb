"""The reference: moved by a person, or raised by a champion that is significantly better.

Not here: what the reference is at any time (standing.py), rules about it (tasks/verdict).
"""

from configs.errors import UsageError
from tasks.release.events import Event
from tasks.release.promotion_run import GATE, Actor, PromotionRun, redecide_when_outrun
from tasks.release.rollback import require_former


@redecide_when_outrun
def move_reference(run: PromotionRun, who: str, why: str) -> Event:
    """Append `reference_set`, once, because a person says so.

    UsageError for a version that never was the champion, or is the reference already.
    """
    now = run.standing()
    if moved := now.event_of(run.flow_run, "reference_set"):
        return moved
    if run.version == now.reference:
        raise UsageError(f"version {run.version} of {now.model} is the reference already")
    if run.version != now.champion_version:
        require_former(run, now, purpose="to choose from")
    return run.append("reference_set", now, Actor(who), why)


@redecide_when_outrun
def raise_reference(run: PromotionRun, promoted: Event) -> Event | None:
    """Append `reference_set`, once, if this new champion is significantly better; else None."""
    evidence = run.ledger.evidence_of(promoted)
    if not evidence.is_superior_to_reference or evidence.reference is None:
        return None
    why = f"significantly better than {evidence.reference.version} in {evidence.main_metric}"
    return run.append("reference_set", run.standing(), GATE, why)
