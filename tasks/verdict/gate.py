"""The gate: rules and their estimates in, a verdict out. A pure function; reads and writes nothing.

A rule whose bound clears its limit or margin is PASS, one whose opposite bound falls short of it is
FAIL, any other is INCONCLUSIVE. The gate is PASS if all rules are, FAIL if any rule is, else
INCONCLUSIVE. What is damaged or missing is FAIL; too little data is INCONCLUSIVE.
Not here: the sentences about it (wording.py).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from configs import canonical_json
from configs.gate import Rule
from configs.model import ModelConfig
from tasks.records import Estimate, NotEstimated, Outcome, RuleEstimates, RuleVerdict, Verdict

MISSING = NotEstimated("is missing", fatal=True)


@dataclass(frozen=True)
class GateDefinition:
    """Everything that decides between PASS and FAIL, except data; as plain JSON values."""

    rules: list[dict[str, Any]]
    comparison: dict[str, Any]
    slices: dict[str, Any]
    threshold: dict[str, Any] | None

    @property
    def digest(self) -> str:
        """The sha256 of the definition's canonical JSON: equal gates have equal digests."""
        return canonical_json.digest(asdict(self))


def decide(estimates: RuleEstimates, problems: Sequence[str] = ()) -> Verdict:
    """Judge each rule, then all together; no rules at all, or any problem, is a FAIL."""
    rules = tuple(
        RuleVerdict(rule, _outcome_of_rule(rule, estimate), estimate)
        for rule, estimates_of_rule in estimates
        for estimate in estimates_of_rule or [MISSING]
    )
    outcome = "FAIL" if problems else _outcome_of_gate([rule.outcome for rule in rules])
    return Verdict(outcome, rules, tuple(problems))


def definition(config: ModelConfig) -> GateDefinition:
    """The gate of a model's YAML."""
    threshold = config.threshold
    return GateDefinition(
        rules=[_definition_of(rule, config) for rule in config.gate],
        comparison=config.comparison.model_dump(mode="json"),
        slices={
            name: {column: cut if cut == "values" else list(cut) for column, cut in columns.items()}
            for name, columns in config.slices.items()
        },
        threshold=threshold.model_dump(mode="json", exclude_none=True) if threshold else None,
    )


def _definition_of(rule: Rule, config: ModelConfig) -> dict[str, Any]:
    """What the YAML says of a rule, and its minima even by default: a new default is a new gate."""
    minima = {"min_rows": rule.min_rows}
    if config.kind == "binary":
        minima["min_positives"] = rule.min_positives
    return rule.model_dump(mode="json", exclude_defaults=True) | minima


def _outcome_of_rule(rule: Rule, estimate: Estimate | NotEstimated) -> Outcome:
    if isinstance(estimate, NotEstimated) and estimate.fatal:
        return "FAIL"
    if not rule.has_enough(estimate.rows, estimate.positives):
        return "INCONCLUSIVE"
    if isinstance(estimate, NotEstimated):
        return "INCONCLUSIVE"
    if not estimate.is_finite:
        return "FAIL"
    if rule.is_met_by(estimate.low):
        return "PASS"
    return "FAIL" if estimate.high < 0 else "INCONCLUSIVE"


def _outcome_of_gate(outcomes: Sequence[Outcome]) -> Outcome:
    if not outcomes or "FAIL" in outcomes:
        return "FAIL"
    return "PASS" if set(outcomes) == {"PASS"} else "INCONCLUSIVE"
