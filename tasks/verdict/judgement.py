"""A candidate judged by today's gate: who is compared, on which rows, how sure it is; the verdict, and the evidence for it.

Reads the registry and the kept rows, and writes nothing. Not here: what becomes of the candidate then (release/promotion.py).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow import MlflowClient

from configs.model import ModelConfig
from configs.split import TimeSplit
from tasks.comparison import contest as contests
from tasks.comparison.comparison import Compared, compare
from tasks.comparison.contest import Contest
from tasks.records import Role, Verdict
from tasks.tracking import versions
from tasks.verdict import evidence, gate

LOOKS = (
    6 / math.pi**2
)  # the sum of 1 / k^2 over all looks k, inverted: together they spend the whole level


@dataclass(frozen=True)
class Judgement:
    """A verdict with its evidence, and what was compared for it."""

    verdict: Verdict
    document: dict[str, Any]
    contest: Contest
    compared: Compared

    def __str__(self) -> str:
        return f"{self.contest}: {self.verdict.outcome}"


def judge(
    client: MlflowClient, config: ModelConfig, numbers: Mapping[Role, int | None], *,
    champion_since: datetime | None, asked_by: str, before: Mapping[str, Any] | None, looks: int | None = None,
) -> Judgement:  # fmt: skip
    """The judgement of these versions; `before` is the evidence on which the champion was promoted. Looks are counted, unless given."""
    contest = contests.hold(client, config, numbers)
    looks = looks or versions.count_looks(client, config.name, champion_since)
    breaks, harmless = _signature(client, contest)
    problems = (*contest.problems, *(breaks if config.comparison.signature == "keep" else ()))
    compared = Compared() if contest.problems else compare(contest, levels(config, looks))
    verdict = gate.decide(
        compared.estimates, (*problems, compared.problem) if compared.problem else problems
    )
    document = evidence.gather(
        config, versions.read_versions(client, config.name, numbers), verdict,
        configs={role: each.config for role, each in contest.contestants.items()}, better=compared.better, better_than_reference=compared.better_than_reference, slices=compared.slices, power=compared.power, looks=looks,
        notes=contest.notes, signature=(*breaks, *harmless), asked_by=asked_by, before=before, judged_on=f"{datetime.now(UTC):%Y-%m-%d}",
    )  # fmt: skip
    return Judgement(verdict, document, contest, compared)


def levels(config: ModelConfig, looks: int) -> tuple[float, float]:
    """The level of the bound that a PASS needs, and of the one that a FAIL needs.

    A look at rows that never renew spends its share of the level, a x 6 / (pi^2 k^2) for look k. Where doubt asks a person, FAIL is a
    union of chances, and each rule has its share of the level.
    """
    alpha = 1 - config.comparison.confidence
    spend = (
        config.comparison.spend
        if config.comparison.spend is not None
        else not isinstance(config.split, TimeSplit)
    )
    passing = alpha * LOOKS / looks**2 if spend else alpha
    return passing, alpha / len(config.gate) if config.comparison.inconclusive == "ask" else alpha


def _signature(client: MlflowClient, contest: Contest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the model signature differs from the champion's: what breaks those who call that, and what they need not know."""
    if not {"candidate", "champion"} <= contest.contestants.keys():
        return (), ()
    new, old = (
        versions.read_model_signature(client, contest.contestants[role].version)
        for role in ("candidate", "champion")
    )
    breaks = [
        f"the model signature asks for {name}, which callers of the champion do not send"
        for name in new
        if name not in old
    ]
    breaks += [
        f"the model signature has {name} as {new[name]}, the champion's as {old[name]}"
        for name in new
        if old.get(name, new[name]) != new[name]
    ]
    remedy = (
        ("promote under another name, or allow it with comparison: {signature: may_break}",)
        if breaks
        else ()
    )
    return (*breaks, *remedy), tuple(
        f"the model signature no longer has {name}; callers may go on sending it"
        for name in old
        if name not in new
    )
