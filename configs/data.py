"""The `data` section of a YAML: the columns of the rows and what they mean.

Not here: where the rows come from (source.py); which rows train and which are held out (split.py);
reading rows (tasks/data).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from configs.built_in_metrics import Kind
from configs.dtypes import Dtype
from configs.problems import Location, Problem, nearest
from configs.section import Column, Days, Identifier, Section
from configs.selection import Conditions, Duplicates, selection_problems
from configs.source import FilesSource, Source, source_problems

if TYPE_CHECKING:
    from configs.model import ModelConfig

# The key that is made for rows that have none
ROW = "row"

TARGET_DTYPES: dict[Kind, tuple[Dtype, ...]] = {
    "binary": ("int64", "bool", "string"),
    "multiclass": ("int64", "string"),
    "regression": ("int64", "float64"),
}


class Data(Section):
    """The rows and their columns."""

    source: Source = Field(description="Where the rows come from.")
    columns: dict[Column, Dtype] = Field(
        min_length=1,
        description="The raw columns to read, each with its type. No other columns are read.",
    )
    where: Conditions = Field(
        default=(),
        description=(
            "Condition on a raw column, or a list of them, as in a check's row_condition: rows "
            "that do not meet all of them are not used."
        ),
    )
    drop_duplicates: Duplicates | None = Field(
        default=None, description="Rows that are copies of another are not used."
    )
    prepare: Identifier | None = Field(
        default=None,
        description="Hook that computes more columns: prepare(raw) -> frame with the same rows.",
    )
    history_days: Days = Field(
        default=0,
        ge=0,
        description="Days of rows that `prepare` needs before the first training day.",
    )
    key: Column = Field(
        default=ROW,
        description=(
            "Column that identifies a row; its values are unique. If left out, a column `row` is "
            "made of the row's file and its position there."
        ),
    )
    time: Column | None = Field(
        default=None, description="Column of the time at which a row happened, in UTC."
    )
    target: Column = Field(description="Column to predict: a raw one, or one made by `prepare`.")
    drop_nulls: tuple[Column, ...] = Field(
        default=(),
        description=(
            "Columns, after `prepare`: a row in which one of them is null is used neither for "
            "training nor for judging."
        ),
    )
    labels_known_after_days: Days | None = Field(
        default=None,
        ge=1,
        description=(
            "After how many days `prepare` may use a row's target, in a split by time. If left "
            "out, it sees the targets of no row that is judged: they are null."
        ),
    )
    positive: str | int | bool = Field(
        default=1,
        description="The value of a binary target that counts as positive: the one to find.",
    )
    private: tuple[Column, ...] = Field(
        default=(),
        description="Columns whose values never appear in reports, examples or messages.",
    )
    features: tuple[Column, ...] = Field(
        min_length=1,
        description="Columns that the model sees, after `prepare`: the model signature's inputs.",
    )

    @property
    def raw(self) -> dict[str, Dtype]:
        """All columns of the raw rows with their types: the declared ones and those made here."""
        made: dict[str, Dtype] = {}
        if self.key == ROW:
            made[ROW] = "string"
        if isinstance(self.source, FilesSource) and self.source.origin:
            made[self.source.origin] = "string"
        return {**self.columns, **made}

    @property
    def raw_target(self) -> str | None:
        """The target, or None where `prepare` makes it."""
        return self.target if self.target in self.columns else None

    @property
    def private_inputs(self) -> tuple[str, ...]:
        """The private columns that an estimator is given."""
        inputs = (*self.features, self.target)
        return tuple(column for column in self.private if column in inputs)

    @property
    def known_columns(self) -> tuple[str, ...]:
        """The columns that rows are known to have after `prepare`."""
        return (*self.raw, *self.features, self.target)


def undeclared_column(data: Data, column: str, location: Location) -> Iterator[Problem]:
    """A problem unless the raw rows have this column."""
    if column not in data.raw:
        yield Problem(location, f"{column!r} is not declared; {nearest(column, data.raw)}")


def unknown_column(data: Data, column: str, location: Location) -> Iterator[Problem]:
    """A problem unless rows are known to have this column after `prepare`."""
    if column not in data.known_columns:
        hint = nearest(column, data.known_columns)
        yield Problem(location, f"column {column!r} is neither declared nor a feature; {hint}")


def data_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What does not agree within `data`, or with the model's kind."""
    data = config.data
    yield from source_problems(data.source)
    yield from selection_problems(data)
    yield from _role_problems(data)
    yield from _target_problems(data, config.kind)
    for index, column in enumerate(data.drop_nulls):
        # prepare may compute a column that no check knows
        if not data.prepare:
            yield from undeclared_column(data, column, ("data", "drop_nulls", index))
    for index, column in enumerate(data.private):
        if column != data.target:
            yield from undeclared_column(data, column, ("data", "private", index))
    yield from _feature_problems(data)


def _role_problems(data: Data) -> Iterator[Problem]:
    """What is wrong with the columns that have a role: key, time and target."""
    if ROW in data.columns and data.key != ROW:
        yield Problem(
            ("data", "columns", ROW),
            "is the name of the key that is made where data.key is left out; rename this column",
        )
    yield from undeclared_column(data, data.key, ("data", "key"))
    if data.time is not None:
        yield from undeclared_column(data, data.time, ("data", "time"))
        dtype = data.columns.get(data.time, "datetime")
        if dtype != "datetime":
            yield Problem(
                ("data", "columns", data.time),
                f"holds the time of a row and must be datetime, not {dtype}",
            )
    if not data.prepare:
        yield from undeclared_column(data, data.target, ("data", "target"))


def _target_problems(data: Data, kind: Kind) -> Iterator[Problem]:
    """What is wrong with the target's type, or with the value of a binary one that is positive."""
    dtype = data.columns.get(data.target)
    if dtype is None:
        return
    if dtype not in TARGET_DTYPES[kind]:
        allowed = " or ".join(TARGET_DTYPES[kind])
        yield Problem(
            ("data", "columns", data.target),
            f"is the target of a {kind} model and must be {allowed}, not {dtype}",
        )
        return
    positive_is_text = isinstance(data.positive, str)
    if kind == "binary" and positive_is_text != (dtype == "string"):
        yield Problem(
            ("data", "positive"),
            f"{data.positive!r} cannot be a value of {data.target}, {dtype}: "
            "name the class to find",
        )


def _feature_problems(data: Data) -> Iterator[Problem]:
    for index, feature in enumerate(data.features):
        location = ("data", "features", index)
        if feature == data.target:
            yield Problem(location, f"{feature!r} is the target: a model must not see it")
        elif feature == data.key:
            yield Problem(location, f"{feature!r} is the key: a model must not see it")
        elif feature in data.features[:index]:
            yield Problem(location, f"{feature!r} is listed twice")
        elif not data.prepare and feature not in data.raw:
            hint = nearest(feature, data.raw)
            yield Problem(
                location, f"{feature!r} is not declared, and no prepare computes it; {hint}"
            )
