"""The evidence holds what a verdict rests on, says it in words, and notices whatever changed since."""

import json
from dataclasses import replace

import pytest

from configs import canonical_json
from configs.judging import Rule
from configs.model import ModelConfig
from tasks.records import RegisteredVersion, Role
from tasks.verdict import changes, evidence, gate, wording
from tests.documents import BETTER, BOTH, CANDIDATE, CHAMPION, RULES, configured, document_of

FIRST: dict[Role, RegisteredVersion] = {"candidate": CANDIDATE}


@pytest.mark.parametrize("versions", [FIRST, BOTH], ids=["first", "beside a champion"])
def test_evidence_still_holds_while_nothing_changes(
    versions: dict[Role, RegisteredVersion],
) -> None:
    assert evidence.what_changed(document_of(versions), versions, configured()) == []


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
    (BOTH, configured(RULES[0]), "the gate changed"),
    (BOTH, configured(*RULES, confidence=0.9), "the gate changed"),
]


@pytest.mark.parametrize(
    ("versions", "config", "sentence"), CHANGES, ids=[change[2] for change in CHANGES]
)
def test_a_change_since_the_request_is_named_and_no_other(
    versions: dict[Role, RegisteredVersion], config: ModelConfig, sentence: str
) -> None:
    assert evidence.what_changed(document_of(), versions, config) == [sentence]


def test_all_changes_are_named_together() -> None:
    found = evidence.what_changed(
        document_of(), {"candidate": replace(CANDIDATE, sha256="b" * 64)}, configured(RULES[0])
    )
    assert len(found) == 4


def test_numbers_are_rounded_and_what_is_none_is_null() -> None:
    odd = replace(
        CANDIDATE,
        metrics={
            "holdout/a": 0.61234567891234,
            "holdout/b": float("nan"),
            "holdout/c": float("inf"),
        },
    )
    document = document_of({"candidate": odd})
    json.loads(
        canonical_json.write(document), parse_constant=pytest.fail
    )  # called for NaN and Infinity
    assert document["metrics"] == {"holdout/a": 0.612345679, "holdout/b": None, "holdout/c": None}


def test_the_verdict_comes_first_in_one_sentence() -> None:
    assert wording.headline(document_of()) == "tiny 3 against champion 2: PASS"
    assert wording.answer(document_of()) == (
        "Better than the champion in average_precision: by +0.012, by +0.004 at least with 95 %."
    )
    unsure = document_of(better=replace(BETTER, low=-0.002))
    assert wording.answer(unsure).startswith(
        "Not clearly better than the champion in average_precision: by +0.012"
    )
    same = document_of(better=replace(BETTER, spare=0.0, low=0.0, high=0.0))
    assert (
        wording.answer(same)
        == "It answers every row as the champion does, as far as average_precision sees."
    )
    stopped = document_of(problems=("champion 2 cannot be compared: gone",))
    assert wording.answer(stopped) == "Champion 2 cannot be compared: gone."
    assert wording.headline(document_of(FIRST, None)) == "tiny 3 with no champion yet: PASS"
    assert "No champion yet: only the absolute rules decide." in wording.doubts(
        document_of(FIRST, None)
    )


def test_what_would_make_one_doubt_it_names_power_looks_and_the_worst_slice() -> None:
    night, day = (
        replace(BETTER, part="night 1", spare=-0.02, low=-0.06, positives=12),
        replace(BETTER, part="night 0"),
    )
    said = wording.doubts(document_of(power=0.913, looks=4, slices=(day, night), notes=("n",)))
    assert said == [
        "n",
        "A model just as good as the champion would pass this gate 91 times in 100.",
        "Worst slice: night 1 (-0.02, at least -0.06 with 95 % for all slices at once; 8,000 rows, 12 positives).",
        "4 runs showed their holdout's metrics since this champion came, this one among them.",
    ]


def test_the_form_shows_every_rule_with_its_numbers() -> None:
    shown = wording.as_markdown(document_of())
    assert "| average_precision at least 0.5 | 0.612 |  | > 0.56 | PASS |" in shown
    assert (
        "| average_precision not worse than champion by 0.03 | 0.612 | 0.6 | > +0.004 | PASS |"
        in shown
    )
    assert "Holdout 2018-08-06 .. 2018-08-08: 8,000 rows, 40 positives." in shown
    assert (
        "Trained on 90,000 rows up to 2018-08-05, 4 days before it was judged, code 1f09c2a."
        in shown
    )
    assert "Changed: train.params.C: 0.5 -> 1.0; code 77be001 -> 1f09c2a." in shown


def test_the_approvals_question_begins_with_the_verdict_and_a_link_to_all_of_it() -> None:
    first, *rest = wording.as_question(document_of(), "http://here/report.html").splitlines()
    assert first.startswith(
        "**tiny 3 against champion 2: PASS**. Better than the champion in average_precision"
    )
    assert first.endswith("[Everything that this rests on](http://here/report.html)")
    assert rest[-2:] == [
        "- PASS average_precision at least 0.5: 0.612, surely > 0.56",
        "- PASS average_precision not worse than champion by 0.03: 0.612, surely > +0.004",
    ]


LOOSENED: list[tuple[ModelConfig, str]] = [
    (configured(Rule(metric="average_precision", at_least=0.4), RULES[1]), "the gate is looser: average_precision at_least 0.4, before average_precision at_least 0.5"),
    (configured(RULES[0], Rule(metric="average_precision", not_worse_than="champion", by=0.1)), "the gate is looser: average_precision not_worse_than champion by 0.1"),
    (configured(RULES[0]), "the gate is looser: no more average_precision not_worse_than champion"),
    (configured(confidence=0.9), "the gate is looser: comparison.confidence is 0.9, was 0.95"),
    (configured(inconclusive="ask"), "the gate is looser: comparison.inconclusive is ask, was refuse"),
    (configured(seen_rows="leave_out"), "the gate is looser: comparison.seen_rows is leave_out, was refuse"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "sentence"), LOOSENED, ids=[case[1][:60] for case in LOOSENED])
def test_a_loosened_gate_stands_before_all_other_changes(now: ModelConfig, sentence: str) -> None:
    found = changes.since(BOTH, {}, gate.definition(now), gate.definition(configured()))
    assert found[0].startswith(sentence)
    assert any(change.startswith("train.params.C") for change in found[1:])


def test_a_stricter_gate_is_called_stricter() -> None:
    now = configured(
        Rule(metric="average_precision", at_least=0.6),
        RULES[1],
        Rule(metric="average_precision", at_most=0.9),
    )
    found = changes.since(BOTH, {}, gate.definition(now), gate.definition(configured()))
    assert found[:2] == [
        "the gate is stricter: also average_precision at_most 0.9",
        "the gate is stricter: average_precision at_least 0.6, before average_precision at_least 0.5",
    ]
