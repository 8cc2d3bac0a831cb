"""The `split` section of a YAML: which rows train and which are held out.

Not here: dividing the rows (tasks/data/splits.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from configs.data import undeclared_column
from configs.problems import Problem
from configs.section import Column, Days, Identifier, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig

Value = str | int | bool


class TimeSplit(Section):
    """The last days are held out, the days before a delay train."""

    by: Literal["time"] = Field(
        description="Rows are divided by time: train on earlier days, judge on the last ones."
    )
    train_days: Days = Field(ge=1, description="Days of rows to train on.")
    delay_days: Days = Field(
        ge=0, description="Days between training and holdout: how long labels take to arrive."
    )
    holdout_days: Days = Field(
        ge=1, description="Days of rows on which models are judged, up to as_of."
    )
    group: Column | None = Field(
        default=None,
        description=(
            "Column whose values in the training rows are not judged: the holdout is of customers, "
            "say, that the model has never seen."
        ),
    )
    exclude: Identifier | None = Field(
        default=None,
        description=(
            "Hook that excludes holdout rows from judging: exclude(rows, window) -> boolean mask."
        ),
    )


class HashSplit(Section):
    """A fixed share of the rows is held out, drawn by their keys."""

    by: Literal["hash"] = Field(
        description="Rows are divided by a hash of their key: a row once held out always is."
    )
    holdout: float = Field(gt=0, lt=1, description="Share of the rows on which models are judged.")
    salt: str = Field(
        default="", description="Text that goes into the hash: another salt holds out other rows."
    )
    group: Column | None = Field(
        default=None,
        description=(
            "Column whose rows stay together: all rows of a customer are trained on, or held out."
        ),
    )

    def __str__(self) -> str:
        return f"{self.holdout:.0%} of the {self.group or 'rows'} held out by hash"


class ColumnSplit(Section):
    """A column of the rows tells which are held out."""

    by: Literal["column"] = Field(description="Rows are divided by the values of a column.")
    column: Column = Field(description="The column that tells training from holdout rows.")
    train: tuple[Value, ...] = Field(
        min_length=1, description="Its values in the rows to train on."
    )
    holdout: tuple[Value, ...] = Field(
        min_length=1, description="Its values in the rows on which models are judged."
    )
    group: Column | None = Field(
        default=None,
        description="Column of which no value may be both in training and in holdout rows.",
    )

    @model_validator(mode="after")
    def _require_separate_values(self) -> "ColumnSplit":
        shared = set(self.train) & set(self.holdout)
        if shared:
            values = ", ".join(map(str, shared))
            raise ValueError(f"{values} cannot be both trained on and held out")
        return self

    def __str__(self) -> str:
        train = ", ".join(map(str, self.train))
        holdout = ", ".join(map(str, self.holdout))
        return f"{self.column} {train} trained on, {holdout} held out"


Split = Annotated[TimeSplit | HashSplit | ColumnSplit, Field(discriminator="by")]


def split_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What does not agree between `split` and `data`."""
    data, split = config.data, config.split
    if split.group is not None:
        yield from undeclared_column(data, split.group, ("split", "group"))
    if isinstance(split, TimeSplit):
        if data.time is None:
            yield Problem(
                ("data", "time"), "is missing: a split by time needs the column of a row's time"
            )
        if data.labels_known_after_days and data.raw_target is None:
            yield Problem(
                ("data", "labels_known_after_days"),
                f"says when prepare may use {data.target}, which prepare makes; leave it out",
            )
        return
    if data.labels_known_after_days:
        yield Problem(
            ("data", "labels_known_after_days"),
            "counts days, and this split has none: the targets of judged rows stay unknown; "
            "leave it out",
        )
    if data.history_days:
        yield Problem(
            ("data", "history_days"),
            "counts days before the training window, and this split has none; leave it out",
        )
    if isinstance(split, ColumnSplit):
        yield from undeclared_column(data, split.column, ("split", "column"))
        if split.column in data.private:
            yield Problem(
                ("split", "column"),
                f"{split.column!r} is private: its values would appear in messages; "
                "split by hash, with it as group",
            )
        if split.column in data.features:
            yield Problem(
                ("split", "column"),
                f"{split.column!r} is a feature: "
                "it would tell the model which rows are held out; leave it out of features",
            )
