"""Repair of what the systems disagree on: dead requests, outdated labels, runs left open."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled, Failed, State, Suspended

from configs.errors import RatchetError
from flows import request_queue
from flows.promotion import promote_candidate
from flows.reconciliation import reconcile
from flows.training import train_candidate
from tasks.release.events import Entry
from tests.journeys import Journey

APPEND = "tasks.release.ledger:Ledger.append"


def test_a_request_whose_process_died_is_resumed_and_can_be_answered(journey: Journey) -> None:
    run = journey.start(promote_candidate, version=journey.candidate())
    journey.kill_at(run, APPEND, "after=requested")
    _, behind = journey.ask(journey.candidate())  # a promotion flow reconciles its own model
    assert behind.name == "Deferred"
    assert journey.run(promote_candidate, run).name == "Suspended"
    assert journey.answer(run, "approve").name == "Promoted"
    assert journey.told == ["requested 1", "deferred 2", "approved 1", "promoted 1"]


def test_a_yes_whose_process_died_before_the_promotion_is_carried_out(journey: Journey) -> None:
    run, _ = journey.ask(journey.candidate())
    journey.fill_in(run, "approve")
    journey.kill_at(run, APPEND, "after=approved")
    reconcile(journey.settings)
    assert journey.read(run.id).state_name == "Scheduled"
    assert journey.run(promote_candidate, run).name == "Promoted"
    assert journey.told == ["requested 1", "approved 1", "promoted 1"]


def test_a_request_that_no_process_survives_is_withdrawn(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_queue, "MOST_STARTS", 1)
    run = journey.start(promote_candidate, version=journey.candidate())
    journey.kill_at(run, APPEND, "after=requested")
    reconcile(journey.settings)
    assert journey.told == ["requested 1", "withdrawn 1"]


@pytest.mark.parametrize(("state", "ending"), [(Cancelled(), "KILLED"), (Failed(), "FAILED")])
def test_a_request_whose_flow_run_is_over_is_withdrawn_and_the_next_is_requested(
    journey: Journey, state: State[None], ending: str
) -> None:
    run, _ = journey.ask(journey.candidate())
    journey.ask(journey.candidate())
    journey.prefect.set_flow_run_state(run.id, state, force=True)
    for _ in range(2):  # the second finds nothing more to do
        reconcile(journey.settings)
    assert journey.told == ["requested 1", "deferred 2", "withdrawn 1"]
    assert journey.stages() == {1: "None", 2: "None"}
    (mirrored,) = journey.mlflow_runs(run)
    assert (mirrored.info.status, mirrored.data.tags["ratchet.outcome"]) == (ending, state.name)
    (next_run,) = [run for run in journey.promotions() if run.state_type == StateType.SCHEDULED]
    assert next_run.parameters["version"] == 2


def test_a_request_whose_flow_run_was_deleted_is_withdrawn_and_its_mlflow_run_ended(
    journey: Journey,
) -> None:
    run, _ = journey.ask(journey.candidate())
    journey.prefect.delete_flow_run(run.id)
    reconcile(journey.settings)
    assert journey.told == ["requested 1", "withdrawn 1"]
    (mirrored,) = journey.mlflow_runs(run)
    assert (mirrored.info.status, mirrored.data.tags["ratchet.outcome"]) == ("FAILED", "Deleted")


def test_a_request_past_its_days_is_expired_and_its_flow_run_ended(journey: Journey) -> None:
    run = journey.start(promote_candidate, version=journey.candidate())
    long_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=8)
    entry = Entry(
        model=journey.model,
        event="requested",
        version_to=1,
        who="somebody",
        identity="declared",
        flow_run=str(run.id),
        mlflow_run="gone",
        key=f"{run.id}:requested",
    )
    journey.ledger.append(entry, after=0, time=long_ago)
    journey.prefect.set_flow_run_state(run.id, Suspended(), force=True)
    _, state = journey.ask(journey.candidate())
    assert state.name == "Suspended"
    assert journey.told == ["requested 1", "expired 1", "requested 2"]
    expired = journey.read(run.id)
    assert (expired.state_type, expired.state_name) == (StateType.CANCELLED, "Expired")
    assert (expired.labels["ratchet.outcome"], expired.labels["ratchet.version"]) == ("expired", 1)


def test_labels_that_fell_behind_the_ledger_are_set_again(journey: Journey) -> None:
    version = journey.crown()
    journey.mlflow.delete_registered_model_alias(journey.model, "champion")
    journey.mlflow.set_model_version_tag(journey.model, str(version), "stage", "None")
    reconcile(journey.settings)
    assert journey.aliases() == {"champion": version, "reference": version}
    assert journey.stages() == {version: "Production"}


def test_a_run_that_is_still_waiting_is_left_alone(journey: Journey) -> None:
    run, _ = journey.ask(journey.candidate())
    reconcile(journey.settings)
    assert journey.read(run.id).state_name == "Suspended"
    (waiting,) = journey.mlflow_runs(run)
    assert waiting.info.status == "SCHEDULED"
    assert journey.told == ["requested 1"]


def test_a_run_of_another_model_than_its_deployments_does_nothing(journey: Journey) -> None:
    run = journey.start(train_candidate, model="somebody_elses")
    state = journey.run(train_candidate, run)
    assert state.name == "Failed"
    assert f"this deployment belongs to {journey.model}" in str(state.message)
    assert journey.read(run.id).labels["ratchet.error"] == "UsageError"
    assert journey.mlflow.get_experiment_by_name("somebody_elses") is None


def test_one_models_trouble_does_not_keep_the_others_from_their_repair(
    new_journey: Callable[..., Journey],
) -> None:
    damaged, journey = sorted((new_journey(), new_journey()), key=lambda journey: journey.model)
    damaged.ask(damaged.candidate())
    run, _ = journey.ask(journey.candidate())
    damaged.mlflow.delete_registered_model(damaged.model)
    (journey.settings.models / "broken.yaml").write_text("name: broken\nname: twice\n")
    journey.prefect.set_flow_run_state(run.id, Cancelled(), force=True)
    with pytest.raises(RatchetError, match=rf"could not be repaired: {damaged.model}; see the log"):
        reconcile(journey.settings)
    assert journey.told == ["requested 1", "withdrawn 1"]
