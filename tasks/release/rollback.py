"""A rollback: a former champion serves again, without a question, as one event.

It goes to a version that was in production before, so nothing is judged; its files are checked.
Not here: promotions (promotion_request.py, promotion_answer.py), the reference (reference.py).
"""

from configs.errors import ModelRejected, UsageError
from tasks.release.events import Event
from tasks.release.promotion_run import Actor, PromotionRun, damage_of, redecide_when_outrun
from tasks.release.standing import Standing
from tasks.tracking import registry


@redecide_when_outrun
def roll_back(run: PromotionRun, who: str, why: str) -> Event:
    """Append `rolled_back`, once: this run's version is the champion again.

    UsageError for a version that never was the champion, or is, or was deleted from the registry;
    ModelRejected for damaged files.
    """
    now = run.standing()
    if rolled_back := now.event_of(run.flow_run, "rolled_back"):
        return rolled_back
    require_former(run, now, purpose="to roll back to")
    if damage := damage_of(run, registry.read_version(run.client, now.model, run.version)):
        raise ModelRejected(
            f"version {run.version} of {now.model} cannot serve again, the champion stays: {damage}"
        )
    # the evidence on which it was once promoted
    promotions = [e for e in now.events if e.event == "promoted" and e.version_to == run.version]
    digest = promotions[-1].evidence_digest
    return run.append("rolled_back", now, Actor(who), why, digest)


def require_former(run: PromotionRun, now: Standing, purpose: str) -> None:
    """Return if this run's version is a former champion; UsageError says which there are."""
    if run.version in now.former:
        return
    version = f"version {run.version} of {now.model}"
    if run.version == now.champion_version:
        raise UsageError(f"{version} is the champion already")
    former = ", ".join(map(str, sorted(now.former))) or "none yet"
    raise UsageError(f"{version} was never the champion; former champions {purpose}: {former}")
