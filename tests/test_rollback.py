"""roll_back and move_reference on real servers: done once, recorded, or refused."""

import shutil

import mlflow
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Scheduled

from deployments.stack import Stack
from flows.promotion import promote_candidate
from flows.rollback import move_reference, roll_back
from tests.journeys import Journey

BY = {"asked_by": "on-call", "reason": "alerts doubled"}


@pytest.fixture
def two_champions(journey: Journey) -> Journey:
    """Version 2 in place of version 1, which is the reference."""
    journey.crown()
    journey.crown()
    return journey


def corrected(journey: Journey, flow: object, version: int) -> tuple[FlowRun, State[object]]:
    run = journey.start(flow, version=version, **BY)  # type: ignore[arg-type] # either flow
    return run, journey.run(flow, run)  # type: ignore[arg-type]


def test_a_former_champion_serves_again_on_record_in_both_systems(two_champions: Journey) -> None:
    journey = two_champions
    run, state = corrected(journey, roll_back, 1)
    assert (state.type.value, state.name) == ("COMPLETED", "Rolled back")
    rolled_back = journey.events[-1]
    assert (rolled_back.event, rolled_back.version_from, rolled_back.version_to) == (
        "rolled_back",
        2,
        1,
    )
    assert (rolled_back.who, rolled_back.why) == ("on-call", "alerts doubled")
    promoted = next(event for event in journey.events if event.event == "promoted")
    assert rolled_back.evidence_digest == promoted.evidence_digest
    assert journey.stages() == {1: "Production", 2: "Archived"}
    assert journey.aliases() == {"champion": 1, "reference": 1}
    served = mlflow.pyfunc.load_model(f"models:/{journey.model}@champion")
    assert (
        served.metadata.model_uuid
        == mlflow.pyfunc.load_model(f"models:/{journey.model}/1").metadata.model_uuid
    )
    assert journey.mlflow.get_model_version(journey.model, "1").description.startswith(
        "Rolled back to, and in Production again on"
    )
    (done,) = journey.mlflow_runs(run)
    assert (done.info.status, done.data.tags["ratchet.flow"]) == ("FINISHED", "roll_back")
    assert (
        "is the champion again in place of 2, by on-call" in done.data.tags["mlflow.note.content"]
    )

    journey.prefect.set_flow_run_state(run.id, Scheduled(), force=True)  # as the UI's Retry does
    assert journey.run(roll_back, run).name == "Rolled back"
    assert journey.told.count("rolled_back 1") == 1


def test_the_reference_moves_because_a_person_says_so_and_a_rollback_behind_it_moves_it_back(
    two_champions: Journey,
) -> None:
    journey = two_champions
    _, state = corrected(journey, move_reference, 2)
    assert state.name == "Reference set"
    assert journey.aliases() == {"champion": 2, "reference": 2}
    assert (
        journey.events[-1].who,
        journey.events[-1].version_from,
        journey.events[-1].version_to,
    ) == ("on-call", 2, 2)
    assert "is the reference already" in str(corrected(journey, move_reference, 2)[1].message)
    corrected(journey, roll_back, 1)
    assert journey.aliases() == {"champion": 1, "reference": 1}
    assert journey.ledger.verify(journey.model) == len(journey.events)


def test_the_answer_to_a_question_asked_beside_another_champion_or_reference_no_longer_counts(
    two_champions: Journey,
) -> None:
    journey = two_champions
    asked, _ = journey.ask(journey.candidate())
    corrected(journey, roll_back, 1)
    assert journey.answer(asked, "approve").name == "Stale"
    again, _ = journey.ask(3)
    corrected(journey, move_reference, 2)
    assert journey.answer(again, "approve").name == "Stale"
    assert journey.aliases() == {"champion": 1, "reference": 2}


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (2, "version 2 of {model} is the champion already"),
        (3, "version 3 of {model} was never the champion; former champions"),
    ],
)
def test_there_is_no_way_back_to_what_serves_or_never_served(
    two_champions: Journey, version: int, sentence: str
) -> None:
    journey = two_champions
    journey.candidate()
    before = journey.told
    _, state = corrected(journey, roll_back, version)
    assert state.type.value == "FAILED"
    assert sentence.format(model=journey.model) in str(state.message)
    assert journey.told == before


def test_a_former_champion_whose_files_are_gone_does_not_serve_again(
    journey: Journey, servers: Stack
) -> None:
    journey.crown(journey.train())
    journey.crown()
    shutil.rmtree(journey.files_of(1, servers))
    before = journey.told
    _, state = corrected(journey, roll_back, 1)
    assert "cannot serve again, the champion stays: the model's files are no longer there" in str(
        state.message
    )
    assert journey.told == before
    assert journey.aliases() == {"champion": 2, "reference": 1}


def test_a_former_champion_that_was_deleted_does_not_serve_again(two_champions: Journey) -> None:
    journey = two_champions
    journey.mlflow.delete_model_version(journey.model, "1")
    before = journey.told
    _, state = corrected(journey, roll_back, 1)
    assert f"{journey.model} has no version 1; it has 2" in str(state.message)
    assert journey.told == before


def test_a_yes_to_a_version_that_was_deleted_meanwhile_promotes_nothing(
    two_champions: Journey,
) -> None:
    journey = two_champions
    asked, _ = journey.ask(journey.candidate())
    journey.mlflow.delete_model_version(journey.model, "3")
    state = journey.answer(asked, "approve")
    assert state.name == "Stale"
    assert "the candidate was deleted from the registry" in str(state.message)
    assert journey.aliases() == {"champion": 2, "reference": 1}


def test_of_two_rollbacks_at_once_the_second_changes_nothing(two_champions: Journey) -> None:
    journey = two_champions
    runs = [journey.start(roll_back, version=1, **BY) for _ in range(2)]
    assert [journey.run(roll_back, run).type.value for run in runs] == ["COMPLETED", "FAILED"]
    assert journey.told.count("rolled_back 1") == 1


def test_a_promotion_after_a_rollback_is_judged_beside_the_champion_that_came_back(
    two_champions: Journey,
) -> None:
    journey = two_champions
    corrected(journey, roll_back, 1)
    run, _ = journey.ask(journey.candidate())
    compared = journey.ledger.evidence_of(journey.events[-1]).version_numbers
    assert (compared["champion"], compared["reference"]) == (1, 1)
    assert journey.answer(run, "approve").name == "Promoted"
    assert journey.run(promote_candidate, run).name == "Promoted"
