"""The `comparison` section of a YAML: how a candidate is compared with other versions.

Not here: comparing (tasks/comparison).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from configs.data import unknown_column
from configs.problems import Problem
from configs.section import Column, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


class Comparison(Section):
    """How much confidence a verdict needs, and what happens in doubt."""

    units: tuple[Column, ...] = Field(
        default=(),
        max_length=2,
        description=(
            "Columns of the clusters that are resampled whole, at most two: all rows of a "
            "customer, or of a day (the time column). If left out, each row is its own."
        ),
    )
    confidence: float = Field(
        default=0.95, ge=0.5, lt=1, description="Confidence level of each one-sided bound."
    )
    inconclusive: Literal["refuse", "ask"] = Field(
        default="refuse",
        description=(
            "Whether to refuse a candidate that the data cannot tell from the champion, or to ask "
            "a person."
        ),
    )
    seen_rows: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description=(
            "Whether to refuse a comparison in which a version was trained on holdout rows, or to "
            "leave these rows out."
        ),
    )
    spend: bool | None = Field(
        default=None,
        description=(
            "Whether repeated looks at one holdout use alpha spending, which makes each bound "
            "stricter than the last. If left out, only where the holdout never renews."
        ),
    )
    signature: Literal["keep", "may_break"] = Field(
        default="keep",
        description=(
            "Whether a candidate must keep the champion's model signature, or may break its "
            "callers."
        ),
    )


def comparison_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What does not agree between `comparison` and `data`."""
    for index, column in enumerate(config.comparison.units):
        yield from unknown_column(config.data, column, ("comparison", "units", index))
