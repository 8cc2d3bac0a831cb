"""One model, one YAML: what it may say, each field with the sentence that explains it. Frozen, closed to unknown keys.

Here are the shapes and what can be judged from one part alone. Not here: reading the file, its line numbers and what must
agree across parts (agreement.py), `data` and `split` (rows.py), how candidates are judged (judging.py); what Great Expectations knows (expectations.py); where servers and data are (settings.py).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from configs.judging import Comparison, Metric, Rule, Slices, Threshold
from configs.metrics import BUILT_IN, Kind
from configs.rows import Column, Data, Identifier, Import, Part, Split, TimeSplit

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


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


class Preprocess(Part):
    """What is done to a group of columns before the estimator sees them; columns of no group pass as they are."""

    columns: tuple[Column, ...] = Field(min_length=1, description="Features.")
    impute: Literal["mean", "median", "most_frequent"] | None = Field(default=None, description="What takes the place of nulls.")
    encode: Literal["one_hot", "ordinal", "target", "counts", "date_parts"] | None = Field(
        default=None,
        description="How categories (one_hot, ordinal, target), texts (counts of words) or times (date_parts: year, month, day, day_of_week, hour) become numbers.",
    )

    @model_validator(mode="after")
    def _does_something(self) -> "Preprocess":
        if not (self.impute or self.encode):
            raise ValueError("says neither impute nor encode")
        if self.impute and self.encode in ("counts", "date_parts"):
            raise ValueError(f"impute does not go with encode: {self.encode}")
        return self


class Train(Part):
    estimator: Import = Field(description="Import string of an estimator with scikit-learn's interface.")
    params: dict[Identifier, Any] = Field(
        default_factory=dict,
        description="Its constructor's arguments; {estimator: IMPORT, params: {}} stands for another estimator, at any depth.",
    )
    preprocess: tuple[Preprocess, ...] = Field(default=(), description="What columns go through first.")
    scale: bool = Field(default=False, description="Standardise the numbers: those that no group encodes, and the parts of dates.")
    sample_weight: Column | None = Field(default=None, description="Column of each training row's weight.")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="random_state of the estimator, where it takes one.")

    @property
    def estimators(self) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
        """Every estimator in here, the outermost first: where in `train` it stands, its import string, its arguments."""
        yield (), self.estimator, self.params
        yield from _nested(("params",), self.params)


def _nested(where: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
    if is_estimator(value):
        yield where, value["estimator"], value.get("params", {})
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from _nested((*where, step), item)


def is_estimator(value: Any) -> bool:
    """Whether an argument stands for an estimator of its own."""
    return isinstance(value, dict) and isinstance(value.get("estimator"), str) and set(value) <= {"estimator", "params"}


class Promotion(Part):
    ask: Literal["on_candidate", "when_better", "manual"] = Field(
        default="manual",
        description="Whether a person is asked about each candidate that passes, only about those surely better in the first metric, or only by hand.",
    )
    champion_older_than_days: int | None = Field(
        default=None, ge=1, description="With when_better: once the champion is as old, any candidate that passes is asked about."
    )

    @model_validator(mode="after")
    def _waits_for_something(self) -> "Promotion":
        if self.champion_older_than_days and self.ask != "when_better":
            raise ValueError("champion_older_than_days goes with ask: when_better")
        return self


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
    kind: Kind = Field(default="binary", description="What is predicted: one of two classes, one of several, or a number.")
    data: Data
    split: Split
    checks: tuple[Check, ...] = Field(default=(), description="What the data must satisfy.")
    train: Train
    metrics: tuple[Metric, ...] = Field(
        min_length=1,
        description="What is computed: built-in names, or hooks metric(rows, scores) -> number, which may say more: {name: HOOK, units: COLUMN}. The first is compared with a baseline's.",
    )
    threshold: Threshold | None = Field(
        default=None, description="How the score is chosen from which on a binary model decides for the positive class."
    )
    slices: Slices = Field(
        default_factory=dict,
        description="Parts of the holdout that are looked at by themselves: a name for columns, after prepare, each by its values or by the inner edges of bins.",
    )
    comparison: Comparison = Comparison()
    gate: tuple[Rule, ...] = Field(min_length=1, description="All of these must pass before a promotion is asked for.")
    promotion: Promotion = Promotion()
    approval: Approval = Approval()
    schedule: Schedule | None = Field(default=None, description="When training starts by itself; never, if left out.")

    @property
    def exclude(self) -> str | None:
        return self.split.exclude if isinstance(self.split, TimeSplit) else None

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """The metrics that are hooks."""
        return tuple(name for name in self.metric_names if name not in BUILT_IN[self.kind])

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the functions that the file beside the YAML must define."""
        return tuple(name for name in (self.data.prepare, self.exclude, *self.own_metrics) if name)
