"""A candidate judged by today's gate: the comparison, the verdict, and the evidence for it.

Reads the registry and the stored rows, and writes nothing.
Not here: what follows from a verdict (tasks/release/promotion_request.py).
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow import MlflowClient

from configs.model import ModelConfig
from configs.split import TimeSplit
from tasks.comparison.assembly import assemble
from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import Compared, compare, count_estimates
from tasks.comparison.contest import Contest
from tasks.records import RegisteredVersion, Verdict, VersionNumbers
from tasks.tracking import versions
from tasks.verdict import changes, gate
from tasks.verdict.absent_parts import with_absent_parts
from tasks.verdict.evidence import Candidate, ComparedVersion, Evidence
from tasks.verdict.evidence_json import read_holdout, read_training
from tasks.verdict.signatures import SignatureChanges, signature_changes

# 1 / the sum of 1 / k^2 over all looks k: together they spend the whole level
FIRST_LOOKS_SHARE = 6 / math.pi**2


@dataclass(frozen=True)
class Request:
    """What to know of a request besides the versions: who made it, and what came before it."""

    requested_by: str
    # when the champion was promoted, and on what evidence; None without a champion
    champion_since: datetime | None = None
    champions_evidence: Evidence | None = None
    # how many candidates have been looked at on this holdout; counted, unless given
    looks: int | None = None


@dataclass(frozen=True)
class Judgement:
    """A verdict with its evidence, and what was compared for it."""

    verdict: Verdict
    evidence: Evidence
    contest: Contest
    compared: Compared

    @property
    def config(self) -> ModelConfig:
        """The configuration that the versions were compared under."""
        return self.contest.config

    def __str__(self) -> str:
        return f"{self.contest}: {self.verdict.outcome}"


def judge(
    client: MlflowClient, config: ModelConfig, numbers: VersionNumbers, request: Request
) -> Judgement:
    """Compare these versions and judge the candidate by this configuration's gate."""
    contest = assemble(client, config, numbers)
    looks = request.looks or versions.count_looks(client, config.name, request.champion_since)
    signature = signature_changes(client, contest)
    problems = contest.problems
    if config.comparison.signature == "keep":
        problems += signature.breaking
    compared = Compared()
    if not contest.problems:
        compared = compare(contest, levels(config, looks, count_estimates(contest)))
    if compared.problem:
        problems += (compared.problem,)
    estimates = with_absent_parts(config, compared.estimates, request.champions_evidence)
    verdict = gate.decide(estimates, problems)
    evidence = gather(contest, compared, verdict, signature, request, looks)
    return Judgement(verdict, evidence, contest, compared)


def levels(config: ModelConfig, looks: int, estimate_count: int) -> Levels:
    """The levels (alphas) of the bound that a PASS needs and of the bound that a FAIL needs.

    Alpha spending: look k at a holdout that never renews spends alpha x 6 / (pi^2 k^2). Where an
    inconclusive verdict asks a person, a FAIL is a union of chances: Bonferroni over the estimates,
    one for each rule, or for each part of its slice.
    """
    alpha = 1 - config.comparison.confidence
    spends = config.comparison.spend
    if spends is None:
        spends = not isinstance(config.split, TimeSplit)
    passing = alpha * FIRST_LOOKS_SHARE / looks**2 if spends else alpha
    asks = config.comparison.inconclusive == "ask"
    return Levels(lower=passing, upper=alpha / max(estimate_count, 1) if asks else alpha)


def gather(
    contest: Contest,
    compared: Compared,
    verdict: Verdict,
    signature: SignatureChanges,
    request: Request,
    looks: int,
) -> Evidence:
    """The evidence for a verdict."""
    config, records = contest.config, contest.versions
    candidate = records["candidate"]
    definition = gate.definition(config)
    configs = {role: entrant.config for role, entrant in contest.contestants.items()}
    notes = contest.notes
    if "champion" not in records:
        notes = ("No champion yet: the rules that compare with one do not apply.", *notes)
    return Evidence(
        model=config.name,
        candidate=_candidate(candidate),
        champion=_compared_version(records.get("champion")),
        reference=_compared_version(records.get("reference")),
        holdout=read_holdout(_params_named(candidate, "holdout_")),
        training=read_training(candidate.params),
        metrics=_metrics_of(candidate),
        baselines=_baselines_of(candidate, config.main_metric),
        gate=definition,
        gate_digest=definition.digest,
        verdict=verdict,
        champion_rules=gate.decide(compared.of_champion).rules,
        main_metric=config.main_metric or "",
        better=compared.better,
        better_than_reference=compared.better_than_reference,
        slices=compared.slices,
        guards=compared.guards,
        power=compared.power,
        looks=looks,
        notes=notes,
        model_signature=(*signature.breaking, *signature.harmless),
        changes=changes.since_champion(
            records,
            configs,
            definition,
            request.champions_evidence.gate if request.champions_evidence else None,
        ),
        asked_by=request.requested_by,
        judged_on=datetime.now(UTC).date(),
    )


def _candidate(version: RegisteredVersion) -> Candidate:
    libraries = _params_named(version, "version.")
    checks = {name: version.metrics[name] for name in version.metrics if "validation/" in name}
    return Candidate(
        version=version.number,
        model_sha256=version.sha256,
        mlflow_run=version.run_id,
        flow_run=version.flow_run,
        git_commit=version.params.get("git_commit", ""),
        git_dirty=version.params.get("git_dirty") == "True",
        libraries=libraries,
        checks=checks,
    )


def _compared_version(version: RegisteredVersion | None) -> ComparedVersion | None:
    return ComparedVersion(version.number, version.sha256, version.run_id) if version else None


def _params_named(version: RegisteredVersion, prefix: str) -> dict[str, str]:
    """The params whose names begin with a prefix, under what follows it."""
    return {
        name.removeprefix(prefix): value
        for name, value in version.params.items()
        if name.startswith(prefix)
    }


def _metrics_of(version: RegisteredVersion) -> dict[str, float]:
    names = sorted(name for name in version.metrics if name.startswith(("holdout/", "train/")))
    return {name: version.metrics[name] for name in names}


def _baselines_of(version: RegisteredVersion, metric: str | None) -> dict[str, float]:
    """The main metric of each baseline on the holdout, by the baseline's name."""
    values = {}
    for name, value in version.metrics.items():
        group, _, measured = name.partition("/")
        if group.startswith("baseline_") and measured == metric:
            values[group.removeprefix("baseline_")] = value
    return values
