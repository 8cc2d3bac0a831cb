"""A flow run's outcome is what its flow recorded in labels during its present attempt."""

from typing import Any

import pytest

from configs import errors
from configs.errors import DataRejected, NotPromoted, RatchetError, UsageError
from deployments.commands.progress import require_success
from deployments.flow_run import ERRORS, read_flow_run


def body(type: str, name: str, **labels: Any) -> dict[str, Any]:
    """An answer of Prefect's server about a run in its second attempt, with labels of ours."""
    ours = {f"ratchet.{key}": value for key, value in labels.items()}
    return {
        "id": "id",
        "name": "tiny 7 #1234",
        "run_count": 2,
        "labels": {"prefect.flow.id": "f", "ratchet.run_count": 2, **ours},
        "state": {"type": type, "name": name, "message": "the message"},
    }


def test_a_registered_version_is_a_number() -> None:
    run = read_flow_run(body("COMPLETED", "Registered", outcome="registered", version=7))
    assert (run.outcome, run.version, run.error) == ("registered", 7, None)
    require_success(run)


def test_labels_of_an_earlier_attempt_are_ignored() -> None:
    stale = body("CRASHED", "Crashed", outcome="promoted", version=7, run_count=1)
    run = read_flow_run(stale)
    assert (run.outcome, run.version, run.error) == (None, None, None)
    with pytest.raises(RatchetError, match=r"tiny 7 #1234 ended Crashed: the message"):
        require_success(run)


def test_blank_labels_say_nothing() -> None:
    """A flow blanks the labels of its earlier attempt, because Prefect removes none."""
    blank = body("COMPLETED", "Promoted", outcome="promoted", version=7, error="", error_message="")
    require_success(read_flow_run(blank))
    failed = body("FAILED", "Failed", outcome="", version=0, error="HookFailed", error_message="m")
    run = read_flow_run(failed)
    assert (run.outcome, run.version) == (None, None)


def test_an_error_is_raised_as_the_class_that_its_flow_met() -> None:
    message = "12 of 9,488 amounts are null"
    failed = body("FAILED", "Failed", error="DataRejected", error_message=message)
    with pytest.raises(DataRejected) as raised:
        require_success(read_flow_run(failed))
    assert str(raised.value) == message


def test_an_error_of_an_unknown_class_is_named() -> None:
    failed = body("FAILED", "Failed", error="Newer", error_message="not known here")
    with pytest.raises(RatchetError, match=r"^Newer: not known here$"):
        require_success(read_flow_run(failed))


def test_every_error_of_the_tree_is_found_by_name() -> None:
    tree = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, RatchetError)
    }
    assert tree == ERRORS


@pytest.mark.parametrize(
    "outcome", ["refused", "rejected", "stale", "deferred", "expired", "withdrawn"]
)
def test_a_promotion_that_ended_without_a_new_champion_is_no_success(outcome: str) -> None:
    kind = "CANCELLED" if outcome == "expired" else "COMPLETED"
    run = read_flow_run(body(kind, outcome.capitalize(), outcome=outcome, version=7))
    with pytest.raises(NotPromoted, match=rf"^{outcome.capitalize()}: the message$"):
        require_success(run)


@pytest.mark.parametrize(
    "outcome", ["registered", "explored", "scored", "promoted", "rolled_back", "reference_set"]
)
def test_a_run_that_did_what_it_was_started_for_is_a_success(outcome: str) -> None:
    require_success(read_flow_run(body("COMPLETED", "Done", outcome=outcome)))


def test_a_rejection_is_a_success_for_the_person_who_rejects() -> None:
    run = read_flow_run(body("COMPLETED", "Rejected", outcome="rejected", version=7))
    require_success(run, wanted="rejected")
    with pytest.raises(NotPromoted):
        require_success(run, wanted="promoted")


def test_a_suspended_run_is_a_success() -> None:
    require_success(read_flow_run(body("PAUSED", "Suspended")))


@pytest.mark.parametrize(
    ("type", "name"), [("FAILED", "Failed"), ("CANCELLED", "Cancelled"), ("COMPLETED", "Completed")]
)
def test_a_run_without_an_outcome_is_an_error_with_prefects_words(type: str, name: str) -> None:
    with pytest.raises(RatchetError, match=rf"ended {name}: the message") as raised:
        require_success(read_flow_run(body(type, name)))
    assert not isinstance(raised.value, UsageError | NotPromoted)
