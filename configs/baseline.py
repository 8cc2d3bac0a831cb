"""The `baseline` section of a YAML: a seasonal baseline, beside those that every model has.

Not here: what baselines answer (tasks/model/baselines.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from configs.data import undeclared_column
from configs.problems import Problem
from configs.section import Column, Days, Section
from configs.split import TimeSplit

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
    if isinstance(config.split, TimeSplit) and config.baseline.lag_days > config.split.train_days:
        yield Problem(
            ("baseline", "lag_days"),
            f"looks {config.baseline.lag_days:,} days back, but the training window has "
            f"{config.split.train_days:,}; shorten the lag or widen the window",
        )
    roles = {config.data.target: "target", config.data.key: "key", config.data.time: "time"}
    for index, column in enumerate(config.baseline.per):
        location = ("baseline", "per", index)
        yield from undeclared_column(config.data, column, location)
        if column in roles:
            yield Problem(location, f"{column!r} is the {roles[column]}; leave it out")
        if column in config.baseline.per[:index]:
            yield Problem(location, f"{column!r} is named twice; leave one out")
