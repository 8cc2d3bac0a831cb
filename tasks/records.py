"""The values that travel from room to room: frozen dataclasses that can be read aloud.

Not here: configuration (configs/schema.py), the ledger's events (release/ledger.py), anything that reads or writes.
Times are naive datetimes in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Severity = Literal["critical", "warning", "info"]
Stage = Literal["raw", "features"]
Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Role = Literal["candidate", "champion", "reference"]


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
        return format(self)

    def __format__(self, day_format: str) -> str:
        """Both spans, their days written as in `%m-%d`, by default `%Y-%m-%d`."""
        day_format = day_format or "%Y-%m-%d"
        train = f"{self.train_start:{day_format}} .. {self.train_end:{day_format}}"
        holdout = f"{self.holdout_start:{day_format}} .. {self.holdout_end:{day_format}}"
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
    """What a rule is judged on, on all rows of the holdout or on one part of them (`part`, empty for all).

    `spare` is by how much the rule is kept, better side up: the metric beyond its bound, or the difference to the other version
    beyond the margin; `low` and `high` are its one-sided bounds, the lower at `confidence`. `margin` is in units of the metric. `problem` says in words what
    stops an estimate for good, `doubt` what makes one worthless.
    """

    part: str = ""
    rows: int = 0
    positives: int | None = None
    units: int = 0
    candidate: float | None = None
    other: float | None = None
    margin: float = 0.0
    spare: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    method: str = ""
    problem: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class RuleVerdict:
    """One rule of the gate, judged on all rows or on one part of a slice."""

    rule: str
    metric: str
    outcome: Outcome
    sentence: str
    estimate: Estimate = Estimate()


@dataclass(frozen=True)
class Verdict:
    """The outcome of a whole gate: the verdict of each rule, and what stopped the judging, in words."""

    outcome: Outcome
    rules: tuple[RuleVerdict, ...]
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome == "PASS"

    def __str__(self) -> str:
        return "; ".join(
            (
                *self.problems,
                *(rule.sentence for rule in self.rules if rule.outcome == self.outcome),
            )
        )


@dataclass(frozen=True)
class RegisteredVersion:
    """What the registry and the training run record of one version. Metrics are named as logged: holdout/average_precision.

    `address` is where its model's files lie, `artifacts` where the other files of its run do.
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

    def __str__(self) -> str:
        return f"{self.model} {self.number}"
