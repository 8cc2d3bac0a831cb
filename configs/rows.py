"""The `data` and `split` parts of a YAML: where the rows come from, what their columns mean, which train and which judge.

Not here: the other parts (schema.py); reading rows (tasks/data).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Import = Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Dtype = Literal["int64", "float64", "bool", "string", "datetime"]
Value = str | int | bool

ROW = "row"  # the key of data that have none


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FilesSource(Part):
    kind: Literal["files"] = Field(description="Files that one glob finds.")
    path: str = Field(
        pattern=r"\.(parquet|csv|csv\.gz|csv\.bz2)$",
        description="A glob over Parquet or CSV files, on disk or s3://; ${RATCHET_DATA} is replaced. A date in a file's name (2018-08-14) says which day it holds; folders named year=2018 are columns.",
    )
    origin: Column | None = Field(default=None, description="A column to make: the name of the row's file, without its ending.")


class PythonSource(Part):
    kind: Literal["python"] = Field(description="A function that is called.")
    function: Import = Field(
        description="Import string of a function that returns a DataFrame, or an object that has one as `frame`.",
    )
    arguments: dict[Identifier, Any] = Field(default_factory=dict, description="Its keyword arguments.")


Source = Annotated[FilesSource | PythonSource, Field(discriminator="kind")]


class Data(Part):
    source: Source = Field(description="Where the rows come from.")
    columns: dict[Column, Dtype] = Field(
        min_length=1, description="The raw columns that are read, each with its type; no others are."
    )
    prepare: Identifier | None = Field(
        default=None, description="Hook that computes columns: prepare(raw) -> frame with the same rows."
    )
    history_days: int = Field(default=0, ge=0, description="Days of rows that prepare needs before the first training day.")
    key: Column = Field(
        default=ROW, description="Column that names a row; unique. Left out, it is made: the row's file and place in it."
    )
    time: Column | None = Field(default=None, description="Column of the instant at which a row happened; UTC.")
    target: Column = Field(description="Column to predict.")
    drop_nulls: tuple[Column, ...] = Field(
        default=(), description="Columns, after prepare: a row in which one of them is null is neither trained nor judged on."
    )
    positive: str | int | bool = Field(default=1, description="Of a binary target, the value to find; all others are its opposite.")
    private: tuple[Column, ...] = Field(
        default=(), description="Columns whose values never stand in a report, an example or a message."
    )
    features: tuple[Column, ...] = Field(
        min_length=1, description="Columns the model sees, after prepare; they make the model signature."
    )

    @property
    def raw(self) -> dict[str, str]:
        """Every column of the raw rows with its type: those declared, and those that the source makes."""
        made = {self.key: "string"} if self.key == ROW else {}
        if isinstance(self.source, FilesSource) and self.source.origin:
            made[self.source.origin] = "string"
        return {**self.columns, **made}


class TimeSplit(Part):
    by: Literal["time"] = Field(description="How rows are divided: by their time.")
    train_days: int = Field(ge=1, description="Days of rows to train on.")
    delay_days: int = Field(ge=0, description="Days between training and holdout: how long labels take to arrive.")
    holdout_days: int = Field(ge=1, description="Days of rows on which models are judged; the last ends at as_of.")
    exclude: Identifier | None = Field(
        default=None, description="Hook that says which holdout rows not to judge on: exclude(rows, window) -> mask."
    )


class HashSplit(Part):
    by: Literal["hash"] = Field(
        description="How rows are divided: drawn by their key, so that a row of the holdout is one for ever."
    )
    holdout: float = Field(gt=0, lt=1, description="Share of the rows on which models are judged.")
    salt: str = Field(default="", description="Another salt draws other rows.")
    group: Column | None = Field(default=None, description="Column whose rows stay together: a customer is in one part only.")

    def __str__(self) -> str:
        return f"{self.holdout:.0%} of the {self.group or 'rows'} held out by hash"


class ColumnSplit(Part):
    by: Literal["column"] = Field(description="How rows are divided: by a column that says so.")
    column: Column = Field(description="The column.")
    train: tuple[Value, ...] = Field(min_length=1, description="Its values on rows to train on.")
    holdout: tuple[Value, ...] = Field(min_length=1, description="Its values on rows on which models are judged.")
    group: Column | None = Field(default=None, description="Column whose values may not be in both parts.")

    @model_validator(mode="after")
    def _parts_differ(self) -> "ColumnSplit":
        if shared := set(self.train) & set(self.holdout):
            raise ValueError(f"{', '.join(map(str, shared))} cannot be both trained on and held out")
        return self

    def __str__(self) -> str:
        return f"{self.column} {', '.join(map(str, self.train))} trained on, {', '.join(map(str, self.holdout))} held out"


Split = Annotated[TimeSplit | HashSplit | ColumnSplit, Field(discriminator="by")]
