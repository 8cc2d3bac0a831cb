"""promote_candidate on real servers: requested, answered, promoted once, on current facts only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import StateType
from prefect.states import Scheduled

from flows.promotion import promote_candidate
from flows.training import train_candidate
from tests import dying
from tests.journeys import Journey


def test_a_yes_makes_the_champion_and_plain_mlflow_loads_it_both_ways(journey: Journey) -> None:
    version = journey.train()
    run, state = journey.ask(version)
    assert state.name == "Suspended"
    assert journey.aliases() == {"challenger": version}
    assert journey.stages() == {version: "Staging"}
    (waiting,) = journey.mlflow_runs(run)
    assert waiting.info.status == "SCHEDULED"
    assert "ratchet.run_count" not in journey.read(run.id).labels, "nothing has become of it yet"

    assert journey.answer(run, "approve").name == "Promoted"
    labels = journey.read(run.id).labels
    assert (labels["ratchet.outcome"], labels["ratchet.version"]) == ("promoted", version)
    assert labels["ratchet.run_count"] == journey.read(run.id).run_count
    assert journey.told == ["requested 1", "approved 1", "promoted 1"]
    assert journey.aliases() == {"champion": version, "reference": version}
    assert journey.stages() == {version: "Production"}
    (done,) = journey.mlflow_runs(run)
    assert done.info.status == "FINISHED"
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    asked, shown = sorted(
        journey.prefect.read_artifacts(artifact_filter=of_run),
        key=lambda artifact: str(artifact.created),
    )
    # all of the evidence can be read while the question waits
    assert "| average_precision at least 0.5 |" in str(asked.data)
    assert shown.data == done.data.tags["mlflow.note.content"]
    assert "became the champion, by release lead" in str(shown.data)
    assert "| average_precision at least 0.5 |" in str(shown.data)
    by_alias, by_stage = (
        mlflow.pyfunc.load_model(f"models:/{journey.model}{end}")
        for end in ("@champion", "/Production")
    )
    assert by_alias.metadata.model_uuid == by_stage.metadata.model_uuid
    description = journey.mlflow.get_model_version(journey.model, "1").description
    assert description.startswith("Promoted to Production on")
    assert description.endswith("by release lead: as tests do")


def test_the_second_champion_archives_the_first(journey: Journey) -> None:
    assert [journey.promote(), journey.promote()] == [1, 2]
    assert journey.stages() == {1: "Archived", 2: "Production"}
    assert journey.aliases() == {"champion": 2, "reference": 1}
    assert journey.ledger.verify(journey.model) == 6


def test_a_no_leaves_everything_as_it_was(journey: Journey) -> None:
    journey.crown()
    version = journey.candidate()
    run, _ = journey.ask(version)
    assert journey.answer(run, "reject").name == "Rejected"
    assert journey.aliases() == {"champion": 1, "reference": 1}
    assert journey.stages() == {1: "Production", 2: "None"}


def test_a_candidate_below_the_gate_is_refused_with_its_reasons_and_nobody_is_asked(
    new_journey: Callable[..., Journey],
) -> None:
    journey = new_journey(lambda text: text.replace("at_least: 0.5", "at_least: 0.999"))
    version = journey.candidate()
    _, state = journey.ask(version)
    assert (state.type.value, state.name) == ("COMPLETED", "Refused")
    assert "at least 0.999 asked: FAIL" in str(state.message)
    assert journey.told == ["refused 1"]
    assert journey.stages() == {1: "None"}


def test_the_form_has_no_default_and_takes_no_other_evidence(journey: Journey) -> None:
    run, _ = journey.ask(journey.candidate())
    assert journey.fill_in(run, "approve", evidence="0" * 64).status.value == "REJECT"
    assert journey.fill_in(run, "maybe").status.value == "REJECT"
    assert journey.prefect.resume_flow_run(run.id).status.value == "REJECT"
    for missing in ("decision", "your_name", "reason", "evidence"):
        form = {
            "decision": "approve",
            "your_name": "n",
            "reason": "r",
            "evidence": journey.events[-1].evidence_digest,
        }
        del form[missing]
        assert journey.prefect.resume_flow_run(run.id, run_input=form).status.value == "REJECT"
    assert journey.told == ["requested 1"]


@pytest.mark.parametrize("force", [True, False])
def test_resuming_the_run_without_its_form_approves_nothing_and_asks_again(
    journey: Journey, force: bool
) -> None:
    run, _ = journey.ask(journey.candidate())
    journey.prefect.set_flow_run_state(run.id, Scheduled(), force=force)
    assert journey.run(promote_candidate, run).name == "Suspended"
    assert not {"approved 1", "promoted 1"} & set(journey.told)
    assert journey.answer(run, "approve").name == "Promoted"


def without_a_question(schema: dict[str, Any]) -> None:
    schema["required"].remove("reason")


def for_any_evidence(schema: dict[str, Any]) -> None:
    del schema["properties"]["evidence"]["enum"]


@pytest.mark.parametrize(
    ("change", "form"),
    [(without_a_question, {}), (for_any_evidence, {"reason": "r", "evidence": "0" * 64})],
)
def test_an_answer_to_a_form_of_an_older_release_does_not_count_and_is_asked_again(
    journey: Journey, change: Callable[[dict[str, Any]], None], form: dict[str, str]
) -> None:
    run, state = journey.ask(journey.candidate())
    key = state.state_details.run_input_keyset["schema"]
    schema = json.loads(journey.prefect.read_flow_run_input(run.id, key))
    change(schema)
    journey.prefect.delete_flow_run_input(run.id, key)
    journey.prefect.create_flow_run_input(run.id, key, json.dumps(schema))
    answer = {
        "decision": "approve",
        "your_name": "release lead",
        "evidence": journey.events[-1].evidence_digest,
    } | form
    assert journey.prefect.resume_flow_run(run.id, run_input=answer).status.value == "ACCEPT"

    assert journey.run(promote_candidate, run).name == "Suspended"
    assert journey.told == ["requested 1", "answer_invalid 1"]
    assert journey.answer(run, "approve").name == "Promoted"


def test_a_gate_that_changed_while_it_waited_makes_the_yes_stale(journey: Journey) -> None:
    run, _ = journey.ask(journey.candidate())
    path = journey.settings.models / f"{journey.model}.yaml"
    path.write_text(path.read_text().replace("at_least: 0.5", "at_least: 0.4"))
    state = journey.answer(run, "approve")
    assert (state.name, "the gate changed" in str(state.message)) == ("Stale", True)
    assert journey.aliases() == {}


def test_model_files_that_changed_while_it_waited_make_the_yes_stale(
    journey: Journey, tmp_path: Path
) -> None:
    version = journey.train()
    run, _ = journey.ask(version)
    (logged,) = journey.mlflow.search_logged_models(
        [journey.mlflow.get_run(journey.versions()[0].run_id).info.experiment_id]
    )
    forged = tmp_path / "python_env.yaml"
    forged.write_text("python: 2.7\n")
    journey.mlflow.log_model_artifact(logged.model_id, str(forged))
    state = journey.answer(run, "approve")
    assert state.name == "Stale"
    assert "not" in str(state.message)
    assert "as when they were judged" in str(state.message)
    assert journey.aliases() == {}


def test_damaged_model_files_are_refused_before_anybody_is_asked(
    journey: Journey, tmp_path: Path
) -> None:
    version = journey.train()
    (logged,) = journey.mlflow.search_logged_models(
        [journey.mlflow.get_run(journey.versions()[0].run_id).info.experiment_id]
    )
    forged = tmp_path / "MLmodel"
    forged.write_text("flavors: {}\n")
    journey.mlflow.log_model_artifact(logged.model_id, str(forged))
    _, state = journey.ask(version)
    assert state.name == "Refused"


def test_a_second_request_is_deferred_and_made_again_when_the_first_ends_without_promotion(
    journey: Journey,
) -> None:
    first, _ = journey.ask(journey.candidate())
    second = journey.candidate()
    _, state = journey.ask(second)
    assert state.name == "Deferred"
    assert "behind version 1, which waits since" in str(state.message)
    assert journey.answer(first, "reject").name == "Rejected"
    (again,) = [
        run
        for run in journey.promotions()
        if run.parameters.get("version") == second and run.state_name == "Scheduled"
    ]
    assert journey.run(promote_candidate, again).name == "Suspended"
    assert journey.told == ["requested 1", "deferred 2", "rejected 1", "requested 2"]


def test_a_request_that_is_replaced_is_withdrawn_and_its_flow_run_ended(journey: Journey) -> None:
    first, _ = journey.ask(journey.candidate())
    second, state = journey.ask(journey.candidate(), instead=True)
    assert state.name == "Suspended"
    assert journey.told == ["requested 1", "withdrawn 1", "requested 2"]
    replaced = journey.read(first.id)
    assert (replaced.state_type, replaced.state_name) == (StateType.CANCELLED, "Withdrawn")
    assert journey.answer(second, "approve").name == "Promoted"
    # as the UI's Retry does
    journey.again(first)
    assert journey.run(promote_candidate, first).name == "Withdrawn"
    assert journey.aliases() == {"champion": 2, "reference": 2}


def test_a_forced_retry_of_a_finished_promotion_changes_nothing(journey: Journey) -> None:
    version = journey.candidate()
    run, _ = journey.ask(version)
    journey.answer(run, "approve")
    before = journey.events
    journey.promote()
    journey.prefect.set_flow_run_state(run.id, Scheduled(), force=True)
    assert journey.run(promote_candidate, run).name == "Promoted"
    assert journey.events[: len(before)] == before
    assert journey.told[len(before) :] == ["requested 2", "approved 2", "promoted 2"]
    assert journey.aliases() == {"champion": 2, "reference": 1}


def test_a_forced_retry_of_a_deferred_promotion_still_asks_nobody(
    journey: Journey,
) -> None:
    first, _ = journey.ask(journey.candidate())
    second, _ = journey.ask(journey.candidate())
    journey.answer(first, "reject")
    before = journey.told
    journey.again(second)
    assert journey.run(promote_candidate, second).name == "Deferred"
    assert journey.told == before


DEATHS = [
    ("flows.promotion:request", "before"),
    ("tasks.release.ledger:Ledger.append", "after=requested"),
    ("flows.promotion:project", "before"),
    ("prefect.input:RunInput.save", "before"),
]


@pytest.mark.parametrize(("place", "when"), DEATHS)
def test_killed_before_the_wait_the_same_run_again_asks_once(
    journey: Journey, place: str, when: str
) -> None:
    version = journey.candidate()
    run = journey.start(promote_candidate, version=version)
    journey.kill_at(run, place, when)
    journey.again(run)
    assert journey.run(promote_candidate, run).name == "Suspended"
    assert journey.answer(run, "approve").name == "Promoted"
    assert [told for told in journey.told if "answer_invalid" not in told] == [
        "requested 1",
        "approved 1",
        "promoted 1",
    ]
    assert len(journey.mlflow_runs(run)) == 1


@pytest.mark.parametrize("event", ["approved", "promoted"])
def test_killed_after_the_yes_the_same_run_again_promotes_once(
    journey: Journey, event: str
) -> None:
    run, _ = journey.ask(journey.candidate())
    journey.fill_in(run, "approve")
    journey.kill_at(run, "tasks.release.ledger:Ledger.append", f"after={event}")
    journey.again(run)
    assert journey.run(promote_candidate, run).name == "Promoted"
    assert journey.told == ["requested 1", "approved 1", "promoted 1"]
    assert journey.aliases() == {"champion": 1, "reference": 1}
    assert journey.stages() == {1: "Production"}


def test_killed_between_commit_and_projection_the_next_promotion_flow_shows_it(
    journey: Journey,
) -> None:
    run, _ = journey.ask(journey.candidate())
    journey.fill_in(run, "approve")
    journey.kill_at(run, "tasks.release.ledger:Ledger.append", "after=promoted")
    journey.again(run)
    assert "champion" not in journey.aliases()
    _, state = journey.ask(journey.candidate())
    assert state.name == "Suspended"
    assert journey.aliases() == {"champion": 1, "reference": 1, "challenger": 2}


def test_of_two_requests_at_once_one_is_pending_and_the_other_is_deferred(journey: Journey) -> None:
    first, second = journey.candidate(), journey.candidate()
    runs = [journey.start(promote_candidate, version=version) for version in (first, second)]
    for worker in [dying.begin(run.id, "os:abort", "before") for run in runs]:
        dying.wait_for(worker)
    states = sorted(str(journey.read(run.id).state_name) for run in runs)
    assert states == ["Deferred", "Suspended"]
    assert len([told for told in journey.told if told.startswith("requested")]) == 1


def test_a_trained_version_never_reaches_production_by_itself(journey: Journey) -> None:
    run = journey.start(train_candidate)
    journey.run(train_candidate, run)
    assert journey.told == []
    assert journey.aliases() == {}
