"""Evidence: everything a verdict rests on, as one frozen value.

Not here: making it (judgement.py), its JSON document (evidence_json.py), its sentences
(wording.py), where documents lie and under which digest (tasks/release/ledger.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tasks.records import (
    Estimate,
    NotEstimated,
    RegisteredVersion,
    Role,
    RuleVerdict,
    Verdict,
)
from tasks.verdict.gate import GateDefinition


@dataclass(frozen=True)
class ComparedVersion:
    """Which version it was, by its number, the hash of its model and its training run."""

    version: int
    model_sha256: str
    mlflow_run: str


@dataclass(frozen=True)
class Candidate(ComparedVersion):
    """The version that was judged, and how it was made. `checks` counts its data checks."""

    flow_run: str
    git_commit: str
    git_dirty: bool
    libraries: dict[str, str]
    checks: dict[str, float]


@dataclass(frozen=True)
class Holdout:
    """The rows on which all versions were compared. Data without days have no start and end."""

    start: datetime | None
    end: datetime | None
    rows: int | None
    positives: int | None
    left_out: int | None
    sha256: str


@dataclass(frozen=True)
class Training:
    """The rows that the candidate was trained on, and the digests that identify its training."""

    train_start: datetime | None
    train_end: datetime | None
    train_rows: int | None
    train_positives: int | None
    data_digest: str
    config_digest: str
    seed: str


@dataclass(frozen=True)
class Evidence:
    """Everything that one verdict rests on."""

    model: str
    candidate: Candidate
    champion: ComparedVersion | None
    reference: ComparedVersion | None
    holdout: Holdout
    training: Training
    # the candidate's metrics as its training run logged them, and its baselines' main metric
    metrics: dict[str, float]
    baselines: dict[str, float]
    gate: GateDefinition
    gate_digest: str
    verdict: Verdict
    # the rules of the gate that compare no versions, for the champion on the same rows
    champion_rules: tuple[RuleVerdict, ...]
    # the difference to the champion and to the reference in the main metric, on all rows, and to
    # the champion on each part of each slice
    main_metric: str
    better: Estimate | NotEstimated | None
    better_than_reference: Estimate | NotEstimated | None
    slices: tuple[Estimate | NotEstimated, ...]
    # the difference to the reference in the other metrics of rules that compare versions
    guards: Mapping[str, Estimate | NotEstimated]
    # how often a model exactly as good as the champion would pass, from 0 to 1
    power: float | None
    looks: int
    # sentences for people
    notes: tuple[str, ...]
    model_signature: tuple[str, ...]
    changes: tuple[str, ...]
    asked_by: str
    judged_on: date | None

    @property
    def version_numbers(self) -> dict[Role, int | None]:
        """The versions that were compared, by role."""
        return {
            "candidate": self.candidate.version,
            "champion": self.champion.version if self.champion else None,
            "reference": self.reference.version if self.reference else None,
        }

    @property
    def failed_by_champion(self) -> tuple[RuleVerdict, ...]:
        """The rules that the champion itself does not meet on these rows."""
        return tuple(verdict for verdict in self.champion_rules if verdict.outcome == "FAIL")

    @property
    def is_superior_to_reference(self) -> bool:
        """Whether it is better in the main metric, and in no other that a rule guards worse.

        Otherwise a metric could sink by its margin with each gain in the main one.
        """
        is_no_worse = all(
            isinstance(guard, Estimate) and guard.low >= 0 for guard in self.guards.values()
        )
        return is_superior(self.better_than_reference) and is_no_worse


def is_superior(difference: Estimate | NotEstimated | None) -> bool:
    """Whether the lower bound of a difference in the main metric is above zero."""
    return isinstance(difference, Estimate) and difference.low > 0


def changed_facts(
    evidence: Evidence, versions: Mapping[Role, RegisteredVersion], gate_digest: str
) -> list[str]:
    """Why an answer to this evidence no longer counts; empty while the facts are the same."""
    changes = []
    past: dict[Role, ComparedVersion | None] = {
        "champion": evidence.champion,
        "reference": evidence.reference,
    }
    for role, was in past.items():
        now = versions.get(role)
        if (was and was.version) != (now and now.number):
            numbers = (was.version if was else "none", now.number if now else "none")
            changes.append(f"the {role} changed from {numbers[0]} to {numbers[1]}")
        elif was and now and was.model_sha256 != now.sha256:
            changes.append(f"the {role}'s recorded model hash changed")
    candidate = versions.get("candidate")
    if candidate is None:
        changes.append("the candidate was deleted from the registry")
    elif candidate.sha256 != evidence.candidate.model_sha256:
        changes.append("the candidate's recorded model hash changed")
    elif candidate.holdout_sha256 != evidence.holdout.sha256:
        changes.append("the candidate's recorded holdout changed")
    if gate_digest != evidence.gate_digest:
        changes.append("the gate changed")
    return changes
