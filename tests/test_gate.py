"""The gate decides alike for everyone, never in favour of what is not known; the evidence notices whatever changed since."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from configs.schema import Rule
from tasks.records import RegisteredVersion
from tasks.release import canonical_json
from tasks.verdict import evidence, gate

NAMES = ("average_precision", "roc_auc", "log_loss", "brier_score")

numbers = st.floats(allow_nan=False, allow_infinity=False)
no_numbers = st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    bound = draw(numbers | st.sampled_from([0.0, 0.5, 1.0]))
    return Rule(metric=draw(st.sampled_from(NAMES)), **{draw(st.sampled_from(["at_least", "at_most"])): bound})


gates = st.lists(rules(), min_size=1, max_size=6)
measured = st.fixed_dictionaries(dict.fromkeys(NAMES, numbers | st.sampled_from([0.0, 0.5, 1.0])))


def bounds_only(gate_rules: list[Rule], metric: str, side: str) -> bool:
    return all(getattr(rule, side) is not None for rule in gate_rules if rule.metric == metric)


@given(asked=gates, metrics=measured, name=st.sampled_from(NAMES), other=numbers)
def test_a_better_metric_never_turns_pass_into_fail(asked: list[Rule], metrics: dict[str, float], name: str, other: float) -> None:
    low, high = sorted([metrics[name], other])
    for side, worse, better in (("at_least", low, high), ("at_most", high, low)):
        if bounds_only(asked, name, side) and gate.decide(asked, metrics | {name: worse}).passed:
            assert gate.decide(asked, metrics | {name: better}).passed


@given(asked=gates, metrics=measured)
def test_pass_means_that_every_rule_holds_and_fail_that_one_does_not(asked: list[Rule], metrics: dict[str, float]) -> None:
    holds = [
        metrics[rule.metric] >= rule.at_least if rule.at_least is not None else metrics[rule.metric] <= rule.at_most
        for rule in asked
    ]
    verdict = gate.decide(asked, metrics)
    assert verdict.outcome == ("PASS" if all(holds) else "FAIL")
    assert [rule.outcome == "PASS" for rule in verdict.rules] == holds


@given(asked=gates, metrics=measured, data=st.data())
def test_the_order_of_rules_does_not_change_the_outcome(asked: list[Rule], metrics: dict[str, float], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(asked))
    assert gate.decide(shuffled, metrics).outcome == gate.decide(asked, metrics).outcome
    assert set(gate.decide(shuffled, metrics).rules) == set(gate.decide(asked, metrics).rules)


@given(asked=gates, metrics=measured, data=st.data())
def test_a_metric_that_is_missing_or_no_finite_number_is_never_pass(
    asked: list[Rule], metrics: dict[str, float], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(asked)).metric
    without = {other: value for other, value in metrics.items() if other != name}
    for unknown in (without, metrics | {name: data.draw(no_numbers)}):
        verdict = gate.decide(asked, unknown)
        assert verdict.outcome == "FAIL"
        for rule in verdict.rules:
            if rule.metric == name:
                assert (rule.outcome, rule.value) == ("FAIL", None)
                assert f"{name} is missing" in rule.sentence


@given(metrics=measured)
def test_a_gate_without_rules_is_fail(metrics: dict[str, float]) -> None:
    assert gate.decide([], metrics).outcome == "FAIL"


@given(rule=rules())
def test_the_boundary_itself_passes_and_the_next_number_beyond_it_does_not(rule: Rule) -> None:
    bound = rule.at_least if rule.at_least is not None else rule.at_most
    assert bound is not None
    assert gate.decide([rule], {rule.metric: bound}).passed
    beyond = math.nextafter(bound, -math.inf if rule.at_least is not None else math.inf)
    assume(math.isfinite(beyond))
    assert not gate.decide([rule], {rule.metric: beyond}).passed


@given(one=gates, other=gates)
def test_the_digest_changes_if_and_only_if_the_rules_change(one: list[Rule], other: list[Rule]) -> None:
    assert gate.digest(one) == gate.digest([rule.model_copy() for rule in one])
    assert (gate.digest(one) == gate.digest(other)) == (one == other)


def test_the_digest_notices_the_smallest_change_and_no_other_spelling() -> None:
    asked = [Rule(metric="roc_auc", at_least=1)]
    assert gate.digest(asked) == gate.digest([Rule(metric="roc_auc", at_least=1.0)])
    others = [
        [],
        [*asked, *asked],
        [Rule(metric="roc_auc", at_most=1)],
        [Rule(metric="f1", at_least=1)],
        [Rule(metric="roc_auc", at_least=math.nextafter(1, 0))],
    ]
    digests = {gate.digest(these) for these in (asked, *others)}
    assert len(digests) == 6


def test_a_value_just_beside_its_bound_is_never_shown_as_the_bound() -> None:
    rule = Rule(metric="roc_auc", at_least=0.5)
    assert "roc_auc 0.4996, at least 0.5 asked: FAIL" in str(gate.decide([rule], {"roc_auc": 0.49961}))
    assert "roc_auc 0.500, at least 0.5 asked: PASS" in str(gate.decide([rule], {"roc_auc": 0.5}))


def test_a_verdict_says_which_rule_failed_and_by_what() -> None:
    asked = [Rule(metric="roc_auc", at_least=0.7), Rule(metric="log_loss", at_most=0.2), Rule(metric="f1", at_least=0.1)]
    verdict = gate.decide(asked, {"roc_auc": 0.9, "log_loss": 0.25})
    assert str(verdict) == "log_loss 0.250, at most 0.2 asked: FAIL; f1 is missing, f1 at least 0.1 asked: FAIL"


RULES = (Rule(metric="average_precision", at_least=0.5), Rule(metric="log_loss", at_most=0.4))
VERSION = RegisteredVersion(
    model="tiny", number=3, run_id="r", flow_run="f", sha256="a" * 64, address="models:/m",
    metrics={"holdout/average_precision": 0.61234567891234, "holdout/log_loss": 0.25, "train/log_loss": 0.2, "seconds/fit": 3.0},
    params={"holdout_start": "2018-08-06T00:00:00", "holdout_end": "2018-08-08T00:00:00", "holdout_rows": "8", "holdout_positives": "4", "train_end": "2018-08-05T00:00:00"},
)  # fmt: skip


def document_of(version: RegisteredVersion = VERSION, champion: int | None = 2) -> dict[str, Any]:
    """The evidence as it comes back from the record."""
    verdict = gate.decide(RULES, evidence.holdout_metrics(version))
    return canonical_json.read(canonical_json.write(evidence.gather(version, champion, RULES, verdict)))


def with_metrics(**holdout: float) -> RegisteredVersion:
    return replace(VERSION, metrics=VERSION.metrics | {f"holdout/{name}": value for name, value in holdout.items()})


@pytest.mark.parametrize("champion", [None, 2])
def test_evidence_still_holds_while_nothing_changes(champion: int | None) -> None:
    assert evidence.what_changed(document_of(champion=champion), VERSION, champion, RULES) == []


@given(values=st.dictionaries(st.sampled_from(NAMES), numbers | no_numbers))
def test_evidence_holds_for_whatever_was_recorded_and_has_a_text_without_nan(values: dict[str, float]) -> None:
    version = with_metrics(**values)
    document = document_of(version)
    assert evidence.what_changed(document, version, 2, RULES) == []
    json.loads(canonical_json.write(document), parse_constant=pytest.fail)  # called for NaN and Infinity
    assert {name.removeprefix("holdout/") for name in document["metrics"] if name.startswith("holdout/")} >= set(values)


CHANGES: list[tuple[RegisteredVersion, int | None, tuple[Rule, ...], str]] = [
    (VERSION, 4, RULES, "the champion changed from 2 to 4"),
    (VERSION, None, RULES, "the champion changed from 2 to none"),
    (replace(VERSION, sha256="b" * 64), 2, RULES, "the candidate's recorded model hash changed"),
    (VERSION, 2, RULES[:1], "the gate changed"),
    (VERSION, 2, (RULES[0], Rule(metric="log_loss", at_most=0.41)), "the gate changed"),
    (with_metrics(log_loss=0.2500001), 2, RULES, "the candidate's recorded metrics changed"),
    (with_metrics(log_loss=math.nan), 2, RULES, "the candidate's recorded metrics changed"),
    (with_metrics(another=1.0), 2, RULES, "the candidate's recorded metrics changed"),
    (replace(VERSION, metrics={}), 2, RULES, "the candidate's recorded metrics changed"),
]


@pytest.mark.parametrize(("version", "champion", "asked", "sentence"), CHANGES)
def test_a_change_since_the_request_is_named_and_no_other(
    version: RegisteredVersion, champion: int | None, asked: tuple[Rule, ...], sentence: str
) -> None:
    assert evidence.what_changed(document_of(), version, champion, asked) == [sentence]


def test_all_changes_are_named_together() -> None:
    changed = replace(with_metrics(log_loss=0.3), sha256="b" * 64)
    assert len(evidence.what_changed(document_of(champion=None), changed, 1, RULES[:1])) == 4
    assert evidence.what_changed(document_of(champion=None), VERSION, 1, RULES) == ["the champion changed from none to 1"]


def test_a_first_champion_is_noted_as_decided_by_the_absolute_rules_alone() -> None:
    assert document_of(champion=None)["note"] == "No champion yet: only the absolute rules decide."
    assert document_of(champion=2)["note"] is None
    assert "(no champion yet: only the absolute rules decide): **PASS**" in evidence.as_markdown(document_of(champion=None))


def test_the_form_shows_every_rule_with_the_candidates_value() -> None:
    shown = evidence.as_markdown(document_of(with_metrics(log_loss=math.inf)))
    assert "**tiny 3** against champion 2: **FAIL**" in shown
    assert "| average_precision at least 0.5 | 0.612 | PASS |" in shown
    assert "| log_loss at most 0.4 | missing | FAIL |" in shown
    assert "Holdout 2018-08-06 .. 2018-08-08: 8 rows, 4 positives. Trained on unknown rows up to 2018-08-05, code ." in shown
