"""What the commands and the stack ask of a real Prefect server."""

from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule

from configs.errors import RatchetError, UsageError
from deployments.prefect_api import Prefect
from flows.training import train_candidate
from tests.journeys import Journey


def test_of_late_scheduled_runs_the_newest_stays_and_older_ones_end_as_skipped(
    journey: Journey,
) -> None:
    made = _late_runs(journey)
    by_hand = journey.start(train_candidate)
    with Prefect(journey.settings) as prefect:
        prefect.skip_late()
    *older, newest = sorted(
        (journey.read(run.id) for run in made), key=lambda run: str(run.expected_start_time)
    )
    assert len(older) >= 2
    assert {run.state_name for run in older} == {"Skipped"}
    assert newest.state_name in ("Scheduled", "Late")
    assert journey.read(by_hand.id).state_name == "Scheduled"


def test_a_model_that_is_no_more_makes_no_runs(journey: Journey) -> None:
    made = _late_runs(journey)
    with Prefect(journey.settings) as prefect:
        prefect.pause_others([])
        prefect.skip_late()
    assert journey.prefect.read_deployment_by_name(f"train_candidate/{journey.model}").paused
    assert {journey.read(run.id).state_name for run in made} == {"Skipped"}


def test_what_prefect_does_not_know_or_take_is_said_in_a_sentence(journey: Journey) -> None:
    waiting = journey.start(train_candidate)
    with Prefect(journey.settings) as prefect:
        with pytest.raises(
            UsageError, match=r"Prefect knows no flow run 00000000-.*; it was deleted"
        ):
            prefect.read("00000000-0000-4000-8000-000000000000")
        with pytest.raises(UsageError, match=r"the answer was not taken: "):
            prefect.answer(str(waiting.id), {"decision": "approve"})
        with pytest.raises(RatchetError, match=r"does not serve nobody; restart it: ratchet up"):
            prefect.start("train_candidate", "nobody", {})


def _late_runs(journey: Journey) -> list[FlowRun]:
    """Runs of a schedule whose times have passed, as a server finds them when it was down."""
    deployment = journey.prefect.read_deployment_by_name(f"train_candidate/{journey.model}")
    schedule = CronSchedule(cron="* * * * *", timezone="UTC")
    journey.prefect.create_deployment_schedules(deployment.id, [(schedule, True)])
    now = datetime.now(UTC)
    span = {
        "start_time": (now - timedelta(minutes=5)).isoformat(),
        "end_time": now.isoformat(),
        "min_runs": 3,
    }
    journey.prefect.request(
        "POST", "/deployments/{id}/schedule", path_params={"id": deployment.id}, json=span
    )
    runs = [
        run
        for run in journey.prefect.read_flow_runs(limit=200)
        if run.deployment_id == deployment.id
    ]
    return [run for run in runs if run.expected_start_time and run.expected_start_time < now]
