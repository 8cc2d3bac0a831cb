"""One rule of the gate as people read it: as a line of a table, and as a sentence.

Differences and bounds are shown in the metric's own sign: where lower is better, a better candidate
has a negative difference, and the upper bound decides a PASS.
Not here: the gate as a whole and the rest of the evidence (wording.py).
"""

from dataclasses import dataclass

import numpy as np

from configs.gate import Rule
from tasks.records import Estimate, NotEstimated, Outcome, RuleVerdict

COLUMNS = ("rule", "candidate", "champion", "difference", "bound", "needs", "verdict")
# the format of a number that a person wrote
EXACT = ".15g"


@dataclass(frozen=True)
class RuleRow:
    """A rule's line in a table, each cell as text."""

    rule: str
    candidate: str
    champion: str
    difference: str
    bound: str
    needs: str
    verdict: Outcome

    @property
    def cells(self) -> list[str]:
        return [getattr(self, column) for column in COLUMNS]


@dataclass(frozen=True)
class Bound:
    """The bound that decides a rule: of the metric, or of the difference, in the metric's sign."""

    value: float
    is_lower: bool
    confidence: float

    def __str__(self) -> str:
        side = "lower" if self.is_lower else "upper"
        return f"{percent(self.confidence)} {side} bound"


def row(verdict: RuleVerdict) -> RuleRow:
    rule, estimate, limit = verdict.rule, verdict.estimate, _limit_of(verdict.rule)
    difference, bound = "", ""
    if isinstance(estimate, Estimate) and estimate.is_finite:
        difference = "" if estimate.other is None else signed_difference(estimate)
        deciding = deciding_bound(rule, estimate, verdict.outcome)
        bound = _bound_value(rule, deciding) if deciding else ""
    return RuleRow(
        rule=_label(rule, estimate),
        candidate=number(estimate.candidate, beside=limit) or "missing",
        champion=number(estimate.other),
        difference=difference,
        bound=bound,
        needs=_needs(rule, estimate),
        verdict=verdict.outcome,
    )


def sentence(verdict: RuleVerdict) -> str:
    """The rule with its numbers and its outcome, without a full stop."""
    rule, estimate = verdict.rule, verdict.estimate
    part = f" ({estimate.part})" if estimate.part else ""
    shortage = _shortage(rule, estimate) if verdict.outcome == "INCONCLUSIVE" else ""
    if isinstance(estimate, NotEstimated):
        subject = estimate.part or ("the metric" if estimate.fatal else "the holdout")
        return f"{rule}: {subject} {shortage or estimate.reason}: {verdict.outcome}"
    if not estimate.is_finite:
        return f"{rule}: the metric is missing{part}: {verdict.outcome}"

    numbers = number(estimate.candidate, beside=_limit_of(rule))
    if estimate.other is not None:
        owner = "" if rule.against == "champion" else f"the {rule.against}'s "
        numbers += f" vs {owner}{number(estimate.other)}: {signed_difference(estimate)}"
    remarks = [f"needs {_needs(rule, estimate)}"]
    if bound := deciding_bound(rule, estimate, verdict.outcome):
        remarks.insert(0, f"{bound} {_bound_value(rule, bound)}")
    if shortage:
        remarks.append(shortage)
    return f"{rule.metric}{part} {numbers} ({', '.join(remarks)}): {verdict.outcome}"


def deciding_bound(rule: Rule, estimate: Estimate, outcome: Outcome) -> Bound | None:
    """The bound on the worse side, or for a FAIL the one on the better side; None if certain."""
    if estimate.low == estimate.high:
        return None
    failed = outcome == "FAIL"
    spare = estimate.high if failed else estimate.low
    confidence = estimate.upper_confidence if failed else estimate.confidence
    if rule.at_least is not None:
        return Bound(rule.at_least + spare, not failed, confidence)
    if rule.at_most is not None:
        return Bound(rule.at_most - spare, failed, confidence)
    value = own_sign(estimate, spare + _needed(rule, estimate))
    return Bound(value, estimate.greater_is_better != failed, confidence)


