"""The beginning of a promotion: the candidate is judged, then requested, refused or deferred.

Not here: what the answer to a request comes to (promotion_answer.py), how a verdict is found
(tasks/verdict).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from configs.model import ModelConfig
from tasks.release.events import Event
from tasks.release.promotion_run import (
    GATE,
    Actor,
    PromotionRun,
    compared_numbers,
    compared_versions,
    redecide_when_outrun,
)
from tasks.release.standing import Standing
from tasks.verdict import gate, judgement
from tasks.verdict.conclusion import conclusion
from tasks.verdict.evidence import Evidence, changed_facts, is_superior
from tasks.verdict.judgement import Judgement


@dataclass(frozen=True)
class RequestOptions:
    """How a promotion is requested."""

    requested_by: str
    # withdraw the request that waits now, if one does, and take its place
    replace_pending: bool = False
    # defer a candidate that passes but is not significantly better, until the champion is old
    only_if_better: bool = False

    @property
    def actor(self) -> Actor:
        return Actor(self.requested_by)


@redecide_when_outrun
def defer(run: PromotionRun, options: RequestOptions) -> Event | None:
    """Append `deferred` while another version waits for an answer; else None."""
    return _deferred_behind_pending(run, run.standing(), options)


def judge(run: PromotionRun, options: RequestOptions) -> Judgement:
    """Judge the candidate against the present champion and reference."""
    now = run.standing()
    champion = now.champion
    evidence = None
    if champion and champion.evidence_digest:
        evidence = run.ledger.evidence_of(champion)
    request = judgement.Request(
        requested_by=options.requested_by,
        champion_since=champion.time if champion else None,
        champions_evidence=evidence,
    )
    return judgement.judge(run.client, run.config, compared_numbers(run, now), request)


@redecide_when_outrun
def request(run: PromotionRun, judged: Judgement, options: RequestOptions) -> Event | None:
    """Append `requested`, `refused` or `deferred`: what the verdict comes to.

    None if champion, reference or gate are no longer those it was judged with.
    """
    now, evidence = run.standing(), judged.evidence
    if deferred := _deferred_behind_pending(run, now, options):
        return deferred
    gate_digest = gate.definition(run.config).digest
    if changed_facts(evidence, compared_versions(run, now), gate_digest):
        return None

    digest = run.ledger.store_evidence(evidence)
    why = conclusion(evidence)
    if not _may_be_requested(judged, run.config):
        return run.append("refused", now, GATE, why, digest)
    if options.only_if_better and _waits_for_age(evidence, now, run.config):
        return run.append("deferred", now, options.actor, _until_old(run.config), digest)
    withdrawn = _withdraw(run, now, options) if now.pending else None
    return run.append("requested", now, options.actor, why, digest, after=withdrawn)


def is_old(champion: Event | None, config: ModelConfig) -> bool:
    """Whether the champion is so old that any candidate that passes is requested."""
    days = config.promotion.champion_older_than_days
    if champion is None or days is None:
        return False
    return datetime.now(UTC).replace(tzinfo=None) - champion.time >= timedelta(days=days)


def _deferred_behind_pending(
    run: PromotionRun, now: Standing, options: RequestOptions
) -> Event | None:
    """`deferred` while another run's request waits, unless this one is to replace it; else None."""
    pending = now.pending
    if options.replace_pending or not pending or pending.flow_run == run.flow_run:
        return None
    since = f"{pending.time:%Y-%m-%d %H:%M} UTC"
    why = f"version {pending.version_to} has been waiting for an answer since {since}"
    return run.append("deferred", now, options.actor, why)


def _may_be_requested(judged: Judgement, config: ModelConfig) -> bool:
    verdict = judged.verdict
    asks_in_doubt = config.comparison.inconclusive == "ask"
    return verdict.passed or (verdict.outcome == "INCONCLUSIVE" and asks_in_doubt)


def _waits_for_age(evidence: Evidence, now: Standing, config: ModelConfig) -> bool:
    """Whether a candidate that passes must wait: not significantly better, and a young champion."""
    if evidence.better is None:
        return False
    return not is_superior(evidence.better) and not is_old(now.champion, config)


def _until_old(config: ModelConfig) -> str:
    days = config.promotion.champion_older_than_days
    until = "somebody requests it"
    if days:
        until = f"the champion is {days} days old"
    return f"it passes, but is not significantly better: it waits until {until}"


def _withdraw(run: PromotionRun, now: Standing, options: RequestOptions) -> Event:
    """End the request that waits, in favour of this run's."""
    assert now.pending
    why = f"replaced by the request of version {run.version}"
    replaced = PromotionRun.of_event(now.pending, run.ledger, run.client, run.config)
    return replaced.append("withdrawn", now, options.actor, why)
