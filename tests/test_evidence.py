"""The evidence holds what a verdict rests on, is read as written, and notices changes."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import canonical_json
from configs.gate import Rule
from configs.model import ModelConfig
from tasks.records import Estimate, NotEstimated, RegisteredVersion, Role, RuleVerdict
from tasks.verdict import changes, evidence_json, gate, wording
from tasks.verdict.conclusion import conclusion
from tasks.verdict.evidence import changed_facts
from tests.documents import (
    BETTER,
    BOTH,
    CANDIDATE,
    CHAMPION,
    FIRST,
    RULES,
    configured,
    evidence_of,
)

# as it was written before evidence had a type
EARLY = json.loads(Path(__file__).with_name("evidence_of_an_early_demo.json").read_text())


def changes_since(
    versions: dict[Role, RegisteredVersion], now: dict[Role, RegisteredVersion], config: ModelConfig
) -> list[str]:
    return changed_facts(evidence_of(versions), now, gate.definition(config).digest)


@pytest.mark.parametrize("versions", [FIRST, BOTH], ids=["first", "beside a champion"])
def test_evidence_still_holds_while_nothing_changes(
    versions: dict[Role, RegisteredVersion],
) -> None:
    assert changes_since(versions, versions, configured()) == []


CHANGES: list[tuple[dict[Role, RegisteredVersion], ModelConfig, str]] = [
    (
        BOTH | {"champion": replace(CHAMPION, number=4)},
        configured(),
        "the champion changed from 2 to 4",
    ),
    (
        BOTH | {"reference": replace(CHAMPION, number=1)},
        configured(),
        "the reference changed from 2 to 1",
    ),
    (
        {"candidate": CANDIDATE, "reference": CHAMPION},
        configured(),
        "the champion changed from 2 to none",
    ),
    (
        BOTH | {"champion": replace(CHAMPION, sha256="d" * 64)},
        configured(),
        "the champion's recorded model hash changed",
    ),
    (
        BOTH | {"candidate": replace(CANDIDATE, sha256="b" * 64)},
        configured(),
        "the candidate's recorded model hash changed",
    ),
    (
        BOTH | {"candidate": replace(CANDIDATE, params={"holdout_sha256": "i"})},
        configured(),
        "the candidate's recorded holdout changed",
    ),
    (
        {"champion": CHAMPION, "reference": CHAMPION},
        configured(),
        "the candidate was deleted from the registry",
    ),
    (BOTH, configured(RULES[0]), "the gate changed"),
    (BOTH, configured(*RULES, confidence=0.9), "the gate changed"),
]


@pytest.mark.parametrize(
    ("versions", "config", "sentence"), CHANGES, ids=[change[2] for change in CHANGES]
)
def test_a_change_since_the_request_is_named_and_no_other(
    versions: dict[Role, RegisteredVersion], config: ModelConfig, sentence: str
) -> None:
    assert changes_since(BOTH, versions, config) == [sentence]


def test_all_changes_are_named_together() -> None:
    other: dict[Role, RegisteredVersion] = {"candidate": replace(CANDIDATE, sha256="b" * 64)}
    assert len(changes_since(BOTH, other, configured(RULES[0]))) == 4


def test_numbers_are_rounded_and_what_is_not_finite_is_null() -> None:
    metrics = {
        "holdout/a": 0.61234567891234,
        "holdout/b": float("nan"),
        "holdout/c": float("inf"),
    }
    written = evidence_json.write(replace(evidence_of(FIRST), metrics=metrics))
    # parse_constant is called for NaN and Infinity
    json.loads(canonical_json.write(written), parse_constant=pytest.fail)
    assert written["metrics"] == {"holdout/a": 0.612345679, "holdout/b": None, "holdout/c": None}


FIGURES = st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.9g}"))
ESTIMATES = st.builds(
    Estimate,
    part=st.text(max_size=5),
    rows=st.integers(0, 1000),
    positives=st.none() | st.integers(0, 1000),
    units=st.integers(0, 1000),
    candidate=FIGURES,
    other=st.none() | FIGURES,
    greater_is_better=st.booleans(),
    margin=FIGURES,
    spare=FIGURES,
    low=FIGURES,
    high=FIGURES,
    method=st.text(max_size=5),
) | st.builds(
    NotEstimated,
    reason=st.text(min_size=1, max_size=5),
    fatal=st.booleans(),
    part=st.text(max_size=5),
    candidate=st.none() | FIGURES,
)


@given(st.lists(ESTIMATES, max_size=3), st.sampled_from(RULES))
def test_what_is_written_is_read_again(estimates: list[Estimate], rule: Rule) -> None:
    verdicts = tuple(RuleVerdict(rule, "FAIL", estimate) for estimate in estimates)
    evidence = evidence_of()
    evidence = replace(
        evidence, slices=tuple(estimates), verdict=replace(evidence.verdict, rules=verdicts)
    )
    text = canonical_json.write(evidence_json.write(evidence))
    assert evidence_json.read(canonical_json.read(text)) == evidence


def test_an_early_document_is_read_as_what_it_says() -> None:
    evidence = evidence_json.read(EARLY)
    assert [str(verdict.rule) for verdict in evidence.verdict.rules] == [
        "average_precision at least 0.4",
        "average_precision not worse than champion by 0.05",
        "average_precision not worse than reference by 0.05",
        "cost by slice night not worse than champion by 50%",
        "cost by slice night not worse than champion by 50%",
    ]
    cost = evidence.verdict.rules[-1].estimate
    assert isinstance(cost, Estimate)
    assert (cost.greater_is_better, cost.part) == (False, "TX_DURING_NIGHT 1")
    assert evidence.holdout.rows == 59_595
    assert evidence.holdout.end == datetime(2026, 3, 2)
    assert not evidence.candidate.git_dirty
    assert wording.headline(evidence) == "fraud_detector 2 vs champion 1: PASS"


def test_an_early_document_keeps_every_key_when_it_is_written_again() -> None:
    again = evidence_json.write(evidence_json.read(EARLY))
    assert EARLY.keys() <= again.keys()
    assert {key for key in EARLY if EARLY[key] != again[key]} == {
        "better",
        "better_than_reference",
        "slices",
        "verdict",
    }
    # what is new in them: which way the metric is better, the confidence of the upper bound and
    # how well the variance is known, the rule as data instead of a sentence
    assert again["better"] == EARLY["better"] | {
        "greater_is_better": True,
        "upper_confidence": EARLY["better"]["confidence"],
        "degrees_of_freedom": None,
    }
    (before, after) = (document["verdict"]["rules"][0] for document in (EARLY, again))
    assert after.keys() ^ before.keys() == {"sentence", "definition"}


def test_the_verdict_comes_first_in_one_sentence() -> None:
    assert wording.headline(evidence_of()) == "tiny 3 vs champion 2: PASS"
    assert conclusion(evidence_of()) == (
        "Significantly better in average_precision: +0.012 (one-sided 95% lower bound +0.004)."
    )
    unsure = evidence_of(better=replace(BETTER, low=-0.002))
    assert conclusion(unsure) == (
        "Non-inferior to champion 2 (margin 0.03); not significantly better in average_precision: "
        "+0.012 (95% lower bound -0.002)."
    )
    same = evidence_of(better=replace(BETTER, candidate=0.6, spare=0.0, low=0.0, high=0.0))
    assert conclusion(same) == "On every row its average_precision equals the champion's."
    unsampled = replace(BETTER, spare=0.012, low=0.012, high=0.012, method="the value itself")
    assert conclusion(evidence_of(better=unsampled)) == (
        "Better in average_precision: +0.012 (the value itself)."
    )
    stopped = evidence_of(problems=("champion 2 cannot be compared: gone",))
    assert conclusion(stopped) == "Champion 2 cannot be compared: gone."


def test_a_baseline_that_candidate_or_champion_does_not_beat_is_a_doubt() -> None:
    evidence = evidence_of()
    better = evidence.better
    assert isinstance(better, Estimate)
    assert better.other is not None
    assert better.other < 0.61234567891234
    beaten, unbeaten_by_champion, unbeaten_by_both = (
        " ".join(wording.doubts(replace(evidence, baselines={"last_value": value})))
        for value in (0.005, 0.612, 0.7)
    )
    champion = "Champion 2 does not beat the baseline (last value): average_precision"
    candidate = "The candidate does not beat the baseline (last value): average_precision"
    assert (champion in beaten, candidate in beaten) == (False, False)
    assert (champion in unbeaten_by_champion, candidate in unbeaten_by_champion) == (True, False)
    assert (champion in unbeaten_by_both, candidate in unbeaten_by_both) == (True, True)


def test_a_first_version_is_said_to_have_no_champion() -> None:
    first = evidence_of(FIRST)
    assert wording.headline(first) == "tiny 3 with no champion yet: PASS"
    assert "No champion yet: the rules that compare with one do not apply." in wording.doubts(first)
    assert conclusion(first) == (
        "Every rule passes: average_precision 0.612 (95% lower bound 0.56, needs >= 0.5): PASS."
    )


def test_doubts_name_low_power_looks_and_the_worst_part_of_a_slice() -> None:
    night = replace(
        BETTER, part="night = 1", candidate=0.58, spare=-0.02, low=-0.06, high=0.02, positives=12
    )
    day = replace(BETTER, part="night = 0")
    evidence = evidence_of(power=0.613, looks=4, slices=(day, night), notes=("A note.",))
    assert wording.doubts(evidence) == [
        "A note.",
        "Power 61%: how often a model exactly as good as the champion would pass.",
        "Largest loss among slices: night = 1, -0.02 (simultaneous 95% interval [-0.06, +0.02]; "
        "8,000 rows, 12 positives).",
        "4 training runs, including this one, have shown holdout metrics since this champion was "
        "promoted.",
    ]


def test_enough_power_is_a_fact_and_not_a_doubt() -> None:
    evidence = evidence_of(power=0.913)
    assert not any("Power" in doubt for doubt in wording.doubts(evidence))
    assert wording.facts(evidence) == [
        "Holdout 2018-08-06 .. 2018-08-08: 8,000 rows, 40 positives.",
        "Trained on 90,000 rows up to 2018-08-05, 4 days before the verdict; code 1f09c2a.",
        "Power 91%: how often a model exactly as good as the champion would pass.",
        "Baseline (most frequent): average_precision 0.005.",
    ]


def test_the_runs_pages_show_every_rule_with_its_numbers() -> None:
    shown = wording.markdown(evidence_of())
    assert "| rule | candidate | champion | difference | bound | needs | verdict |" in shown
    assert "| average_precision >= 0.5 | 0.612 |  |  | 0.56 | >= 0.5 | PASS |" in shown
    assert (
        "| average_precision vs champion | 0.612 | 0.6 | +0.012 | +0.004 | > -0.03 | PASS |"
        in shown
    )
    assert "Changed: train.params.C: 0.5 -> 1.0; code 77be001 -> 1f09c2a." in shown


def test_the_approvals_form_begins_with_the_verdict_and_has_a_line_for_each_rule() -> None:
    lines = wording.form_text(evidence_of(), "http://here/report.html").splitlines()
    assert lines[:4] == [
        "**tiny 3 vs champion 2: PASS**. Significantly better in average_precision: +0.012 "
        "(one-sided 95% lower bound +0.004). [Full report](http://here/report.html)",
        "",
        "- average_precision 0.612 (95% lower bound 0.56, needs >= 0.5): PASS",
        "- average_precision 0.612 vs 0.6: +0.012 (95% lower bound +0.004, needs > -0.03): PASS",
    ]


LOOSENED: list[tuple[ModelConfig, str]] = [
    (
        configured(Rule(metric="average_precision", at_least=0.4), RULES[1]),
        "the gate is looser: average_precision at_least 0.4, was average_precision at_least 0.5",
    ),
    (
        configured(RULES[0], Rule(metric="average_precision", not_worse_than="champion", by=0.1)),
        "the gate is looser: average_precision not_worse_than champion by 0.1",
    ),
    (
        configured(RULES[0]),
        "the gate is looser: average_precision not_worse_than champion by 0.03 was removed",
    ),
    (configured(confidence=0.9), "the gate is looser: comparison.confidence is 0.9, was 0.95"),
    (
        configured(inconclusive="ask"),
        "the gate is looser: comparison.inconclusive is ask, was refuse",
    ),
    (
        configured(seen_rows="leave_out"),
        "the gate is looser: comparison.seen_rows is leave_out, was refuse",
    ),
    (configured(spend=False), "the gate is looser: comparison.spend is False, was None"),
]

LOWERED_MINIMA = [("min_rows", 500, 50), ("min_positives", 30, 5)]


def changes_of(now: ModelConfig) -> tuple[str, ...]:
    return changes.since_champion(BOTH, {}, gate.definition(now), gate.definition(configured()))


@pytest.mark.parametrize(("now", "sentence"), LOOSENED, ids=[case[1][:60] for case in LOOSENED])
def test_a_loosened_gate_stands_before_all_other_changes(now: ModelConfig, sentence: str) -> None:
    first, *others = changes_of(now)
    assert first.startswith(sentence)
    assert any(change.startswith("train.params.C") for change in others)


@pytest.mark.parametrize(("key", "more", "fewer"), LOWERED_MINIMA)
def test_a_rule_that_asks_for_fewer_rows_is_looser(key: str, more: int, fewer: int) -> None:
    before, now = (
        configured(Rule.model_validate({"metric": "average_precision", "at_least": 0.5, key: rows}))
        for rows in (more, fewer)
    )
    definitions = gate.definition(now), gate.definition(before)
    looser = changes.since_champion(BOTH, {}, *definitions)[0]
    stricter = changes.since_champion(BOTH, {}, *reversed(definitions))[0]
    assert looser.startswith("the gate is looser: ")
    assert stricter.startswith("the gate is stricter: ")


def test_other_units_make_a_gate_neither_looser_nor_stricter() -> None:
    sentence = "comparison.units is ['CUSTOMER_ID'], was []"
    assert sentence in changes_of(configured(units=("CUSTOMER_ID",)))


def test_a_stricter_gate_is_called_stricter() -> None:
    now = configured(
        Rule(metric="average_precision", at_least=0.6),
        RULES[1],
        Rule(metric="average_precision", at_most=0.9),
    )
    assert changes_of(now)[:2] == (
        "the gate is stricter: average_precision at_least 0.6, was average_precision at_least 0.5",
        "the gate is stricter: average_precision at_most 0.9 was added",
    )


@pytest.mark.parametrize(
    ("guard", "is_superior"),
    [
        (Estimate(candidate=0.3, other=0.4, spare=0.1, low=0.02, high=0.2), True),
        (Estimate(candidate=0.3, other=0.4, spare=0.1, low=-0.02, high=0.2), False),
        (NotEstimated("has rows of one class only"), False),
    ],
)
def test_the_reference_rises_only_if_no_guarded_metric_may_have_sunk(
    guard: Estimate | NotEstimated, is_superior: bool
) -> None:
    """With each gain in the main metric another could sink by its margin, and the reference too."""
    better = Estimate(candidate=0.7, other=0.6, spare=0.1, low=0.05, high=0.15)
    evidence = evidence_of(better_than_reference=better, guards={"cost": guard})
    assert evidence.guards["cost"] == guard
    assert evidence.is_superior_to_reference is is_superior
    assert replace(evidence, guards={}).is_superior_to_reference


def test_a_gate_is_stored_as_it_was_written() -> None:
    """A rounded edge of a slice would be another slice, whose parts nobody misses."""
    evidence = evidence_of()
    slices = {"amount": {"amount": [1234567890.5]}}
    rule = Rule(metric="average_precision", at_least=0.1234567890125)
    verdict = gate.decide([(rule, [Estimate(rows=500, candidate=0.5, low=0.1, high=0.2)])])
    written = evidence_json.write(
        replace(evidence, gate=replace(evidence.gate, slices=slices), verdict=verdict)
    )
    again = evidence_json.read(canonical_json.read(canonical_json.write(written)))
    assert again.gate.slices == slices
    assert again.verdict.rules[0].rule == rule


UNDECIDED = [
    (
        Rule(metric="average_precision", not_worse_than="champion", by=0.05),
        {"other": 0.69, "margin": 0.05, "spare": 0.04, "low": -0.02, "high": 0.11},
        "The interval [-0.07, +0.06] contains -0.05: too little data to decide, no evidence of "
        "harm. If the estimate holds, about 3 more days of rows would be enough for this rule.",
    ),
    (
        Rule(metric="average_precision", not_worse_than="champion", by=0.05),
        {"other": 0.69, "margin": 0.05, "spare": 0.01, "low": -0.02, "high": 0.03},
        "The interval [-0.07, -0.02] contains -0.05: too little data to decide, but the candidate "
        "is worse. If the estimate holds, about 16 more days of rows would be enough for this "
        "rule.",
    ),
    (
        Rule(metric="average_precision", better_than="champion"),
        {"other": 0.69, "spare": -0.01, "low": -0.02, "high": 0.11},
        "The interval [-0.02, +0.11] contains 0: too little data to decide, no evidence of harm.",
    ),
    (
        Rule(metric="average_precision", at_least=0.65),
        {"spare": 0.03, "low": -0.02, "high": 0.11},
        "The interval [0.63, 0.76] contains 0.65: too little data to decide. "
        "If the estimate holds, about 4 more days of rows would be enough for this rule.",
    ),
]


@pytest.mark.parametrize(("rule", "numbers", "sentence"), UNDECIDED)
def test_an_inconclusive_verdict_says_that_data_are_missing_and_how_many(
    rule: Rule, numbers: dict[str, float], sentence: str
) -> None:
    evidence = evidence_of()
    undecided = Estimate(rows=5000, positives=90, units=5000, candidate=0.68, **numbers)
    verdict = gate.decide([(rule, [undecided])])
    assert verdict.outcome == "INCONCLUSIVE"
    assert conclusion(replace(evidence, verdict=verdict)).endswith(f"INCONCLUSIVE. {sentence}")
    few = gate.decide([(rule, [replace(undecided, rows=50)])])
    assert conclusion(replace(evidence, verdict=few)).endswith("but needs 100): INCONCLUSIVE.")


def test_metrics_that_a_few_wild_errors_carry_are_among_the_doubts() -> None:
    rule = Rule(metric="log_loss", at_most=0.5)
    carried = Estimate(
        rows=5000, units=5000, candidate=0.3, spare=0.2, low=0.1, high=0.3, degrees_of_freedom=4
    )
    sentence = (
        "The bounds of log_loss rest on very few rows with large errors and may be too narrow."
    )
    for estimate, is_told in ((carried, True), (replace(carried, degrees_of_freedom=40), False)):
        evidence = replace(evidence_of(), verdict=gate.decide([(rule, [estimate])]))
        assert (sentence in wording.doubts(evidence)) is is_told
