"""A gate's power estimated from past comparisons is that of the non-inferiority test."""

from statistics import NormalDist

import pytest

from configs.gate import Rule
from tasks.verdict import power
from tests.documents import FIRST, RULES, evidence_of

# of RELATIVE, whose 95% lower bound lies .008 below its estimate
ERROR = 0.008 / 1.6449


def test_an_equally_good_model_passes_as_often_as_its_standard_error_lets_it() -> None:
    (of_rule,) = power.from_past(RULES, [evidence_of()])
    assert of_rule.rule == "average_precision not worse than champion by 0.03"
    assert of_rule.share == pytest.approx(NormalDist().cdf(0.03 / ERROR - 1.6449), abs=1e-3)
    assert of_rule.margin == pytest.approx((1.6449 + 0.8416) * ERROR, rel=1e-3)
    assert of_rule.holdout == pytest.approx((of_rule.margin / 0.03) ** 2)
    assert str(of_rule) == (
        "average_precision not worse than champion by 0.03: power 100%, the share of equally good "
        "models that pass"
    )


def test_a_margin_too_narrow_for_the_data_says_what_it_would_take() -> None:
    narrow = Rule(metric="average_precision", not_worse_than="champion", by=0.005)
    (of_rule,) = power.from_past([narrow], [evidence_of()])
    assert of_rule.share < power.TARGET
    assert str(of_rule).endswith("; 80% need a margin of 0.012, or a holdout 5.8 times as long")


def test_there_is_no_estimate_without_a_past_comparison() -> None:
    assert power.from_past(RULES, []) == []
    assert power.from_past(RULES, [evidence_of(FIRST)]) == []
