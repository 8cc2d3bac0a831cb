"""The gate decides alike for everyone, and never in favour of what is not known."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.comparison import Comparison
from configs.gate import Rule, gate_problems
from configs.model import ModelConfig
from configs.threshold import Threshold
from tasks.records import Estimate, NotEstimated
from tasks.verdict import gate, rule_wording
from tests.contests import config_of

NAMES = ("average_precision", "roc_auc", "log_loss", "brier_score")

numbers = st.floats(-1e6, 1e6, allow_nan=False)
not_finite = st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(["at_least", "at_most", "better_than", "not_worse_than"]))
    value = draw(numbers)
    if kind.endswith("_than"):
        value = draw(st.sampled_from(["champion", "reference"]))
    by = {"by": draw(st.floats(0.001, 1) | st.just("20 %"))} if kind == "not_worse_than" else {}
    return Rule(metric=draw(st.sampled_from(NAMES)), **{kind: value}, **by)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """Bounds on both sides of the estimate, or at it."""
    spare, below, above = draw(numbers), draw(st.floats(0, 1e3)), draw(st.floats(0, 1e3))
    return Estimate(
        rows=draw(st.integers(100, 1000)),
        positives=draw(st.integers(30, 1000)),
        units=100,
        candidate=draw(numbers),
        other=draw(numbers),
        margin=draw(st.floats(0, 1)),
        spare=spare,
        low=spare - below,
        high=spare + above,
    )


estimated = st.lists(
    st.tuples(rules(), st.lists(estimates(), min_size=1, max_size=3)), min_size=1, max_size=5
)


@given(asked=estimated, data=st.data(), gain=st.floats(0, 1e6))
def test_a_better_metric_never_turns_pass_into_anything_else(
    asked: list[Any], data: st.DataObject, gain: float
) -> None:
    place = data.draw(st.integers(0, len(asked) - 1))
    rule, (first, *rest) = asked[place]
    better = replace(first, spare=first.spare + gain, low=first.low + gain, high=first.high + gain)
    improved = [*asked[:place], (rule, [better, *rest]), *asked[place + 1 :]]
    order = ("FAIL", "INCONCLUSIVE", "PASS")
    before, after = gate.decide(asked), gate.decide(improved)
    assert order.index(after.rules[0].outcome) >= order.index(before.rules[0].outcome)
    assert not before.passed or after.passed


@given(asked=estimated)
def test_pass_is_a_bound_past_the_rule_fail_the_other_bound_short_of_it_and_all_must_pass(
    asked: list[Any],
) -> None:
    verdict = gate.decide(asked)
    expected = []
    for rule, estimates_of_rule in asked:
        for estimate in estimates_of_rule:
            is_past = estimate.low > 0 or (estimate.low == 0 and rule.better_than is None)
            is_short = estimate.high < 0
            expected.append("PASS" if is_past else "FAIL" if is_short else "INCONCLUSIVE")
    assert [rule.outcome for rule in verdict.rules] == expected
    all_pass = "PASS" if set(expected) == {"PASS"} else "INCONCLUSIVE"
    assert verdict.outcome == ("FAIL" if "FAIL" in expected else all_pass)


@given(asked=estimated, data=st.data())
def test_the_order_of_rules_does_not_change_the_outcome(
    asked: list[Any], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(asked))
    assert gate.decide(shuffled).outcome == gate.decide(asked).outcome
    assert set(gate.decide(shuffled).rules) == set(gate.decide(asked).rules)


@given(asked=estimated, data=st.data(), unknown=not_finite)
def test_what_is_missing_or_not_a_finite_number_is_never_pass(
    asked: list[Any], data: st.DataObject, unknown: float
) -> None:
    place = data.draw(st.integers(0, len(asked) - 1))
    rule, (first, *rest) = asked[place]
    field = data.draw(st.sampled_from(["candidate", "spare", "low", "high"]))
    unknown_first = [replace(first, **{field: unknown}), *rest]
    for estimates_of_rule in ([], unknown_first):
        verdict = gate.decide([*asked[:place], (rule, estimates_of_rule), *asked[place + 1 :]])
        assert verdict.outcome == "FAIL"
        sentences = [rule_wording.sentence(rule) for rule in verdict.deciding]
        assert any("is missing" in sentence for sentence in sentences)


@given(asked=estimated)
def test_what_prevented_the_comparison_is_fail_whatever_the_rules_say(asked: list[Any]) -> None:
    verdict = gate.decide(asked, ["champion 3 cannot be compared"])
    assert verdict.outcome == "FAIL"
    assert verdict.problems == ("champion 3 cannot be compared",)


def test_a_gate_without_rules_is_fail() -> None:
    assert gate.decide([]).outcome == "FAIL"


CERTAIN = Estimate(
    part="night", rows=100, positives=40, units=100, candidate=0.6, spare=0.1, low=0.05, high=0.15
)
ONE_CLASS = NotEstimated("has rows of one class only", part="night", rows=100, positives=40)
UNSCORED = NotEstimated("cannot be scored", fatal=True)

TOO_LITTLE: list[tuple[dict[str, Any], Estimate | NotEstimated, str, str]] = [
    (
        {"min_rows": 101},
        CERTAIN,
        "INCONCLUSIVE",
        "average_precision (night) 0.6 (95% lower bound 0.55, needs >= 0.5, has 100 rows but "
        "needs 101): INCONCLUSIVE",
    ),
    (
        {"min_positives": 41},
        CERTAIN,
        "INCONCLUSIVE",
        "average_precision (night) 0.6 (95% lower bound 0.55, needs >= 0.5, has 40 positives but "
        "needs 41): INCONCLUSIVE",
    ),
    (
        {},
        ONE_CLASS,
        "INCONCLUSIVE",
        "average_precision at least 0.5: night has rows of one class only: INCONCLUSIVE",
    ),
    (
        {},
        UNSCORED,
        "FAIL",
        "average_precision at least 0.5: the metric cannot be scored: FAIL",
    ),
    (
        {"min_rows": 100, "min_positives": 40},
        CERTAIN,
        "PASS",
        "average_precision (night) 0.6 (95% lower bound 0.55, needs >= 0.5): PASS",
    ),
]


@pytest.mark.parametrize(("minimum", "estimate", "outcome", "sentence"), TOO_LITTLE)
def test_too_little_data_is_inconclusive_and_damage_is_fail(
    minimum: dict[str, Any], estimate: Estimate | NotEstimated, outcome: str, sentence: str
) -> None:
    rule = Rule(metric="average_precision", at_least=0.5, **minimum)
    verdict = gate.decide([(rule, [estimate])])
    assert verdict.outcome == outcome
    assert rule_wording.sentence(verdict.rules[0]) == sentence


def test_no_difference_at_all_passes_a_margin_and_is_never_better() -> None:
    same = Estimate(rows=900, candidate=0.6, other=0.6, spare=0.0, low=0.0, high=0.0, units=9)
    better = Rule(metric="roc_auc", better_than="champion")
    assert gate.decide([(better, [same])]).outcome == "INCONCLUSIVE"
    spared = replace(same, spare=0.03, low=0.03, high=0.03, margin=0.03)
    not_worse = Rule(metric="roc_auc", not_worse_than="champion", by=0.03)
    assert gate.decide([(not_worse, [spared])]).passed


def configured(*rules_of: Rule, **comparison: Any) -> ModelConfig:
    return ModelConfig.model_construct(
        gate=rules_of, comparison=Comparison(**comparison), slices={}, threshold=None
    )


def digest(*rules_of: Rule, **comparison: Any) -> str:
    return gate.definition(configured(*rules_of, **comparison)).digest


@given(
    one=st.lists(rules(), min_size=1, max_size=3), other=st.lists(rules(), min_size=1, max_size=3)
)
def test_the_digest_changes_if_and_only_if_the_rules_change(
    one: list[Rule], other: list[Rule]
) -> None:
    assert digest(*one) == digest(*(rule.model_copy() for rule in one))
    assert (digest(*one) == digest(*other)) == (one == other)


def test_the_digest_notices_the_smallest_change_and_no_other_spelling() -> None:
    rule = Rule(metric="roc_auc", at_least=1)
    assert digest(rule) == digest(Rule(metric="roc_auc", at_least=1.0))
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
    assert len({gate.definition(config).digest for config in (configured(rule), *others)}) == 10


def test_the_digest_of_a_gate_is_the_same_in_every_release_with_the_same_defaults() -> None:
    """A pending request compares it with the one in its evidence, across releases.

    It is no longer that of the first ledgers: rules ask for 100 rows and 30 positives by default.
    """
    rule = Rule(metric="average_precision", not_worse_than="champion", by=0.05)
    assert digest(rule) == "99962837f46c0bcffe9fbea462842fc9657bf823b346ab2f5721c0d1041399d8"


def sentence_of(rule: Rule, estimate: Estimate) -> str:
    return rule_wording.sentence(gate.decide([(rule, [estimate])]).rules[0])


def test_a_value_just_beside_its_limit_is_never_shown_as_the_limit() -> None:
    rule = Rule(metric="roc_auc", at_least=0.5)
    near = Estimate(rows=900, candidate=0.4999961, spare=-3.9e-6, low=-3.9e-6, high=-3.9e-6)
    assert sentence_of(rule, near) == "roc_auc 0.499996 (needs >= 0.5): FAIL"
    at = Estimate(rows=900, candidate=0.5, spare=0.0, low=0.0, high=0.0)
    assert sentence_of(rule, at) == "roc_auc 0.5 (needs >= 0.5): PASS"


@given(limit=st.floats(1e-6, 1e7), distance=st.floats(-1e-3, 1e-3))
def test_a_shown_value_stands_on_the_side_of_its_limit_on_which_it_is(
    limit: float, distance: float
) -> None:
    value = limit * (1 + distance)
    shown = float(rule_wording.number(value, beside=limit).replace(",", ""))
    assert np.sign(shown - limit) == np.sign(value - limit)


SENTENCES = [
    (
        Rule(metric="log_loss", at_most=0.2),
        Estimate(rows=900, candidate=0.25, spare=-0.05, low=-0.08, high=-0.02),
        "log_loss 0.25 (95% lower bound 0.22, needs <= 0.2): FAIL",
    ),
    (
        Rule(metric="log_loss", at_most=0.2),
        Estimate(rows=900, candidate=0.15, spare=0.05, low=0.02, high=0.08),
        "log_loss 0.15 (95% upper bound 0.18, needs <= 0.2): PASS",
    ),
    (
        Rule(metric="roc_auc", not_worse_than="champion", by=0.03),
        Estimate(
            rows=900, candidate=0.658, other=0.641, margin=0.03, spare=0.047, low=0.036, high=0.06
        ),
        "roc_auc 0.658 vs 0.641: +0.017 (95% lower bound +0.006, needs > -0.03): PASS",
    ),
    (
        Rule(metric="roc_auc", better_than="reference", by=0.01),
        Estimate(
            rows=900, candidate=0.64, other=0.66, margin=0.01, spare=-0.03, low=-0.04, high=-0.015
        ),
        "roc_auc 0.64 vs the reference's 0.66: -0.02 (95% upper bound -0.005, needs > +0.01): FAIL",
    ),
    (
        Rule(metric="cost", not_worse_than="champion", by="10 %"),
        Estimate(
            part="night = 1",
            rows=900,
            candidate=412,
            other=431,
            greater_is_better=False,
            margin=43.1,
            spare=62.1,
            low=40.1,
            high=80,
        ),
        "cost (night = 1) 412 vs 431: -19 (95% upper bound +3, needs < +43.1): PASS",
    ),
]


@pytest.mark.parametrize(("rule", "estimate", "sentence"), SENTENCES)
def test_a_rule_says_what_was_measured_its_bound_and_what_it_needs(
    rule: Rule, estimate: Estimate, sentence: str
) -> None:
    assert sentence_of(rule, estimate) == sentence


def test_a_line_of_the_table_is_in_the_metrics_own_sign_and_says_which_way_is_better() -> None:
    rule, estimate, _ = SENTENCES[-1]
    verdict = gate.decide([(rule.model_copy(update={"slice": "night"}), [estimate])]).rules[0]
    assert rule_wording.row(verdict).cells == [
        "cost (lower is better) vs champion, night: night = 1",
        "412",
        "431",
        "-19",
        "+3",
        "< +43.1",
        "PASS",
    ]


@pytest.mark.parametrize(("rows", "positives"), [(99, 40), (200, 29)])
def test_by_default_a_rule_asks_for_a_hundred_rows_and_thirty_positives(
    rows: int, positives: int
) -> None:
    rule = Rule(metric="average_precision", at_least=0.5)
    few = replace(CERTAIN, rows=rows, positives=positives)
    assert gate.decide([(rule, [few])]).outcome == "INCONCLUSIVE"
    # numbers and classes have no positives to count
    assert gate.decide([(rule, [replace(CERTAIN, positives=None)])]).passed


@pytest.mark.parametrize("metric", ["max_error", "expected_calibration_error"])
def test_a_metric_without_a_bound_for_differences_has_limits_only(metric: str) -> None:
    kind = "regression" if metric == "max_error" else "binary"
    sections = {"kind": kind, "columns": {"y": "float64"}} if kind == "regression" else {}
    limited = config_of({"metric": metric, "at_most": 0.5}, **sections)
    assert list(gate_problems(limited)) == []
    compared = config_of({"metric": metric, "better_than": "champion"}, **sections)
    (problem,) = gate_problems(compared)
    remedy = "set a limit" if metric == "max_error" else "compare brier_score"
    assert remedy in problem.sentence
