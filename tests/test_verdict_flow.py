"""promote_candidate beside a champion, on real servers: what is compared, refused and recorded."""

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from deployments.commands.main import main
from deployments.stack import Stack
from flows.promotion import promote_candidate
from flows.training import train_candidate
from tasks.records import Estimate
from tasks.verdict import evidence_json
from tests.journeys import Journey

RULES = "  - {metric: average_precision, at_least: 0.5}\n"
BESIDE = f"""\
{RULES}  - {{metric: average_precision, not_worse_than: champion, by: 0.05}}
  - {{metric: average_precision, not_worse_than: reference, by: 0.05}}
"""


def beside(text: str) -> str:
    return text.replace(RULES, BESIDE)


def gate_of(*rules: str) -> Callable[[str], str]:
    return lambda text: text.replace(RULES, "".join(f"  - {{{rule}}}\n" for rule in rules))


def worse(journey: Journey) -> int:
    """A candidate that answers each row alike but for noise."""
    return journey.candidate(
        "train.estimator=sklearn.ensemble.ExtraTreesClassifier",
        "train.params={max_depth: 1, n_estimators: 1}",
    )


def test_a_candidate_is_compared_with_champion_and_reference_on_its_own_kept_rows(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(beside)
    journey.crown()
    version = journey.candidate("train.params.C=2.0")
    run, state = journey.ask(version)
    assert state.name == "Suspended", state
    evidence = journey.ledger.evidence_of(journey.events[-1])
    versions = (evidence.candidate, evidence.champion, evidence.reference)
    assert [one and one.version for one in versions] == [2, 1, 1]
    rules = evidence.verdict.rules
    assert [rule.estimate.other is not None for rule in rules] == [False, True, True]
    assert {rule.outcome for rule in rules} == {"PASS"}
    assert evidence.power is not None
    assert evidence.power > 0.5
    assert evidence.looks >= 1
    assert evidence.changes == ("train.params.C: 1.0 -> 2.0",)
    assert evidence.baselines.keys() == {"most_frequent"}
    (recorded,) = journey.mlflow_runs(run)
    files = {file.path for file in journey.mlflow.list_artifacts(recorded.info.run_id)}
    assert {
        "evidence.json",
        "report.html",
        "precision_recall.png",
        "roc.png",
        "calibration.png",
        "scores.png",
    } <= files
    kept = json.loads(
        Path(journey.mlflow.download_artifacts(recorded.info.run_id, "evidence.json")).read_text()
    )
    assert evidence_json.read(kept) == evidence
    assert isinstance(rules[1].estimate, Estimate)
    low = recorded.data.metrics["rule2/average_precision/low"]
    assert low == pytest.approx(rules[1].estimate.low)


def test_a_worse_candidate_is_refused_even_when_every_threshold_passes(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(
        gate_of(
            "metric: average_precision, at_least: 0.01",
            "metric: average_precision, not_worse_than: champion, by: 0.05",
        )
    )
    journey.crown()
    _, state = journey.ask(worse(journey))
    assert state.name == "Refused"
    assert re.search(
        r": -0\.\d+ \(95% upper bound -0\.\d+, needs > -0.05\): FAIL",
        str(state.message),
    )
    assert journey.aliases() == {"champion": 1, "reference": 1}


def test_a_model_that_is_no_better_than_its_baseline_never_becomes_the_champion(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(gate_of("metric: log_loss, better_than: baseline"))
    too_sure = "train.estimator=sklearn.tree.DecisionTreeClassifier"
    _, state = journey.ask(journey.candidate(too_sure, "train.params={}"))
    assert state.name == "Refused"
    assert re.search(r"log_loss [\d.]+ vs the baseline's 0\.\d+: \+.*: FAIL", str(state.message))
    assert journey.crown(journey.candidate()) == 2
    evidence = journey.ledger.evidence_of(journey.events[-1])
    assert "Rules compare with the baseline most frequent." in evidence.notes
    assert [rule.outcome for rule in evidence.verdict.rules] == ["PASS"]


def test_the_same_model_again_is_never_better_but_within_a_margin(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(
        gate_of(
            "metric: average_precision, at_least: 0.5",
            "metric: average_precision, better_than: champion",
        )
    )
    with_absolute = journey.crown()
    _, state = journey.ask(journey.candidate())
    assert (with_absolute, state.name) == (1, "Refused")
    assert "INCONCLUSIVE" in str(state.message)
    path = journey.settings.models / f"{journey.model}.yaml"
    path.write_text(
        path.read_text().replace("better_than: champion", "not_worse_than: champion, by: 0.001")
    )
    _, state = journey.ask(journey.candidate())
    assert state.name == "Suspended"
    assert "On every row its average_precision equals the champion's." in journey.events[-1].why


def test_an_inconclusive_verdict_asks_a_person_where_the_gate_says_so(
    new_journey: Callable[..., Journey],
) -> None:
    rules = gate_of(
        "metric: average_precision, at_least: 0.5",
        "metric: average_precision, better_than: champion",
    )
    journey = new_journey(lambda text: rules(text) + "comparison: {inconclusive: ask}\n")
    journey.crown()
    run, state = journey.ask(journey.candidate())
    assert state.name == "Suspended"
    evidence = journey.ledger.evidence_of(journey.events[-1])
    assert evidence.verdict.outcome == "INCONCLUSIVE"
    assert journey.answer(run, "approve").name == "Promoted"


def test_many_small_steps_down_are_stopped_by_the_reference(
    new_journey: Callable[..., Journey],
) -> None:
    """Each is a little worse, within the champion's margin, and at last beyond the reference's."""
    rules = gate_of(
        "metric: roc_auc, not_worse_than: champion, by: 0.05",
        "metric: roc_auc, not_worse_than: reference, by: 0.05",
        "metric: roc_auc, at_least: 0.4",
    )
    journey = new_journey(
        lambda text: (
            rules(text).replace("amount * 2", "amount").replace("add_double\n", "add_double\n")
        )
    )
    hooks = journey.settings.models / f"{journey.model}.py"
    plain = hooks.read_text()
    outcomes = []
    for step in range(10):
        noise = "np.random.default_rng(7).normal(size=len(raw))"
        doubled, amount = 'double=raw["amount"] * 2', 'amount=raw["amount"]'
        noisy = f"{doubled} + {28 * step} * {noise}, {amount} + {14 * step} * {noise}"
        hooks.write_text(f"import numpy as np\n\n\n{plain}".replace(doubled, noisy))
        run, state = journey.ask(journey.train())
        outcomes.append(state.name)
        if state.name != "Suspended":
            break
        journey.answer(run, "approve")
    assert 2 <= outcomes.count("Suspended") <= 9, outcomes
    verdict = journey.ledger.evidence_of(journey.events[-1]).verdict
    assert [rule.rule.against for rule in verdict.deciding] == ["reference"]


def test_a_candidate_significantly_better_becomes_the_reference_and_one_that_is_not_does_not(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(
        gate_of(
            "metric: average_precision, at_least: 0.01",
            "metric: average_precision, not_worse_than: champion, by: 0.9",
        )
    )
    run, state = journey.ask(worse(journey))
    assert (state.name, journey.answer(run, "approve").name) == ("Suspended", "Promoted")
    assert journey.promote() == 2
    assert journey.aliases() == {"champion": 2, "reference": 2}
    assert journey.told[-1] == "reference_set 2"
    assert journey.promote() == 3
    assert journey.aliases() == {"champion": 3, "reference": 2}


def test_one_that_is_not_significantly_better_waits_until_the_champion_is_old(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(
        lambda text: beside(text).replace(
            "{ask: manual}", "{ask: when_better, champion_older_than_days: 7}"
        )
    )
    journey.crown()
    version = journey.train()
    (by_training,) = (run for run in journey.promotions() if run.parameters["version"] == version)
    state = journey.run(promote_candidate, by_training)
    assert state.name == "Deferred"
    assert (
        "it passes, but is not significantly better: it waits until the champion is 7 days old"
        in str(state.message)
    )
    assert [
        run.state_name for run in journey.promotions() if run.parameters["version"] == version
    ] == ["Deferred"]  # and nobody asks for it again yet
    _, state = journey.ask(version)
    assert state.name == "Suspended"


def test_rows_that_the_champion_was_trained_on_refuse_or_are_left_out_for_all(
    new_journey: Callable[..., Journey],
) -> None:
    few = "min_positives: 10"
    journey = new_journey(
        gate_of(
            f"metric: average_precision, at_least: 0.3, {few}",
            f"metric: average_precision, not_worse_than: champion, by: 0.2, {few}",
        )
    )
    journey.crown(journey.train(as_of="2026-01-10"))
    version = journey.train(as_of="2026-01-08")
    _, state = journey.ask(version)
    assert state.name == "Refused"
    assert re.search(r"Champion 1 was trained on \d+ of the \d+ holdout rows", str(state.message))
    path = journey.settings.models / f"{journey.model}.yaml"
    path.write_text(path.read_text() + "comparison: {seen_rows: leave_out}\n")
    _, state = journey.ask(version)
    assert state.name == "Suspended", state
    evidence = journey.ledger.evidence_of(journey.events[-1])
    assert any("rows are left out for all" in note for note in evidence.notes)
    assert evidence.holdout.rows
    assert evidence.verdict.rules[0].estimate.rows < evidence.holdout.rows


def test_a_version_with_another_prepare_is_given_its_own(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(beside)
    journey.crown()
    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.write_text(hooks.read_text().replace('raw["amount"] * 2', '-3 * raw["amount"]'))
    _, state = journey.ask(journey.train())
    assert state.name == "Suspended", state
    rules = journey.ledger.evidence_of(journey.events[-1]).verdict.rules
    assert rules[1].estimate.other == pytest.approx(rules[1].estimate.candidate, abs=0.01)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("holdout changed", "The holdout of version 2 cannot be used: the stored rows"),
        ("holdout gone", "The holdout of version 2 cannot be used: the stored rows"),
        ("champion deleted", "Champion 1 cannot be compared: "),
        ("champion damaged", "Champion 1 cannot be compared: the model's files have sha256"),
        ("champion gone", "Champion 1 cannot be compared: the model's files"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence_and_nothing_moves(
    new_journey: Callable[..., Journey], servers: Stack, tmp_path: Path, damage: str, said: str
) -> None:
    journey = new_journey(beside)
    journey.crown(journey.train())
    journey.train(overrides=["train.params.C=2.0"])
    first, second = (
        journey.mlflow.get_run(journey.mlflow.get_model_version(journey.model, number).run_id)
        for number in "12"
    )
    if damage.startswith("holdout"):
        (kept,) = servers.settings.home.rglob(
            f"{second.info.experiment_id}/kept/{second.data.params['holdout_sha256']}.parquet"
        )
        if damage == "holdout gone":
            kept.unlink()
        else:
            kept.write_bytes(kept.read_bytes()[:-9])
    elif damage == "champion deleted":
        journey.mlflow.delete_model_version(journey.model, "1")
    elif damage == "champion gone":
        shutil.rmtree(journey.files_of(1, servers))
    else:
        (forged := tmp_path / "python_env.yaml").write_text("python: 2.7\n")
        (logged,) = journey.mlflow.search_logged_models(
            [first.info.experiment_id], f"source_run_id = '{first.info.run_id}'"
        )
        journey.mlflow.log_model_artifact(logged.model_id, str(forged))
    _, state = journey.ask(2)
    assert state.name == "Refused", state
    assert said in str(state.message)
    assert "promoted 2" not in journey.told


def a_regression(text: str) -> str:
    text = gate_of(
        "metric: mean_absolute_error, at_most: 1",
        "metric: mean_absolute_error, better_than: champion",
    )(text)
    text = text.replace(
        "[average_precision, roc_auc, log_loss, share_found]", "[mean_absolute_error]"
    )
    return "kind: regression\n" + text.replace(
        "LogisticRegression, params: {C: 1.0}", "PoissonRegressor, params: {}"
    )


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_champion_that_answers_a_row_with_no_number_cannot_be_compared(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(a_regression)
    journey.crown()
    day = journey.settings.data / "days" / "2026-01-09.parquet"
    rows = pd.read_parquet(day)
    rows.loc[rows["customer"] != 0, "amount"] = 1e9  # the exponential of which is infinite
    rows.to_parquet(day)
    _, state = journey.ask(journey.train(overrides=["train.estimator=sklearn.linear_model.Ridge"]))
    assert state.name == "Refused", state
    assert "Champion 1 cannot be compared: its score of some rows is not a number" in str(
        state.message
    )
    assert journey.aliases() == {"champion": 1, "reference": 1}


ANSWERS_NAN = """

def nan_at_night(rows, scores):
    return float("nan")
"""


def test_a_metric_of_the_models_own_that_is_no_number_stops_the_training_with_its_name(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(lambda text: text.replace("share_found]", "nan_at_night]"))
    hooks = journey.settings.models / f"{journey.model}.py"
    hooks.write_text(hooks.read_text() + ANSWERS_NAN)
    state = journey.run(train_candidate, journey.start(train_candidate))
    assert "metric nan_at_night returned nan; it must be a finite number" in str(state.message)


def test_a_feature_that_callers_do_not_send_refuses_unless_it_is_allowed(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(beside)
    journey.crown()
    path = journey.settings.models / f"{journey.model}.yaml"
    hooks = path.with_suffix(".py")
    hooks.write_text(
        hooks.read_text().replace("raw.assign(", 'raw.assign(triple=raw["amount"] * 3, ')
    )
    path.write_text(
        path.read_text().replace("double", "triple").replace("add_triple", "add_double")
    )
    version = journey.train()
    _, state = journey.ask(version)
    assert state.name == "Refused"
    assert "model signature requires triple, which callers of the champion do not send" in str(
        state.message
    )
    path.write_text(path.read_text() + "comparison: {signature: may_break}\n")
    _, state = journey.ask(version)
    assert state.name == "Suspended", state
    evidence = journey.ledger.evidence_of(journey.events[-1])
    assert any("no longer has double" in text for text in evidence.model_signature)
    assert "features added: triple" in evidence.changes
    assert "features removed: double" in evidence.changes


def test_each_look_at_a_holdout_that_never_renews_spends_its_share_of_the_level(
    new_journey: Callable[..., Journey],
) -> None:
    rules = gate_of(
        "metric: average_precision, at_least: 0.5",
        "metric: average_precision, not_worse_than: champion, by: 0.2",
    )
    journey = new_journey(lambda text: rules(text) + "comparison: {spend: true}\n")
    journey.crown()
    confidences = []
    for c in (2.0, 3.0):
        _, state = journey.ask(journey.train(overrides=[f"train.params.C={c}"]), instead=True)
        assert state.name == "Suspended", state
        rule = journey.ledger.evidence_of(journey.events[-1]).verdict.rules[1]
        assert isinstance(rule.estimate, Estimate)
        confidences.append(rule.estimate.confidence)
    assert confidences == pytest.approx([1 - 0.05 * 6 / math.pi**2, 1 - 0.05 * 6 / math.pi**2 / 4])


def test_a_replay_says_what_another_gate_would_have_let_through_and_writes_nothing(
    new_journey: Callable[..., Journey], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journey = new_journey(beside)
    journey.crown()
    journey.ask(journey.candidate())
    before = journey.events
    (stricter := tmp_path / "stricter.yaml").write_text(
        "gate:\n  - {metric: roc_auc, at_least: 0.5}\n"
        "  - {metric: roc_auc, better_than: champion}\n"
    )
    capsys.readouterr()
    command = ["replay", journey.model, "--json", "--gate", str(stricter)]
    main(command)
    found = json.loads(capsys.readouterr().out)
    assert [(each["version"], each["then"], each["now"]) for each in found] == [
        (1, "PASS", "PASS"),
        (2, "PASS", "INCONCLUSIVE"),
    ]
    assert "0 (needs > 0): INCONCLUSIVE" in found[1]["why"]
    assert journey.events == before
    for text, said in (
        ("gates: []\n", "any of metrics, threshold, slices, comparison, gate"),
        ("gate:\n  - {metric: f2, at_least: 1}\n", "'f2' is not computed"),
    ):
        stricter.write_text(text)
        with pytest.raises(SystemExit, match="2"):
            main(command)
        assert said in capsys.readouterr().err
