"""The gate decides alike for everyone, and never in favour of what is not known."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.judging import Comparison, Rule, Threshold
from configs.model import ModelConfig
from tasks.records import Estimate
from tasks.verdict import gate

NAMES = ("average_precision", "roc_auc", "log_loss", "brier_score")

numbers = st.floats(-1e6, 1e6, allow_nan=False)
no_numbers = st.sampled_from([math.nan, math.inf, -math.inf, None])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(["at_least", "at_most", "better_than", "not_worse_than"]))
    value = (
        draw(st.sampled_from(["champion", "reference"]))
        if kind.endswith("_than")
        else draw(numbers)
    )
    by = {"by": draw(st.floats(0.001, 1) | st.just("20 %"))} if kind == "not_worse_than" else {}
    return Rule(metric=draw(st.sampled_from(NAMES)), **{kind: value}, **by)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """Bounds on both sides of what is spared, or at it."""
    spare, below, above = draw(numbers), draw(st.floats(0, 1e3)), draw(st.floats(0, 1e3))
    return Estimate(
        rows=draw(st.integers(1, 1000)), positives=draw(st.integers(0, 1000)), units=100, candidate=draw(numbers), other=draw(numbers),
        margin=draw(st.floats(0, 1)), spare=spare, low=spare - below, high=spare + above,
    )  # fmt: skip


judged = st.lists(
    st.tuples(rules(), st.lists(estimates(), min_size=1, max_size=3)), min_size=1, max_size=5
)


@given(asked=judged, data=st.data(), gain=st.floats(0, 1e6))
def test_a_better_metric_never_turns_pass_into_anything_else(
    asked: list[Any], data: st.DataObject, gain: float
) -> None:
    place = data.draw(st.integers(0, len(asked) - 1))
    rule, (first, *rest) = asked[place]
    assert first.spare is not None
    assert first.low is not None
    assert first.high is not None
    better = replace(first, spare=first.spare + gain, low=first.low + gain, high=first.high + gain)
    improved = [*asked[:place], (rule, [better, *rest]), *asked[place + 1 :]]
    order = ("FAIL", "INCONCLUSIVE", "PASS")
    before, after = gate.decide(asked), gate.decide(improved)
    assert order.index(after.rules[0].outcome) >= order.index(before.rules[0].outcome)
    assert not before.passed or after.passed


@given(asked=judged)
def test_pass_is_a_bound_past_the_rule_fail_the_other_bound_short_of_it_and_all_must_pass(
    asked: list[Any],
) -> None:
    verdict = gate.decide(asked)
    expected = []
    for rule, found in asked:
        for each in found:
            past = each.low > 0 or (each.low == 0 and rule.better_than is None)
            expected.append("PASS" if past else "FAIL" if each.high < 0 else "INCONCLUSIVE")
    assert [rule.outcome for rule in verdict.rules] == expected
    together = (
        "FAIL" if "FAIL" in expected else "PASS" if set(expected) == {"PASS"} else "INCONCLUSIVE"
    )
    assert verdict.outcome == together


@given(asked=judged, data=st.data())
def test_the_order_of_rules_does_not_change_the_outcome(
    asked: list[Any], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(asked))
    assert gate.decide(shuffled).outcome == gate.decide(asked).outcome
    assert set(gate.decide(shuffled).rules) == set(gate.decide(asked).rules)


@given(asked=judged, data=st.data(), unknown=no_numbers)
def test_what_is_missing_or_no_finite_number_is_never_pass(
    asked: list[Any], data: st.DataObject, unknown: float | None
) -> None:
    place = data.draw(st.integers(0, len(asked) - 1))
    rule, found = asked[place]
    gone = replace(
        found[0], **{data.draw(st.sampled_from(["candidate", "spare", "low", "high"])): unknown}
    )
    for missing in ([], [gone, *found[1:]]):
        verdict = gate.decide([*asked[:place], (rule, missing), *asked[place + 1 :]])
        assert verdict.outcome == "FAIL"
        assert any(
            "is missing" in each.sentence for each in verdict.rules if each.outcome == "FAIL"
        )


@given(asked=judged)
def test_what_stopped_the_judging_is_fail_whatever_the_rules_say(asked: list[Any]) -> None:
    verdict = gate.decide(asked, ["champion 3 cannot be compared"])
    assert verdict.outcome == "FAIL"
    assert str(verdict).startswith("champion 3 cannot be compared")


def test_a_gate_without_rules_is_fail() -> None:
    assert gate.decide([]).outcome == "FAIL"


CERTAIN = Estimate(rows=100, positives=40, units=100, candidate=0.6, spare=0.1, low=0.05, high=0.15)


@pytest.mark.parametrize(
    ("rule", "changes", "outcome", "said"),
    [
        ({"min_rows": 101}, {}, "INCONCLUSIVE", "0.5 asked (has 100 rows, at least 101 asked): INCONCLUSIVE"),
        ({"min_positives": 41}, {}, "INCONCLUSIVE", "(has 40 positives, at least 41 asked): INCONCLUSIVE"),
        ({}, {"doubt": "has rows of one class only", "spare": None}, "INCONCLUSIVE", "average_precision on night has rows of one class only: INCONCLUSIVE"),
        ({}, {"problem": "cannot be scored"}, "FAIL", "at least 0.5 asked (cannot be scored): FAIL"),
        ({"min_rows": 100, "min_positives": 40}, {}, "PASS", "average_precision on night 0.600, at least 0.550 with 95 %, at least 0.5 asked: PASS"),
    ],
)  # fmt: skip
def test_too_little_to_say_is_inconclusive_and_damage_is_fail(
    rule: dict[str, Any], changes: dict[str, Any], outcome: str, said: str
) -> None:
    estimate = replace(CERTAIN, part="night" if "night" in said else "", **changes)
    verdict = gate.decide([(Rule(metric="average_precision", at_least=0.5, **rule), [estimate])])
    assert verdict.outcome == outcome
    assert said in str(verdict)


def test_no_difference_at_all_passes_a_margin_and_is_never_better() -> None:
    same = Estimate(rows=9, candidate=0.6, other=0.6, spare=0.0, low=0.0, high=0.0, units=9)
    assert (
        gate.decide([(Rule(metric="roc_auc", better_than="champion"), [same])]).outcome
        == "INCONCLUSIVE"
    )
    spared = replace(same, spare=0.03, low=0.03, high=0.03, margin=0.03)
    assert gate.decide(
        [(Rule(metric="roc_auc", not_worse_than="champion", by=0.03), [spared])]
    ).passed


def configured(*rules_of: Rule, **judging: Any) -> ModelConfig:
    return ModelConfig.model_construct(
        gate=rules_of, comparison=Comparison(**judging), slices={}, threshold=None
    )


@given(
    one=st.lists(rules(), min_size=1, max_size=3), other=st.lists(rules(), min_size=1, max_size=3)
)
def test_the_digest_changes_if_and_only_if_the_rules_change(
    one: list[Rule], other: list[Rule]
) -> None:
    assert gate.digest(configured(*one)) == gate.digest(
        configured(*(rule.model_copy() for rule in one))
    )
    assert (gate.digest(configured(*one)) == gate.digest(configured(*other))) == (one == other)


def test_the_digest_notices_the_smallest_change_and_no_other_spelling() -> None:
    rule = Rule(metric="roc_auc", at_least=1)
    assert gate.digest(configured(rule)) == gate.digest(
        configured(Rule(metric="roc_auc", at_least=1.0))
    )
    others = [
        configured(),
        configured(rule, rule),
        configured(Rule(metric="roc_auc", at_most=1)),
        configured(Rule(metric="f1", at_least=1)),
        configured(Rule(metric="roc_auc", at_least=math.nextafter(1, 0))),
        configured(rule, confidence=0.9),
        configured(rule, inconclusive="ask"),
        configured(rule).model_copy(update={"slices": {"night": {"hour": "values"}}}),
        configured(rule).model_copy(update={"threshold": Threshold(recall=0.8)}),
    ]
    assert len({gate.digest(these) for these in (configured(rule), *others)}) == 10


def test_a_value_just_beside_its_bound_is_never_shown_as_the_bound() -> None:
    rule = Rule(metric="roc_auc", at_least=0.5)
    near = Estimate(rows=9, candidate=0.49961, spare=-0.00039, low=-0.00039, high=-0.00039)
    assert str(gate.decide([(rule, [near])])) == "roc_auc 0.4996, at least 0.5 asked: FAIL"
    at = Estimate(rows=9, candidate=0.5, spare=0.0, low=0.0, high=0.0)
    assert "roc_auc 0.500, at least 0.5 asked: PASS" in str(gate.decide([(rule, [at])]))


SENTENCES = [
    (Rule(metric="log_loss", at_most=0.2), Estimate(rows=9, candidate=0.25, spare=-0.05, low=-0.08, high=-0.02),
     "log_loss 0.250, at least 0.220 with 95 %, at most 0.2 asked: FAIL"),
    (Rule(metric="log_loss", at_most=0.2), Estimate(rows=9, candidate=0.15, spare=0.05, low=0.02, high=0.08),
     "log_loss 0.150, at most 0.180 with 95 %, at most 0.2 asked: PASS"),
    (Rule(metric="roc_auc", not_worse_than="champion", by=0.03),
     Estimate(rows=9, candidate=0.658, other=0.641, margin=0.03, spare=0.047, low=0.036, high=0.06),
     "roc_auc 0.658 against 0.641 of the champion: better by +0.017, by at least +0.006 with 95 %, needs more than -0.03: PASS"),
    (Rule(metric="roc_auc", better_than="reference", by=0.01),
     Estimate(rows=9, candidate=0.64, other=0.66, margin=0.01, spare=-0.03, low=-0.04, high=-0.015),
     "roc_auc 0.64 against 0.66 of the reference: better by -0.02, by at most -0.005 with 95 %, needs more than +0.01: FAIL"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "estimate", "sentence"), SENTENCES)
def test_a_rule_says_what_was_found_what_is_sure_and_what_it_needs(
    rule: Rule, estimate: Estimate, sentence: str
) -> None:
    assert gate.decide([(rule, [estimate])]).rules[0].sentence == sentence
