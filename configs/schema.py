"""One model, one YAML: what it may say, each field with the sentence that explains it. Frozen, closed to unknown keys.

Here are the shapes and what can be judged from one part alone. Not here: reading the file, its line numbers and what must
agree across parts (reading.py); what Great Expectations knows (expectations.py); where servers and data are (settings.py).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Dtype = Literal["int64", "float64", "bool", "string", "datetime"]
Number = Annotated[float, Field(allow_inf_nan=False)]

BUILT_IN_METRICS = ("precision", "recall", "f1", "roc_auc", "average_precision", "log_loss", "brier_score")


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FilesSource(Part):
    kind: Literal["files"] = Field(description="Files that one glob finds.")
    path: str = Field(
        pattern=r"\.(parquet|csv)$",
        description="A glob over Parquet or CSV files; ${RATCHET_DATA} is replaced. A date in a file's name (2018-08-14) says which day it holds.",
    )


class Data(Part):
    source: FilesSource = Field(description="Where the rows come from.")
    columns: dict[Column, Dtype] = Field(
        min_length=1, description="The raw columns that are read, each with its type; no others are."
    )
    prepare: Identifier | None = Field(
        default=None, description="Hook that computes columns: prepare(raw) -> frame with the same rows."
    )
    history_days: int = Field(default=0, ge=0, description="Days of rows that prepare needs before the first training day.")
    key: Column = Field(description="Column that names a row; unique.")
    time: Column = Field(description="Column of the instant at which a row happened; UTC.")
    target: Column = Field(description="Column to predict: 0 or 1.")
    private: tuple[Column, ...] = Field(
        default=(), description="Columns whose values never stand in a report, an example or a message."
    )
    features: tuple[Column, ...] = Field(
        min_length=1, description="Columns the model sees, after prepare; they make the model signature."
    )


class Split(Part):
    by: Literal["time"] = Field(description="How rows are divided: by their time.")
    train_days: int = Field(ge=1, description="Days of rows to train on.")
    delay_days: int = Field(ge=0, description="Days between training and holdout: how long labels take to arrive.")
    holdout_days: int = Field(ge=1, description="Days of rows on which models are judged; the last ends at as_of.")
    exclude: Identifier | None = Field(
        default=None, description="Hook that says which holdout rows not to judge on: exclude(rows, window) -> mask."
    )


class Check(BaseModel):
    """One expectation as data: every key beside these three is an argument of the expectation."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = Field(description="Its name in reports and messages.")
    expect: str = Field(description="Name of a Great Expectations expectation, without `expect_`: column_values_to_not_be_null.")
    severity: Literal["critical", "warning", "info"] = Field(
        default="critical", description="critical stops the run; the others are recorded."
    )

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the arguments name."""
        named: list[str] = [self.arguments[key] for key in ("column", "column_A", "column_B") if key in self.arguments]
        for key in ("column_list", "column_set"):
            named.extend(self.arguments.get(key) or ())
        return tuple(named)


class Train(Part):
    estimator: str = Field(pattern=r"^\w+(\.\w+)+$", description="Import string of a scikit-learn classifier.")
    params: dict[Identifier, Any] = Field(default_factory=dict, description="Its constructor's arguments.")
    scale: bool = Field(default=False, description="Standardise the features first.")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="random_state of the estimator, where it takes one.")


class Rule(Part):
    metric: Identifier = Field(description="A metric of the holdout.")
    at_least: Number | None = Field(default=None, description="Passes at this value or more.")
    at_most: Number | None = Field(default=None, description="Passes at this value or less.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Rule":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a rule says either at_least or at_most")
        return self

    def __str__(self) -> str:
        return (
            f"{self.metric} at least {self.at_least:g}" if self.at_least is not None else f"{self.metric} at most {self.at_most:g}"
        )


class Promotion(Part):
    ask: Literal["on_candidate", "manual"] = Field(
        default="manual", description="Whether each new candidate's promotion is asked for, or only by hand."
    )


class Approval(Part):
    expires_after_days: int = Field(default=7, ge=1, le=365, description="Days after which an unanswered request is void.")


class Schedule(Part):
    cron: str = Field(description="When to train, as a cron expression of five fields.")
    timezone: str = Field(default="UTC", description="The time zone the cron expression speaks of: Europe/Paris.")


class ModelConfig(Part):
    """One model, whole."""

    name: Name = Field(description="The model's name here, in MLflow and in Prefect; the file's name.")
    description: str = Field(min_length=1, description="What it predicts, in a sentence.")
    owner: str = Field(min_length=1, description="The team that answers for it.")
    data: Data
    split: Split
    checks: tuple[Check, ...] = Field(default=(), description="What the data must satisfy.")
    train: Train
    metrics: tuple[Identifier, ...] = Field(
        min_length=1, description="What is computed: built-in names, or hooks metric(rows, scores) -> number."
    )
    gate: tuple[Rule, ...] = Field(min_length=1, description="All of these must pass before a promotion is asked for.")
    promotion: Promotion = Promotion()
    approval: Approval = Approval()
    schedule: Schedule | None = Field(default=None, description="When training starts by itself; never, if left out.")

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the functions that the file beside the YAML must define."""
        own_metrics = (metric for metric in self.metrics if metric not in BUILT_IN_METRICS)
        return tuple(name for name in (self.data.prepare, self.split.exclude, *own_metrics) if name)
