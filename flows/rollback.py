"""roll_back and move_reference: what a person changes without a question, through the one process that writes the ledger.

No retries: each event is appended once, and a run that died is set going again by whoever started it.
"""

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows import mirror
from flows.promotion import finish, open_promotion_run, run_name
from flows.steps import step
from tasks.release import rollback

roll_back_once = step(rollback.roll_back, "roll back", str)
move_reference_once = step(rollback.move_reference, "reference", str)

Version = Annotated[int, Field(ge=1)]
Reason = Annotated[str, Field(min_length=1)]


@flow(name="roll_back", flow_run_name=run_name, retries=0, **mirror.HOOKS)
def roll_back(
    model: str, version: Version, reason: Reason, asked_by: str = "somebody in the Prefect UI"
) -> State[Any]:
    """Make a former champion serve again, after its files were found to be those that were judged.

    Args:
        model: The model whose champion goes back.
        version: The former champion that serves again.
        reason: Why; it goes on record.
        asked_by: Who asks; it goes on record.
    """
    run = open_promotion_run(model, version, "roll_back")
    return finish(run, roll_back_once(run, asked_by, reason))


@flow(name="move_reference", flow_run_name=run_name, retries=0, **mirror.HOOKS)
def move_reference(
    model: str, version: Version, reason: Reason, asked_by: str = "somebody in the Prefect UI"
) -> State[Any]:
    """Make a version that is or was the champion the reference, below which no later champion may creep.

    Args:
        model: The model whose reference moves.
        version: The champion of now or before that becomes the reference.
        reason: Why; it goes on record.
        asked_by: Who asks; it goes on record.
    """
    run = open_promotion_run(model, version, "move_reference")
    return finish(run, move_reference_once(run, asked_by, reason))
