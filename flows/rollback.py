"""roll_back and move_reference: what a person changes without asking anybody.

No retries: each event is appended once, and whoever started a run that died starts it again.
"""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows import mirror
from flows.outcome import Outcome, publish_outcome
from flows.release import close, open_promotion_run, run_name
from flows.steps import step
from tasks.release import reference, rollback

roll_back_once = step(rollback.roll_back, "roll back", str)
move_reference_once = step(reference.move_reference, "reference", str)

Version = Annotated[int, Field(ge=1)]
Reason = Annotated[str, Field(min_length=1)]


@flow(name="roll_back", flow_run_name=run_name, retries=0, **mirror.HOOKS)
@publish_outcome
def roll_back(
    model: str, version: Version, reason: Reason, asked_by: str = "somebody in the Prefect UI"
) -> Outcome:
    """Put a former champion back into production, after checking that its files are unchanged.

    Args:
        model: The model to roll back.
        version: The former champion that goes back into production.
        reason: Why. The ledger records it.
        asked_by: Who requests it. The ledger records it.
    """
    run = open_promotion_run(model, version)
    return close(run, roll_back_once(run, asked_by, reason))


@flow(name="move_reference", flow_run_name=run_name, retries=0, **mirror.HOOKS)
@publish_outcome
def move_reference(
    model: str, version: Version, reason: Reason, asked_by: str = "somebody in the Prefect UI"
) -> Outcome:
    """Make a present or former champion the reference that later champions are also compared with.

    Args:
        model: The model whose reference moves.
        version: The present or former champion that becomes the reference.
        reason: Why. The ledger records it.
        asked_by: Who requests it. The ledger records it.
    """
    run = open_promotion_run(model, version)
    return close(run, move_reference_once(run, asked_by, reason))
