"""The beginning of a promotion: the candidate judged beside the champion of now, then requested, refused or put off. Appends one event.

Not here: what the answer to a request comes to (promotion.py), how a verdict is found (tasks/verdict).
"""

from datetime import UTC, datetime, timedelta

from configs.model import ModelConfig
from tasks.release.ledger import Event
from tasks.release.promotion_run import (
    GATE,
    PromotionRun,
    compared_versions,
    compared_with,
    decided_anew,
)
from tasks.release.standing import Standing
from tasks.verdict import evidence, judgement, wording
from tasks.verdict.judgement import Judgement


def put_off(run: PromotionRun, asked_by: str) -> Event | None:
    """`deferred` while another version waits for its answer; None when this one can be judged."""
    return decided_anew(lambda: _behind(run, run.standing(), asked_by))


def judge(run: PromotionRun, asked_by: str) -> Judgement:
    """The judgement of this candidate beside today's champion and reference."""
    champion = run.standing().champion
    before = run.ledger.evidence(champion.evidence) if champion and champion.evidence else None
    return judgement.judge(
        run.client, run.config, compared_with(run), champion_since=champion.time if champion else None, asked_by=asked_by, before=before
    )  # fmt: skip


def request(
    run: PromotionRun, judged: Judgement, asked_by: str, *, instead: bool, only_if_better: bool
) -> Event | None:
    """`requested`, `refused` or `deferred`: what becomes of this candidate before any person is asked; None when champion or
    reference are no longer those that it was judged beside."""
    return decided_anew(lambda: _request(run, judged, asked_by, instead, only_if_better))


def _request(
    run: PromotionRun, judged: Judgement, asked_by: str, instead: bool, only_if_better: bool
) -> Event | None:
    now, verdict = run.standing(), judged.verdict
    if not instead and (behind := _behind(run, now, asked_by)):
        return behind
    if evidence.what_changed(judged.document, compared_versions(run), run.config):
        return None
    digest = run.ledger.store_evidence(judged.document)
    asks = verdict.outcome == "INCONCLUSIVE" and run.config.comparison.inconclusive == "ask"
    if not (verdict.passed or asks):
        return run.append(
            "refused", now, who=GATE, why=wording.answer(judged.document), evidence=digest
        )
    if (
        only_if_better
        and not judged.compared.surely_better
        and not is_old(now.champion, run.config)
    ):
        days = run.config.promotion.champion_older_than_days
        until = f"until the champion is {days} days old" if days else "until somebody asks for it"
        return run.append(
            "deferred",
            now,
            who=asked_by,
            why=f"it passes but is not surely better: it waits {until}",
            evidence=digest,
        )
    withdrawn = _withdraw(run, now, now.pending, asked_by).sequence if now.pending else 0
    return run.append(
        "requested",
        now,
        who=asked_by,
        why=wording.answer(judged.document),
        evidence=digest,
        after=withdrawn,
    )


def _behind(run: PromotionRun, now: Standing, asked_by: str) -> Event | None:
    if not now.pending or now.pending.flow_run == run.flow_run:
        return None
    behind = f"behind version {now.pending.version_to}, which waits since {now.pending.time:%Y-%m-%d %H:%M} UTC"
    return run.append("deferred", now, who=asked_by, why=behind)


def is_old(champion: Event | None, config: ModelConfig) -> bool:
    """Whether any candidate that passes may take this champion's place by now."""
    days = config.promotion.champion_older_than_days
    return (
        champion is not None
        and days is not None
        and datetime.now(UTC).replace(tzinfo=None) - champion.time >= timedelta(days=days)
    )


def _withdraw(run: PromotionRun, now: Standing, pending: Event, asked_by: str) -> Event:
    why = f"version {run.version} is asked for instead"
    key, version = f"{pending.flow_run}:withdrawn", pending.version_to
    return run.append(
        "withdrawn",
        now,
        who=asked_by,
        why=why,
        key=key,
        version_to=version,
        flow_run=pending.flow_run,
    )
