"""The `baseline` section of a YAML: a seasonal baseline, beside those that every model has.

Not here: what baselines answer (tasks/model/baselines.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from configs.data import undeclared_column
from configs.problems import Problem
from configs.section import Column, Days, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


class SeasonalBaseline(Section):
    """The value of the same hour a number of days before."""

    lag_days: Days = Field(
        ge=1, description="Days between a row and the one whose value it repeats: 7 for a week."
    )
    per: tuple[Column, ...] = Field(
        default=(),
        description="Columns whose values have seasons of their own, such as the store.",
    )

    @property
    def name(self) -> str:
        return f"lag_{self.lag_days}_days"


def baseline_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What does not agree between `baseline`, `data` and the model's kind."""
    if config.baseline is None:
        return
    if config.kind != "regression":
        yield Problem(
            ("baseline",), f"repeats earlier numbers, and {config.name} is {config.kind}; remove it"
        )
    if config.data.time is None:
        yield Problem(("baseline",), "needs the time of each row; set data.time")
    for index, column in enumerate(config.baseline.per):
        yield from undeclared_column(config.data, column, ("baseline", "per", index))
