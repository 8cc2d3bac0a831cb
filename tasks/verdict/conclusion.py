"""The conclusion of a verdict in words: how much better, or why not and what would decide it.

Not here: the rest of the evidence (wording.py), one rule's numbers (rule_wording.py).
"""

import math
from datetime import timedelta

from configs.gate import Rule
from tasks.records import Estimate, RuleVerdict
from tasks.verdict import rule_wording
from tasks.verdict.evidence import Evidence, is_superior
from tasks.verdict.rule_wording import as_sentence, directed, number, signed_difference

ONE_DAY = timedelta(days=1)
# what nobody would wait for
MOST_TIMES_THE_DATA = 20


def conclusion(evidence: Evidence) -> str:
    """The verdict: how much better in the main metric, or why not and what would decide it."""
    verdict = evidence.verdict
    if verdict.problems:
        return as_sentence(verdict.problems[0])
    if not verdict.rules:
        return (
            "No rule could be judged: each compares with another version, and there is none yet. "
            "Add a rule with at_least or at_most to the gate."
        )
    if verdict.outcome != "PASS":
        sentence = as_sentence(rule_wording.sentence(verdict.deciding[0]))
        return f"{sentence}{_how_much_more_data(evidence, verdict.deciding[0])}"
    if isinstance(evidence.better, Estimate):
        return _comparison(evidence, evidence.better)
    return f"Every rule passes: {rule_wording.sentence(verdict.rules[0])}."


def _how_much_more_data(evidence: Evidence, verdict: RuleVerdict) -> str:
    """What an inconclusive estimate means, and how much more data would be enough; or empty."""
    rule, estimate = verdict.rule, verdict.estimate
    if verdict.outcome != "INCONCLUSIVE" or not isinstance(estimate, Estimate):
        return ""
    interval = rule_wording.interval_with_need(rule, estimate)
    if not interval or not rule.has_enough(estimate.rows, estimate.positives):
        return ""
    text = f" The interval {interval}: too little data to decide"
    if rule.compares_versions:
        # a rule with a margin holds by the margin where versions are equal
        margin = estimate.margin if rule.not_worse_than else -estimate.margin
        is_worse = estimate.high < margin
        text += ", but the candidate is worse" if is_worse else ", no evidence of harm"
    if estimate.spare <= 0:
        return f"{text}."
    # the distance of a bound falls with the square root of the number of rows
    times = ((estimate.spare - estimate.low) / estimate.spare) ** 2
    holdout = evidence.holdout
    if times > MOST_TIMES_THE_DATA:
        return f"{text}."
    more = f"{times:.1f} times as many rows"
    if holdout.start and holdout.end:
        days = (times - 1) * (holdout.end - holdout.start) / ONE_DAY
        more = "one more day of rows" if days <= 1 else f"{math.ceil(days)} more days of rows"
    return f"{text}. If the estimate holds, about {more} would be enough for this rule."


def _comparison(evidence: Evidence, better: Estimate) -> str:
    """How a candidate that passes compares with the champion in the main metric."""
    superiority = Rule(metric=evidence.main_metric, better_than="champion")
    bound = rule_wording.deciding_bound(superiority, better, "PASS")
    metric, difference = directed(evidence.main_metric, better), signed_difference(better)
    if bound is None and better.spare == 0:
        return f"On every row its {evidence.main_metric} equals the champion's."
    if bound is None:
        comparative = "Better" if better.spare > 0 else "Worse"
        return f"{comparative} in {metric}: {difference} ({better.method})."
    if is_superior(better):
        numbers = f"{difference} (one-sided {bound} {bound.value:+.3g})"
        return f"Significantly better in {metric}: {numbers}."
    claim = f"Every rule passes, but the candidate is not significantly better in {metric}"
    margin = _margin_to_champion(evidence)
    if margin and evidence.champion:
        claim = f"Non-inferior to champion {evidence.champion.version} (margin {number(margin)}); "
        claim += f"not significantly better in {metric}"
    return f"{claim}: {difference} ({bound} {bound.value:+.3g})."


def _margin_to_champion(evidence: Evidence) -> float | None:
    """The non-inferiority margin in the main metric on all rows; None without such a rule."""
    for verdict in evidence.verdict.rules:
        rule, estimate = verdict.rule, verdict.estimate
        is_main = rule.metric == evidence.main_metric and not rule.slice
        if is_main and rule.not_worse_than == "champion" and isinstance(estimate, Estimate):
            return estimate.margin
    return None
