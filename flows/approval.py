"""How a person is asked: a form that holds the evidence, and a flow run that suspends until then.

Not here: what follows from an answer (tasks/release/promotion_answer.py).
"""

from typing import Annotated, Any, Literal

from prefect import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field, ValidationError, create_model

from tasks.release.promotion_answer import Answer
from tasks.verdict import wording
from tasks.verdict.evidence import Evidence

RequiredText = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


def approval_form(digest: str) -> type[RunInput]:
    """Four questions, none with a default.

    The server refuses every evidence digest but this one, and the flow compares it once more.
    """
    fields: dict[str, Any] = {
        "decision": (
            Literal["approve", "reject"],
            Field(description="Whether this version goes into production."),
        ),
        "your_name": (RequiredText, Field(description="Who decides. The ledger records it.")),
        "reason": (RequiredText, Field(description="Why. The ledger records it.")),
        "evidence": (
            str,
            Field(
                description="Select it to confirm that you have read the evidence above.",
                json_schema_extra={"enum": [digest]},
            ),
        ),
    }
    return create_model("Approval", __base__=RunInput, **fields)


def ask(evidence: Evidence, digest: str, page: str, invalid_answers: int) -> Answer | None:
    """The person's answer, or None if the run was resumed without a complete form.

    While there is no answer the flow run is suspended, and this call does not return.
    """
    description = wording.form_text(evidence, page)
    form = approval_form(digest).with_initial_data(description=description)
    # with the run count, a retried flow run asks again instead of finding the previous answer
    key = f"approval-{flow_run.run_count}-{invalid_answers}"
    try:
        filled_in: Any = suspend_flow_run(wait_for_input=form, key=key, timeout=None)
    except ValidationError:
        return None
    return Answer(
        filled_in.decision,
        filled_in.your_name.strip(),
        filled_in.reason.strip(),
        filled_in.evidence,
    )
