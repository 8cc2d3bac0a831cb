"""The levels of a verdict: looks use alpha spending; where doubt asks a person, rules share one."""

import math
from itertools import accumulate

import pytest

from tasks.comparison.bounds import Levels
from tasks.verdict.judgement import levels
from tests.contests import config_of

RULE = {"metric": "roc_auc", "at_least": 0.5}
BY_TIME = {
    "split": {"by": "time", "train_days": 7, "delay_days": 0, "holdout_days": 7},
    "data": {
        "source": {"kind": "files", "path": "/x.parquet"},
        "columns": {"y": "int64", "at": "datetime"},
        "time": "at",
        "target": "y",
        "features": ["x"],
    },
}


def test_all_looks_together_spend_no_more_than_the_level() -> None:
    config = config_of(RULE)
    spent = list(accumulate(levels(config, look).lower for look in range(1, 2000)))
    assert spent[0] == pytest.approx(0.05 * 6 / math.pi**2)
    assert 0.0499 < spent[-1] < 0.05


@pytest.mark.parametrize(("spend", "same"), [(None, True), (False, True), (True, False)])
def test_a_holdout_that_renews_with_time_spends_nothing_unless_it_is_told_to(
    spend: bool | None, same: bool
) -> None:
    config = config_of(RULE, **BY_TIME, comparison={"spend": spend})
    assert (levels(config, 5).lower == levels(config, 1).lower == pytest.approx(0.05)) == same


def test_where_doubt_asks_a_person_each_rule_fails_at_its_share_of_the_level() -> None:
    rules = (
        RULE,
        RULE | {"metric": "average_precision"},
        RULE | {"metric": "log_loss"},
        RULE | {"metric": "accuracy"},
    )
    asking, refusing = (
        config_of(*rules, comparison={"inconclusive": said, "spend": False})
        for said in ("ask", "refuse")
    )
    assert levels(asking, 1) == Levels(pytest.approx(0.05), pytest.approx(0.05 / 4))
    assert levels(refusing, 1) == Levels(pytest.approx(0.05), pytest.approx(0.05))
