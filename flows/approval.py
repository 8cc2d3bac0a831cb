"""How a person is asked: a form that holds the evidence, and a flow run that lets its process go until the form is answered.

Not here: what an answer comes to (tasks/release/promotion_answer.py).
"""

from typing import Annotated, Any, Literal

from prefect import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field, ValidationError, create_model

from tasks.release.promotion_answer import Answer
from tasks.verdict import wording

Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


def form(digest: str) -> type[RunInput]:
    """Four questions, none with a default. The server refuses any digest but this one; what it lets by is compared again."""
    fields: dict[str, Any] = {
        "decision": (
            Literal["approve", "reject"],
            Field(description="Whether this version goes into production."),
        ),
        "your_name": (Words, Field(description="Who decides; it goes on record.")),
        "reason": (Words, Field(description="Why; it goes on record.")),
        "evidence": (
            str,
            Field(
                description="Choose it to say that you saw the evidence above.",
                json_schema_extra={"enum": [digest]},
            ),
        ),
    }
    return create_model("Approval", __base__=RunInput, **fields)


def ask(document: dict[str, Any], digest: str, page: str, invalid_before: int) -> Answer | None:
    """The answer, once there is one; until then the flow run is suspended and this call does not come back. None for an answer that is none.

    The key carries the run count: a retry of the flow run must ask anew instead of finding the answer to the last question.
    """
    question = form(digest).with_initial_data(description=wording.as_question(document, page))
    try:
        given: Any = suspend_flow_run(
            wait_for_input=question,
            key=f"approval-{flow_run.run_count}-{invalid_before}",
            timeout=None,
        )
    except ValidationError:  # the run was set going without its form
        return None
    return Answer(given.decision, given.your_name.strip(), given.reason.strip(), given.evidence)
