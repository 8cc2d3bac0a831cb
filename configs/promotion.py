"""The `promotion` and `approval` sections of a YAML: when a person is asked, and for how long.

Not here: asking (flows/approval.py); what follows from the answer (tasks/release).
"""

from typing import Literal

from pydantic import Field, model_validator

from configs.section import Days, Section


class Promotion(Section):
    """When a person is asked whether to promote a candidate that passes."""

    ask: Literal["on_candidate", "when_better", "manual"] = Field(
        default="manual",
        description=(
            "Ask a person about every candidate that passes (on_candidate), only about one that is "
            "better in the first metric with confidence (when_better), or only when somebody "
            "requests a promotion (manual)."
        ),
    )
    champion_older_than_days: Days | None = Field(
        default=None,
        ge=1,
        description=(
            "With when_better: once the champion is older than this, ask about any candidate that "
            "passes."
        ),
    )

    @model_validator(mode="after")
    def _require_ask_when_better(self) -> "Promotion":
        if self.champion_older_than_days and self.ask != "when_better":
            raise ValueError("champion_older_than_days goes with ask: when_better")
        return self


class Approval(Section):
    """How long a request waits for an answer."""

    expires_after_days: int = Field(
        default=7, ge=1, le=365, description="Days after which an unanswered request expires."
    )
