"""The levels of a verdict: looks use alpha spending; where doubt asks a person, rules share one."""

import math
from dataclasses import replace
from itertools import accumulate
from typing import Any

import pytest

from configs.gate import Rule
from tasks.comparison.bounds import Levels
from tasks.records import Estimate
from tasks.verdict import gate, rule_wording
from tasks.verdict.absent_parts import with_absent_parts
from tasks.verdict.evidence import Evidence
from tasks.verdict.judgement import levels
from tests.contests import config_of
from tests.documents import evidence_of

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
    spent = list(accumulate(levels(config, look, 1).lower for look in range(1, 2000)))
    assert spent[0] == pytest.approx(0.05 * 6 / math.pi**2)
    assert 0.0499 < spent[-1] < 0.05


@pytest.mark.parametrize(("spend", "same"), [(None, True), (False, True), (True, False)])
def test_a_holdout_that_renews_with_time_spends_nothing_unless_it_is_told_to(
    spend: bool | None, same: bool
) -> None:
    config = config_of(RULE, **BY_TIME, comparison={"spend": spend})
    assert (levels(config, 5, 1).lower == levels(config, 1, 1).lower == pytest.approx(0.05)) == same


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
    assert levels(asking, 1, 4) == Levels(pytest.approx(0.05), pytest.approx(0.05 / 4))
    assert levels(refusing, 1, 4) == Levels(pytest.approx(0.05), pytest.approx(0.05))


NIGHT = {"night": {"hour": [7]}}
BY_NIGHT = Rule(metric="roc_auc", slice="night", at_least=0.5)


def champion_judged_on(*parts: str, **sections: Any) -> Evidence:
    estimates = [Estimate(part=part, rows=500, candidate=0.7, low=0.1, high=0.3) for part in parts]
    config = config_of(RULE, columns={"hour": "int64"}, **sections)
    verdict = gate.decide([(BY_NIGHT, estimates)])
    return replace(evidence_of(), gate=gate.definition(config), verdict=verdict)


@pytest.mark.parametrize(
    ("of_champion", "outcomes"),
    [
        (champion_judged_on("hour < 7", "hour >= 7", slices=NIGHT), ["PASS", "INCONCLUSIVE"]),
        # a part of rows without a value may go, and other bins are other parts
        (champion_judged_on("hour < 7", "hour is missing", slices=NIGHT), ["PASS"]),
        (champion_judged_on("hour < 6", slices={"night": {"hour": [6]}}), ["PASS"]),
        (None, ["PASS"]),
    ],
)
def test_a_part_that_the_champion_was_judged_on_and_that_is_gone_is_inconclusive(
    of_champion: Evidence | None, outcomes: list[str]
) -> None:
    config = config_of(RULE | {"slice": "night"}, columns={"hour": "int64"}, slices=NIGHT)
    now = Estimate(
        part="hour < 7", rows=500, positives=50, candidate=0.7, spare=0.2, low=0.1, high=0.3
    )
    estimates = with_absent_parts(config, [(BY_NIGHT, [now])], of_champion)
    verdict = gate.decide(estimates)
    assert [rule.outcome for rule in verdict.rules] == outcomes
    if "INCONCLUSIVE" in outcomes:
        assert rule_wording.sentence(verdict.deciding[0]) == (
            "roc_auc by slice night at least 0.5: hour >= 7 has no rows any more; "
            "the champion was judged on it: INCONCLUSIVE"
        )
