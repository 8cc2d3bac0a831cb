"""The gate: rules and what was estimated for them in, a verdict out. A pure function of both; imports nothing that reads or writes.

A bound past the rule's is PASS, the opposite bound short of it is FAIL, else INCONCLUSIVE. Any FAIL: FAIL. All PASS: PASS. Else
INCONCLUSIVE. What is missing, damaged or no number is FAIL; too little to say is INCONCLUSIVE.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import rfc8785

from configs.judging import Rule
from configs.model import ModelConfig
from tasks.records import Estimate, Outcome, RuleVerdict, Verdict

Judged = Sequence[
    tuple[Rule, Sequence[Estimate]]
]  # each rule with an estimate of each part that it speaks of


def decide(judged: Judged, problems: Sequence[str] = ()) -> Verdict:
    """The verdict on rules and their estimates; no rules at all is FAIL, and so is anything that stopped the judging."""
    rules = tuple(
        _judge(rule, estimate)
        for rule, estimates in judged
        for estimate in estimates or [_nothing(rule)]
    )
    outcome: Outcome = "FAIL" if problems else _together([rule.outcome for rule in rules])
    return Verdict(outcome, rules, tuple(problems))


def definition(config: ModelConfig) -> dict[str, Any]:
    """All that decides between PASS and FAIL and is not data: rules, slices, prices, the way of comparing."""
    return {
        "rules": [rule.model_dump(mode="json", exclude_defaults=True) for rule in config.gate],
        "comparison": config.comparison.model_dump(mode="json"),
        "slices": {
            name: {column: cut if cut == "values" else list(cut) for column, cut in parts.items()}
            for name, parts in config.slices.items()
        },
        "threshold": config.threshold.model_dump(mode="json", exclude_none=True)
        if config.threshold
        else None,
    }


def digest(config: ModelConfig) -> str:
    """sha256 of the definition's canonical JSON: the same gate has the same digest."""
    return hashlib.sha256(rfc8785.dumps(definition(config))).hexdigest()


def _judge(rule: Rule, estimate: Estimate) -> RuleVerdict:
    outcome, why = _outcome(rule, estimate)
    numbers = _in_words(rule, estimate)
    said = (
        f"{numbers} ({why})"
        if numbers and why
        else numbers or f"{rule.metric}{_where(estimate)} {why}"
    )
    return RuleVerdict(str(rule), rule.metric, outcome, f"{said}: {outcome}", estimate)


def _outcome(rule: Rule, estimate: Estimate) -> tuple[Outcome, str]:
    """The outcome, and why where the bounds do not say it."""
    if estimate.problem:
        return "FAIL", estimate.problem
    if estimate.rows < rule.min_rows:
        return "INCONCLUSIVE", f"has {estimate.rows:,} rows, at least {rule.min_rows:,} asked"
    if (estimate.positives or 0) < rule.min_positives:
        return (
            "INCONCLUSIVE",
            f"has {estimate.positives or 0:,} positives, at least {rule.min_positives:,} asked",
        )
    if estimate.doubt:
        return "INCONCLUSIVE", estimate.doubt
    low, high = estimate.low, estimate.high
    if low is None or high is None or not _is_known(estimate):
        return "FAIL", f"is missing, {_asked(rule)} asked"
    if low > 0 or (low == 0 and not rule.better_than):
        return "PASS", ""
    return ("FAIL", "") if high < 0 else ("INCONCLUSIVE", "")


def _is_known(estimate: Estimate) -> bool:
    numbers = (estimate.candidate, estimate.spare, estimate.low, estimate.high)
    return all(value is not None and math.isfinite(value) for value in numbers)


def _where(estimate: Estimate) -> str:
    return f" on {estimate.part}" if estimate.part else ""


def _in_words(rule: Rule, estimate: Estimate) -> str:
    """The numbers: the metric, what it is held against, what is sure of it, what it needs; empty where there are none."""
    where = _where(estimate)
    if not _is_known(estimate):
        return ""
    assert estimate.candidate is not None
    assert estimate.spare is not None
    assert estimate.low is not None
    assert estimate.high is not None
    failed, sure = estimate.high < 0, f"with {100 * estimate.confidence:.3g} %"
    if rule.against is None:
        least = rule.at_least is not None
        bound = (rule.at_least if least else rule.at_most) or 0.0
        surely = bound + (1 if least else -1) * (estimate.high if failed else estimate.low)
        value, shown = _apart(bound, estimate.candidate, surely)
        known = (
            f", {'at least' if least != failed else 'at most'} {shown} {sure}"
            if estimate.low < estimate.high
            else ""
        )
        return f"{rule.metric}{where} {value}{known}, {_asked(rule)} asked"
    needed = estimate.margin if rule.better_than else -estimate.margin
    difference, surely = (
        spare + needed for spare in (estimate.spare, estimate.high if failed else estimate.low)
    )
    return (
        f"{rule.metric}{where} {estimate.candidate:.4g} against {estimate.other:.4g} of the {rule.against}: better by {difference:+.3g}, "
        f"by at {'most' if failed else 'least'} {surely:+.3g} {sure}, needs more than {needed:+.3g}"
    )


def _asked(rule: Rule) -> str:
    return str(rule).removeprefix(f"{rule.metric} ")


def _apart(bound: float, *values: float) -> list[str]:
    """Values with three decimals, or as many more as it takes to be seen beside the rule's number: 0.4996 is not 0.500."""
    return [
        next(
            f"{value:.{d}f}"
            for d in range(3, 18)
            if d == 17 or value == bound or f"{value:.{d}f}" != f"{bound:.{d}f}"
        )
        for value in values
    ]


def _nothing(rule: Rule) -> Estimate:
    return Estimate(problem=f"is missing, {_asked(rule)} asked")


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    if not outcomes or "FAIL" in outcomes:
        return "FAIL"
    return "PASS" if set(outcomes) == {"PASS"} else "INCONCLUSIVE"
