"""What the commands and the stack ask of a real Prefect server."""

from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.states import Running

from configs.errors import RatchetError, UsageError
from deployments.prefect_api import Prefect
from flows.training import train_candidate
from tests.journeys import Journey


class AllBut(Container[str]):
    """Every name but one: other tests deploy models on the same server at the same time."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __contains__(self, name: object) -> bool:
        return name != self._name


def test_of_late_scheduled_runs_the_newest_stays_and_older_ones_end_as_skipped(
    journey: Journey,
) -> None:
    late = _late_runs(journey)
    by_hand = journey.start(train_candidate)
    with Prefect(journey.settings) as prefect:
        prefect.skip_late()
    runs = [journey.read(run.id) for run in late]
    *older, newest = sorted(runs, key=lambda run: str(run.expected_start_time))
    assert {run.state_name for run in older} == {"Skipped"}
    assert newest.state_name in ("Scheduled", "Late")
    assert journey.read(by_hand.id).state_name == "Scheduled"


def test_a_model_that_was_removed_schedules_no_runs(journey: Journey) -> None:
    late = _late_runs(journey)
    with Prefect(journey.settings) as prefect:
        prefect.pause_others(AllBut(journey.model))
        prefect.skip_late()
    assert journey.prefect.read_deployment_by_name(f"train_candidate/{journey.model}").paused
    assert {journey.read(run.id).state_name for run in late} == {"Skipped"}


def test_what_prefect_does_not_know_or_accept_is_said_in_a_sentence(journey: Journey) -> None:
    waiting = journey.start(train_candidate)
    unknown = "00000000-0000-4000-8000-000000000000"
    with Prefect(journey.settings) as prefect:
        with pytest.raises(UsageError, match=rf"Prefect does not know flow run {unknown}; it may"):
            prefect.read(unknown)
        with pytest.raises(UsageError, match=r"Prefect did not accept the answer: "):
            prefect.answer(str(waiting.id), {"decision": "approve"})
        with pytest.raises(RatchetError, match=r"does not serve nobody; .* restart it: ratchet up"):
            prefect.start("train_candidate", "nobody", {})


def test_an_outcome_is_read_from_the_labels_of_the_present_attempt(journey: Journey) -> None:
    started = journey.start(train_candidate).id
    journey.prefect.set_flow_run_state(started, Running(), force=True)
    labels = {"ratchet.outcome": "registered", "ratchet.version": 7, "ratchet.run_count": 1}
    _label(journey, started, labels)
    with Prefect(journey.settings) as prefect:
        run = prefect.read(str(started))
        assert (run.outcome, run.version) == ("registered", 7)
        prefect.reschedule(str(started), "once more")
        journey.prefect.set_flow_run_state(started, Running(), force=True)
        assert journey.read(started).run_count == 2
        assert prefect.read(str(started)).outcome is None


def test_the_page_of_a_flow_run_is_in_prefects_ui(journey: Journey) -> None:
    page = journey.settings.flow_run_page("some-id")
    assert page == f"{journey.settings.prefect_ui}/runs/flow-run/some-id"


def _label(journey: Journey, flow_run: UUID, labels: Mapping[str, Any]) -> None:
    journey.prefect.request(
        "PATCH", "/flow_runs/{id}/labels", path_params={"id": flow_run}, json=dict(labels)
    )


def _late_runs(journey: Journey) -> list[FlowRun]:
    """Three runs of a schedule whose times have passed, as a server finds them after it was down.

    The next is due in an hour: however slow the machine, none becomes due while a test runs.
    """
    deployment = journey.prefect.read_deployment_by_name(f"train_candidate/{journey.model}")
    now = datetime.now(UTC)
    schedule = IntervalSchedule(interval=timedelta(hours=2), anchor_date=now - timedelta(hours=1))
    journey.prefect.create_deployment_schedules(deployment.id, [(schedule, True)])
    span = {
        "start_time": (now - timedelta(hours=6)).isoformat(),
        "end_time": now.isoformat(),
        "min_runs": 3,
    }
    path = {"id": deployment.id}
    journey.prefect.request("POST", "/deployments/{id}/schedule", path_params=path, json=span)
    runs = journey.flow_runs(train_candidate)
    late = [run for run in runs if run.expected_start_time and run.expected_start_time < now]
    assert len(late) == 3
    return late
