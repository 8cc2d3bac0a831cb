"""The gate: rules and recorded metrics in, a verdict out. A pure function of both; imports nothing that reads or writes.

Any FAIL: FAIL. All PASS: PASS. Else INCONCLUSIVE. What is missing or no number is FAIL.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

import rfc8785

from configs.schema import Rule
from tasks.records import Outcome, RuleVerdict, Verdict


def decide(rules: Sequence[Rule], metrics: Mapping[str, float]) -> Verdict:
    """The verdict on `metrics` of the holdout, by name; no rules at all is FAIL."""
    judged = tuple(_judge(rule, metrics.get(rule.metric)) for rule in rules)
    return Verdict(_together([rule.outcome for rule in judged]), judged)


def digest(rules: Sequence[Rule]) -> str:
    """sha256 of the rules' canonical JSON: the same gate has the same digest."""
    return hashlib.sha256(rfc8785.dumps([rule.model_dump(exclude_none=True) for rule in rules])).hexdigest()


def _judge(rule: Rule, value: float | None) -> RuleVerdict:
    if value is None or not math.isfinite(value):
        return RuleVerdict(str(rule), rule.metric, None, "FAIL", f"{rule.metric} is missing, {rule} asked: FAIL")
    passed = value >= rule.at_least if rule.at_least is not None else value <= (rule.at_most or 0.0)
    outcome: Outcome = "PASS" if passed else "FAIL"
    asked = str(rule).removeprefix(f"{rule.metric} ")
    return RuleVerdict(
        str(rule), rule.metric, value, outcome, f"{rule.metric} {_told_apart(value, rule)}, {asked} asked: {outcome}"
    )


def _told_apart(value: float, rule: Rule) -> str:
    """The value with three decimals, or as many more as it takes to be seen beside the rule's number: 0.4996 is not 0.500."""
    bound = rule.at_least if rule.at_least is not None else rule.at_most
    decimals = next((d for d in range(3, 17) if value == bound or f"{value:.{d}f}" != f"{bound:.{d}f}"), 17)
    return f"{value:.{decimals}f}"


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    if not outcomes or "FAIL" in outcomes:
        return "FAIL"
    return "PASS" if set(outcomes) == {"PASS"} else "INCONCLUSIVE"
