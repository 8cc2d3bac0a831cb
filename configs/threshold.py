"""The `threshold` section of a YAML: from which score on a binary model predicts a positive.

Not here: choosing the threshold (tasks/model/threshold.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field, model_validator

from configs.problems import Problem
from configs.section import Section

if TYPE_CHECKING:
    from configs.model import ModelConfig

Share = Annotated[float, Field(gt=0, lt=1)]
Aim = Literal["minimise", "precision", "recall", "alerts_a_day"]


class Threshold(Section):
    """What the threshold is chosen for: exactly one aim."""

    minimise: Literal["cost"] | None = Field(
        default=None, description="Aim: the lowest cost of wrong decisions."
    )
    false_positive: float = Field(default=1, ge=0, description="Cost of a false alert.")
    false_negative: float = Field(default=1, ge=0, description="Cost of a missed positive.")
    precision: Share | None = Field(
        default=None, description="Aim: the highest recall at this precision or more."
    )
    recall: Share | None = Field(
        default=None, description="Aim: the highest precision at this recall or more."
    )
    alerts_a_day: int | None = Field(
        default=None,
        gt=0,
        description="Aim: no more alerts a day than this. The rows need a time.",
    )

    sure: Share | None = Field(
        default=None,
        description=(
            "With this confidence, precision, recall or the alerts a day are reached on other rows "
            "too. If left out, they are reached on the rows that the threshold is chosen on, and "
            "missed on about half of all others."
        ),
    )

    @property
    def aims(self) -> tuple[Aim, ...]:
        """The aims that are stated; one, once validated."""
        return tuple(aim for aim in get_args(Aim) if getattr(self, aim) is not None)

    @property
    def kind(self) -> Aim:
        """The key of the one aim."""
        return self.aims[0]

    @model_validator(mode="after")
    def _require_one_aim(self) -> "Threshold":
        if len(self.aims) != 1:
            raise ValueError(
                "a threshold has exactly one aim: minimise: cost, precision, recall or alerts_a_day"
            )
        return self

    @model_validator(mode="after")
    def _require_an_aim_to_be_sure_of(self) -> "Threshold":
        if self.sure and self.minimise:
            raise ValueError("sure is for precision, recall or alerts_a_day, not for minimise")
        return self

    @model_validator(mode="after")
    def _require_costs(self) -> "Threshold":
        is_priced = {"false_positive", "false_negative"} & self.model_fields_set
        if self.minimise and (not is_priced or self.false_positive + self.false_negative == 0):
            raise ValueError("minimise: cost needs the costs false_positive and false_negative")
        return self

    def __str__(self) -> str:
        surety = f", {100 * self.sure:g}% sure" if self.sure else ""
        return f"{self._aim}{surety}"

    @property
    def _aim(self) -> str:
        match self.kind:
            case "minimise":
                return (
                    f"least cost, {self.false_positive:g} per false positive, "
                    f"{self.false_negative:g} per false negative"
                )
            case "alerts_a_day":
                return f"at most {self.alerts_a_day} alerts a day"
            case "precision":
                return f"precision at least {self.precision:g}"
            case "recall":
                return f"recall at least {self.recall:g}"


def threshold_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What does not agree between `threshold`, `kind` and `data`."""
    if config.threshold is None:
        return
    if config.kind != "binary":
        yield Problem(
            ("threshold",), f"only a binary model has a threshold; {config.name} is {config.kind}"
        )
    if config.threshold.alerts_a_day and not config.data.time:
        yield Problem(
            ("threshold", "alerts_a_day"),
            "these rows have no days: name data.time, or choose another aim",
        )