def interval_with_need(rule: Rule, estimate: Estimate) -> str:
    """The bounds and the value between them that the rule needs, `[-0.06, +0.11] contains 0`.

    Empty where both bounds are the estimate itself.
    """
    outcomes: tuple[Outcome, ...] = ("PASS", "FAIL")
    bounds = [deciding_bound(rule, estimate, outcome) for outcome in outcomes]
    low_and_high = sorted((bound for bound in bounds if bound), key=lambda bound: bound.value)
    if not low_and_high:
        return ""
    interval = ", ".join(_bound_value(rule, bound) for bound in low_and_high)
    limit = _limit_of(rule)
    needed = own_sign(estimate, _needed(rule, estimate))
    value = f"{needed:+.3g}" if limit is None and needed else f"{limit or 0:{EXACT}}"
    return f"[{interval}] contains {value}"


def own_sign(estimate: Estimate, better_up: float) -> float:
    """A difference whose better side is up, in the metric's own sign."""
    return better_up if estimate.greater_is_better else -better_up


def signed_difference(estimate: Estimate) -> str:
    """Candidate minus the other version."""
    return f"{estimate.candidate - (estimate.other or 0.0):+.3g}"


def interval(estimate: Estimate) -> str:
    """The interval of a difference to another version, without margin."""
    low, high = sorted(own_sign(estimate, bound) for bound in (estimate.low, estimate.high))
    return f"[{low:+.3g}, {high:+.3g}]"


def directed(metric: str, estimate: Estimate | NotEstimated) -> str:
    """The metric's name, and that lower is better where it is."""
    lower_is_better = isinstance(estimate, Estimate) and not estimate.greater_is_better
    return f"{metric} (lower is better)" if lower_is_better else metric


def as_sentence(text: str) -> str:
    """The text with a full stop, and a capital unless it begins with a name such as roc_auc."""
    first, _, rest = text.partition(" ")
    first = first if "_" in first else first[:1].upper() + first[1:]
    return f"{first} {rest}."


def percent(confidence: float) -> str:
    return f"{100 * confidence:.5g}%"


def number(value: float | None, beside: float | None = None) -> str:
    """A figure with four digits, or as many more as keep it on its side of another number.

    0.49996 beside 0.5 is not 0.5; from 1,000 up there are no decimals; None is an empty text.
    """
    if value is None:
        return ""
    texts = [f"{value:.{digits}g}" for digits in range(4, 18)]
    if abs(value) >= 1000:
        texts = [f"{value:,.{decimals}f}" for decimals in range(14)]
    if beside is None:
        return texts[0]
    side = np.sign(value - beside)
    return next(
        (text for text in texts if np.sign(float(text.replace(",", "")) - beside) == side),
        texts[-1],
    )


def _label(rule: Rule, estimate: Estimate | NotEstimated) -> str:
    part = f", {rule.slice}: {estimate.part}" if estimate.part else ""
    if rule.against is None:
        return f"{rule.metric} {_needs(rule, estimate)}{part}"
    return f"{directed(rule.metric, estimate)} vs {rule.against}{part}"


def _needs(rule: Rule, estimate: Estimate | NotEstimated) -> str:
    """The condition that the bound must meet, such as `>= 0.4` or `> -0.05`."""
    if rule.at_least is not None:
        return f">= {rule.at_least:{EXACT}}"
    if rule.at_most is not None:
        return f"<= {rule.at_most:{EXACT}}"
    if isinstance(estimate, NotEstimated):
        return ""
    needed = own_sign(estimate, _needed(rule, estimate))
    sign = ">" if estimate.greater_is_better else "<"
    return f"{sign} {needed:+.3g}" if needed else f"{sign} 0"


def _needed(rule: Rule, estimate: Estimate) -> float:
    """The difference, better side up, that the bound must exceed."""
    return estimate.margin if rule.better_than else -estimate.margin


def _bound_value(rule: Rule, bound: Bound) -> str:
    return f"{bound.value:+.3g}" if rule.against else number(bound.value, beside=_limit_of(rule))


def _limit_of(rule: Rule) -> float | None:
    """The number that an absolute rule holds the metric to; None for a relative rule."""
    return rule.at_least if rule.at_least is not None else rule.at_most


def _shortage(rule: Rule, estimate: Estimate | NotEstimated) -> str:
    """Which minimum of the rule the rows do not reach; empty where they reach all, or are none."""
    positives = estimate.positives
    if 0 < estimate.rows < rule.min_rows:
        return f"has {estimate.rows:,} rows but needs {rule.min_rows:,}"
    if estimate.rows and positives is not None and positives < rule.min_positives:
        return f"has {positives:,} positives but needs {rule.min_positives:,}"
    return ""
