"""The beginning of a promotion: the candidate judged beside the champion of now, then requested, refused or put off. Appends one event.

Not here: what the answer to a request comes to (promotion.py), how a verdict is found (tasks/verdict).
"""

from datetime import UTC, datetime, timedelta

from configs.schema import ModelConfig
from tasks.release.ledger import Event
from tasks.release.promotion import GATE, Desk, compared_versions, compared_with, decided_anew
from tasks.release.standing import Standing
from tasks.verdict import evidence, in_words, judgement
from tasks.verdict.judgement import Judgement


def put_off(desk: Desk, asked_by: str) -> Event | None:
    """`deferred` while another version waits for its answer; None when this one can be judged."""
    return decided_anew(lambda: _behind(desk, desk.standing(), asked_by))


def judge(desk: Desk, asked_by: str) -> Judgement:
    """The judgement of this candidate beside today's champion and reference."""
    champion = desk.standing().champion
    before = desk.ledger.evidence(champion.evidence) if champion and champion.evidence else None
    return judgement.judge(
        desk.client, desk.config, compared_with(desk), champion_since=champion.time if champion else None, asked_by=asked_by, before=before
    )  # fmt: skip


def request(desk: Desk, judged: Judgement, asked_by: str, *, instead: bool, only_if_better: bool) -> Event | None:
    """`requested`, `refused` or `deferred`: what becomes of this candidate before any person is asked; None when champion or
    reference are no longer those that it was judged beside."""
    return decided_anew(lambda: _request(desk, judged, asked_by, instead, only_if_better))


def _request(desk: Desk, judged: Judgement, asked_by: str, instead: bool, only_if_better: bool) -> Event | None:
    now, verdict = desk.standing(), judged.verdict
    if not instead and (behind := _behind(desk, now, asked_by)):
        return behind
    if evidence.what_changed(judged.document, compared_versions(desk), desk.config):
        return None
    digest = desk.ledger.store_evidence(judged.document)
    asks = verdict.outcome == "INCONCLUSIVE" and desk.config.comparison.inconclusive == "ask"
    if not (verdict.passed or asks):
        return desk.append("refused", now, who=GATE, why=in_words.answer(judged.document), evidence=digest)
    if only_if_better and not judged.compared.surely_better and not is_old(now.champion, desk.config):
        days = desk.config.promotion.champion_older_than_days
        until = f"until the champion is {days} days old" if days else "until somebody asks for it"
        return desk.append(
            "deferred", now, who=asked_by, why=f"it passes but is not surely better: it waits {until}", evidence=digest
        )
    withdrawn = _withdraw(desk, now, now.pending, asked_by).sequence if now.pending else 0
    return desk.append("requested", now, who=asked_by, why=in_words.answer(judged.document), evidence=digest, after=withdrawn)


def _behind(desk: Desk, now: Standing, asked_by: str) -> Event | None:
    if not now.pending or now.pending.flow_run == desk.flow_run:
        return None
    behind = f"behind version {now.pending.version_to}, which waits since {now.pending.time:%Y-%m-%d %H:%M} UTC"
    return desk.append("deferred", now, who=asked_by, why=behind)


def is_old(champion: Event | None, config: ModelConfig) -> bool:
    """Whether any candidate that passes may take this champion's place by now."""
    days = config.promotion.champion_older_than_days
    return (
        champion is not None and days is not None and datetime.now(UTC).replace(tzinfo=None) - champion.time >= timedelta(days=days)
    )


def _withdraw(desk: Desk, now: Standing, pending: Event, asked_by: str) -> Event:
    why = f"version {desk.version} is asked for instead"
    key, version = f"{pending.flow_run}:withdrawn", pending.version_to
    return desk.append("withdrawn", now, who=asked_by, why=why, key=key, version_to=version, flow_run=pending.flow_run)
