"""A gate's power told from past comparisons is that of the test for non-inferiority."""

from statistics import NormalDist

import pytest

from configs.judging import Rule
from tasks.verdict import power
from tests.documents import BOTH, RULES, document_of

ERROR = 0.008 / 1.6449  # of RELATIVE: its bound lies .008 below, at 95 %


def test_an_equally_good_model_passes_as_often_as_its_error_lets_it() -> None:
    (found,) = power.foresee(RULES, [document_of(BOTH)])
    assert found.rule == "average_precision not worse than champion by 0.03"
    assert found.share == pytest.approx(NormalDist().cdf(0.03 / ERROR - 1.6449), abs=1e-3)
    assert found.margin == pytest.approx((1.6449 + 0.8416) * ERROR, rel=1e-3)
    assert found.holdout == pytest.approx((found.margin / 0.03) ** 2)
    assert (
        str(found)
        == "average_precision not worse than champion by 0.03: an equally good model passes 100 times in 100"
    )


def test_a_margin_too_narrow_for_the_data_says_what_it_would_take() -> None:
    narrow = Rule(metric="average_precision", not_worse_than="champion", by=0.005)
    (found,) = power.foresee([narrow], [document_of(BOTH)])
    assert found.share < power.WANTED
    assert str(found).endswith(
        "times in 100; for 80: a margin of 0.012 in the metric, or a holdout 5.8 times as long"
    )


def test_nothing_is_foretold_without_a_past_comparison() -> None:
    assert power.foresee(RULES, []) == []
    assert power.foresee(RULES, [document_of({"candidate": BOTH["candidate"]})]) == []
