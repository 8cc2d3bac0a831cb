"""The `data` section of a YAML: where the rows come from and what their columns mean.

Not here: which rows train and which are held out (split.py); reading rows (tasks/data)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from configs import python_source
from configs.problems import Problem, nearest
from configs.section import Column, Identifier, Import, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


Dtype = Literal["int64", "float64", "bool", "string", "datetime"]

ROW = "row"  # the key of data that have none


class FilesSource(Section):
    kind: Literal["files"] = Field(description="Files that one glob finds.")
    path: str = Field(
        pattern=r"\.(parquet|csv|csv\.gz|csv\.bz2)$",
        description="A glob over Parquet or CSV files, on disk or s3://; ${RATCHET_DATA} is replaced. A date in a file's name (2018-08-14) says which day it holds; folders named year=2018 are columns.",
    )
    origin: Column | None = Field(
        default=None,
        description="A column to make: the name of the row's file, without its ending.",
    )


class PythonSource(Section):
    kind: Literal["python"] = Field(description="A function that is called.")
    function: Import = Field(
        description="Import string of a function that returns a DataFrame, or an object that has one as `frame`.",
    )
    arguments: dict[Identifier, Any] = Field(
        default_factory=dict, description="Its keyword arguments."
    )


Source = Annotated[FilesSource | PythonSource, Field(discriminator="kind")]


class Data(Section):
    source: Source = Field(description="Where the rows come from.")
    columns: dict[Column, Dtype] = Field(
        min_length=1,
        description="The raw columns that are read, each with its type; no others are.",
    )
    prepare: Identifier | None = Field(
        default=None,
        description="Hook that computes columns: prepare(raw) -> frame with the same rows.",
    )
    history_days: int = Field(
        default=0,
        ge=0,
        description="Days of rows that prepare needs before the first training day.",
    )
    key: Column = Field(
        default=ROW,
        description="Column that names a row; unique. Left out, it is made: the row's file and place in it.",
    )
    time: Column | None = Field(
        default=None, description="Column of the instant at which a row happened; UTC."
    )
    target: Column = Field(description="Column to predict.")
    drop_nulls: tuple[Column, ...] = Field(
        default=(),
        description="Columns, after prepare: a row in which one of them is null is neither trained nor judged on.",
    )
    positive: str | int | bool = Field(
        default=1, description="Of a binary target, the value to find; all others are its opposite."
    )
    private: tuple[Column, ...] = Field(
        default=(),
        description="Columns whose values never stand in a report, an example or a message.",
    )
    features: tuple[Column, ...] = Field(
        min_length=1,
        description="Columns the model sees, after prepare; they make the model signature.",
    )

    @property
    def raw(self) -> dict[str, str]:
        """Every column of the raw rows with its type: those declared, and those that the source makes."""
        made = {self.key: "string"} if self.key == ROW else {}
        if isinstance(self.source, FilesSource) and self.source.origin:
            made[self.source.origin] = "string"
        return {**self.columns, **made}


def data_problems(config: "ModelConfig") -> Iterator[Problem]:
    data = config.data
    for role in ("key", "time", "target"):
        if (column := getattr(data, role)) is not None and column not in data.raw:
            yield Problem(
                ("data", role), f"{column!r} is not declared; {nearest(column, data.raw)}"
            )
    if ROW in data.columns and data.key != ROW:
        yield Problem(
            ("data", "columns", ROW),
            "is the name of the key that is made where there is none; rename this column",
        )
    if data.time and data.columns.get(data.time, "datetime") != "datetime":
        yield Problem(
            ("data", "columns", data.time),
            f"holds the time of a row and must be datetime, not {data.columns[data.time]}",
        )
    yield from _target_problems(config)
    for index, column in enumerate(data.private):
        if column not in data.raw:
            yield Problem(
                ("data", "private", index),
                f"{column!r} is not declared; {nearest(column, data.raw)}",
            )
    for index, column in enumerate(data.drop_nulls):
        if column not in data.raw and not data.prepare:
            yield Problem(
                ("data", "drop_nulls", index),
                f"{column!r} is not declared; {nearest(column, data.raw)}",
            )
    for index, feature in enumerate(data.features):
        if feature in (data.target, data.key):
            role = "target" if feature == data.target else "key"
            yield Problem(
                ("data", "features", index), f"{feature!r} is the {role}: a model must not see it"
            )
        elif feature in data.features[:index]:
            yield Problem(("data", "features", index), f"{feature!r} stands there twice")
        elif not data.prepare and feature not in data.raw:
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is not declared and no prepare computes it; {nearest(feature, data.raw)}",
            )
    if isinstance(data.source, PythonSource):
        module, _, name = data.source.function.rpartition(".")
        if name not in (known := python_source.names_in(module)):
            yield Problem(
                ("data", "source", "function"),
                f"{data.source.function!r} cannot be imported; {nearest(name, known)}",
            )


def _target_problems(config: "ModelConfig") -> Iterator[Problem]:
    """Which types a target may have, and which of a binary one's values is the one to find."""
    target, dtype = config.data.target, config.data.columns.get(config.data.target)
    allowed = {
        "binary": ("int64", "bool", "string"),
        "multiclass": ("int64", "string"),
        "regression": ("int64", "float64"),
    }
    if dtype and dtype not in allowed[config.kind]:
        yield Problem(
            ("data", "columns", target),
            f"is the target of a {config.kind} model and must be {' or '.join(allowed[config.kind])}, not {dtype}",
        )
    elif (
        config.kind == "binary"
        and dtype
        and isinstance(config.data.positive, str) != (dtype == "string")
    ):
        yield Problem(
            ("data", "positive"),
            f"{config.data.positive!r} cannot be a value of {target}, {dtype}: name the class to find",
        )
