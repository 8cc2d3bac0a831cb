"""The `split` section of a YAML: which rows train and which are held out.

Not here: dividing rows (tasks/data/splits.py)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from configs.problems import Problem, nearest
from configs.section import Column, Identifier, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


Value = str | int | bool


class TimeSplit(Section):
    by: Literal["time"] = Field(description="How rows are divided: by their time.")
    train_days: int = Field(ge=1, description="Days of rows to train on.")
    delay_days: int = Field(
        ge=0, description="Days between training and holdout: how long labels take to arrive."
    )
    holdout_days: int = Field(
        ge=1, description="Days of rows on which models are judged; the last ends at as_of."
    )
    exclude: Identifier | None = Field(
        default=None,
        description="Hook that says which holdout rows not to judge on: exclude(rows, window) -> mask.",
    )


class HashSplit(Section):
    by: Literal["hash"] = Field(
        description="How rows are divided: drawn by their key, so that a row of the holdout is one for ever."
    )
    holdout: float = Field(gt=0, lt=1, description="Share of the rows on which models are judged.")
    salt: str = Field(default="", description="Another salt draws other rows.")
    group: Column | None = Field(
        default=None, description="Column whose rows stay together: a customer is in one part only."
    )

    def __str__(self) -> str:
        return f"{self.holdout:.0%} of the {self.group or 'rows'} held out by hash"


class ColumnSplit(Section):
    by: Literal["column"] = Field(description="How rows are divided: by a column that says so.")
    column: Column = Field(description="The column.")
    train: tuple[Value, ...] = Field(min_length=1, description="Its values on rows to train on.")
    holdout: tuple[Value, ...] = Field(
        min_length=1, description="Its values on rows on which models are judged."
    )
    group: Column | None = Field(
        default=None, description="Column whose values may not be in both parts."
    )

    @model_validator(mode="after")
    def _parts_differ(self) -> "ColumnSplit":
        if shared := set(self.train) & set(self.holdout):
            raise ValueError(
                f"{', '.join(map(str, shared))} cannot be both trained on and held out"
            )
        return self

    def __str__(self) -> str:
        return f"{self.column} {', '.join(map(str, self.train))} trained on, {', '.join(map(str, self.holdout))} held out"


Split = Annotated[TimeSplit | HashSplit | ColumnSplit, Field(discriminator="by")]


def split_problems(config: "ModelConfig") -> Iterator[Problem]:
    data, split = config.data, config.split
    if isinstance(split, TimeSplit):
        if data.time is None:
            yield Problem(
                ("data", "time"), "is missing: split by time needs the column of a row's time"
            )
        return
    if data.history_days:
        yield Problem(
            ("data", "history_days"),
            "counts days before the training window, and this split has none; leave it out",
        )
    for name in ("column", "group"):
        if (column := getattr(split, name, None)) and column not in data.raw:
            yield Problem(
                ("split", name), f"{column!r} is not declared; {nearest(column, data.raw)}"
            )
    if isinstance(split, ColumnSplit) and split.column in data.features:
        yield Problem(
            ("split", "column"),
            f"{split.column!r} is a feature: it would tell a row's part to the model",
        )
