"""The values that travel from package to package: frozen dataclasses that can be read aloud.

Times are naive datetimes in UTC.
Not here: a model's configuration (configs/model.py), the ledger's events
(tasks/release/events.py), anything that reads or writes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from configs.checks import Severity
from configs.gate import Rule

Stage = Literal["raw", "features", "split"]
Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Role = Literal["candidate", "champion", "reference"]
Competitor = Role | Literal["baseline"]
# the versions that a verdict compares; None where there is none
VersionNumbers = Mapping[Role, int | None]


@dataclass(frozen=True)
class Window:
    """The spans of one training run, each from its first instant up to, not including, its end.

    history_start <= train_start < train_end <= holdout_start < holdout_end. The delay lies between
    train_end and holdout_start.
    """

    history_start: datetime
    train_start: datetime
    train_end: datetime
    holdout_start: datetime
    holdout_end: datetime

    def __str__(self) -> str:
        train = f"{self.train_start:%Y-%m-%d} .. {self.train_end:%Y-%m-%d}"
        holdout = f"{self.holdout_start:%Y-%m-%d} .. {self.holdout_end:%Y-%m-%d}"
        return f"train {train}, holdout {holdout}"


@dataclass(frozen=True)
class CheckOutcome:
    """What one check found.

    `failed_rows` is None where a check is about a whole column or table, or could not be computed.
    """

    check: str
    severity: Severity
    passed: bool
    sentence: str
    rows: int
    failed_rows: int | None = None
    first_keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        keys = f"   first keys {', '.join(self.first_keys)}" if self.first_keys else ""
        return f"{self.check}   {self.severity}   {self.sentence}{keys}"


@dataclass(frozen=True)
class ValidationReport:
    """The outcomes of all checks of one stage, in the order in which they were declared."""

    stage: Stage
    rows: int
    outcomes: tuple[CheckOutcome, ...]

    @property
    def failures(self) -> tuple[CheckOutcome, ...]:
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)

    @property
    def passes(self) -> tuple[CheckOutcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.passed)

    @property
    def critical(self) -> tuple[CheckOutcome, ...]:
        return tuple(outcome for outcome in self.failures if outcome.severity == "critical")

    def __str__(self) -> str:
        """The count of checks, and every failure that does not stop a run."""
        warnings = [
            f"{outcome.severity}: {outcome.check} {outcome.sentence}"
            for outcome in self.failures
            if outcome.severity != "critical"
        ]
        return ", ".join([f"{len(self.outcomes)} checks on {self.stage}", *warnings])


@dataclass(frozen=True)
class Estimate:
    """What a rule is judged on: the candidate's metric, or its difference to another version."""

    # the part of a slice, empty for all rows; its rows, its positives if the target is binary,
    # and how many of its units (rows, customers, days) are independent
    part: str = ""
    rows: int = 0
    positives: int | None = None
    units: int = 0
    # the metric of the candidate, and of the version it is compared with if there is one
    candidate: float = math.nan
    other: float | None = None
    greater_is_better: bool = True
    # the rule's margin, in units of the metric
    margin: float = 0.0
    # by how much the rule holds, positive where it does: the metric beyond its limit, or the
    # difference beyond the margin; with its lower and upper one-sided bounds
    spare: float = math.nan
    low: float = math.nan
    high: float = math.nan
    # of the lower bound, of the upper bound, and how both were found
    confidence: float = 0.95
    upper_confidence: float = 0.95
    method: str = ""
    # of the variance behind the bounds; few where few rows carry it, None for exact bounds
    degrees_of_freedom: float | None = None

    @property
    def is_finite(self) -> bool:
        numbers = (self.candidate, self.spare, self.low, self.high)
        return all(math.isfinite(number) for number in numbers)


@dataclass(frozen=True)
class NotEstimated:
    """Why a rule, or a part of a slice, has no estimate; `fatal`, if damaged or missing: a FAIL."""

    reason: str
    fatal: bool = False
    part: str = ""
    rows: int = 0
    positives: int | None = None
    units: int = 0
    # what is known all the same
    candidate: float | None = None
    other: float | None = None


# each rule with its estimate on all rows, or on each part of its slice
RuleEstimates = Sequence[tuple[Rule, Sequence[Estimate | NotEstimated]]]


@dataclass(frozen=True)
class RuleVerdict:
    """The outcome of one rule, on all rows or on one part of a slice, and what it rests on."""

    rule: Rule
    outcome: Outcome
    estimate: Estimate | NotEstimated


@dataclass(frozen=True)
class Verdict:
    """The outcome of a whole gate; `problems` say what, if anything, prevented the comparison."""

    outcome: Outcome
    rules: tuple[RuleVerdict, ...]
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome == "PASS"

    @property
    def deciding(self) -> tuple[RuleVerdict, ...]:
        """The rules whose outcome is that of the gate."""
        return tuple(verdict for verdict in self.rules if verdict.outcome == self.outcome)


@dataclass(frozen=True)
class RegisteredVersion:
    """What the registry and the training run have recorded of one version.

    `address` is where its model's files lie, `artifacts` where the other files of its run do.
    Metrics are named as they are logged, as in holdout/average_precision.
    """

    model: str
    number: int
    run_id: str
    experiment: str
    artifacts: str
    flow_run: str
    sha256: str
    address: str
    metrics: dict[str, float]
    params: dict[str, str]

    @property
    def holdout_sha256(self) -> str:
        """The sha256 of its stored holdout; empty where none was stored."""
        return self.params.get("holdout_sha256", "")

    @property
    def data_digest(self) -> str:
        """The digest of the rows that its training read; empty where none is known."""
        return self.params.get("data_digest", "")

    @property
    def baselines_sha256(self) -> str:
        """The sha256 of the stored scores of its baselines; empty where none were stored."""
        return self.params.get("baselines_sha256", "")

    @property
    def train_keys_sha256(self) -> str:
        """The sha256 of the stored keys of its training rows; empty where none were stored."""
        return self.params.get("train_keys_sha256", "")

    def __str__(self) -> str:
        return f"{self.model} {self.number}"
