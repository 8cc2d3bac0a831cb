"""The parts of a YAML that say how candidates are judged: metrics, threshold, slices, comparison and the rules of the gate.

Not here: what the rules come to (tasks/verdict/gate.py), what must agree with the other parts (agreement_on_judging.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from configs.metrics import METRICS, greater_is_better, metrics_of, needs
from configs.problems import Problem, nearest
from configs.section import Column, Identifier, Number, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig

TRADED = ("precision", "recall")  # one is bought with the other by moving the threshold
Against = Literal["champion", "reference"]
Share = Annotated[float, Field(gt=0, lt=1)]
Percent = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? ?%$")]


class Metric(Section):
    """A metric by its name; one of the model's own may say more, so that it has bounds and can be compared."""

    name: Identifier = Field(
        description="A built-in name, or a hook metric(rows, scores) -> number."
    )
    units: Column | None = Field(
        default=None,
        description="Column of what is independent, for a hook: resamples draw its values, each with all its rows.",
    )
    greater_is_better: bool = Field(default=True, description="Which way a hook is better.")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        built_in = self.name in METRICS
        greater = greater_is_better(self.name) if built_in else self.greater_is_better
        return 1 if greater else -1


class Threshold(Section):
    """From which score on a binary model decides for the positive class: exactly one aim. Left out, from 0.5 on."""

    minimise: Literal["cost"] | None = Field(
        default=None, description="The least cost of wrong decisions."
    )
    false_positive: float = Field(default=1, ge=0, description="What one false alert costs.")
    false_negative: float = Field(default=1, ge=0, description="What one missed positive costs.")
    precision: Share | None = Field(
        default=None, description="The most recall at this precision or more."
    )
    recall: Share | None = Field(
        default=None, description="The most precision at this recall or more."
    )
    alerts_a_day: int | None = Field(
        default=None, gt=0, description="As many alerts a day at most; for dated data."
    )

    @model_validator(mode="after")
    def _has_one_aim(self) -> "Threshold":
        if (
            sum(
                aim is not None
                for aim in (self.minimise, self.precision, self.recall, self.alerts_a_day)
            )
            != 1
        ):
            raise ValueError(
                "a threshold has one aim: minimise: cost, precision, recall or alerts_a_day"
            )
        priced = {"false_positive", "false_negative"} & self.model_fields_set
        if self.minimise and (not priced or self.false_positive + self.false_negative == 0):
            raise ValueError("minimise: cost needs the costs false_positive and false_negative")
        return self

    def __str__(self) -> str:
        if self.minimise:
            return f"least cost, {self.false_positive:g} a false positive, {self.false_negative:g} a false negative"
        if self.alerts_a_day:
            return f"at most {self.alerts_a_day} alerts a day"
        return (
            f"precision at least {self.precision:g}"
            if self.precision
            else f"recall at least {self.recall:g}"
        )


class Comparison(Section):
    """How sure a verdict must be, and what becomes of doubt."""

    units: tuple[Column, ...] = Field(
        default=(),
        max_length=2,
        description="Columns of what is not independent, at most two: a customer's rows are drawn together, or a day's (the time column). Left out: rows.",
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Of each one-sided bound.")
    inconclusive: Literal["refuse", "ask"] = Field(
        default="refuse",
        description="What becomes of a candidate that data cannot tell from the champion.",
    )
    seen_rows: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="What becomes of holdout rows that one of the compared versions was trained on.",
    )
    spend: bool | None = Field(
        default=None,
        description="Whether each look at the same holdout makes the next bound stricter; left out: only where the holdout never renews.",
    )
    signature: Literal["keep", "may_break"] = Field(
        default="keep",
        description="Whether a model signature that breaks callers of the champion refuses.",
    )


class Rule(Section):
    """One condition: a bound on a metric, or on its difference to the champion or the reference, on all rows or on each part of a slice."""

    metric: Identifier = Field(description="A metric of the holdout.")
    slice: Identifier | None = Field(
        default=None, description="A slice: each of its parts must pass."
    )
    at_least: Number | None = Field(
        default=None, description="Passes when the metric is surely this or more."
    )
    at_most: Number | None = Field(
        default=None, description="Passes when the metric is surely this or less."
    )
    better_than: Against | None = Field(
        default=None,
        description="Passes when it is surely better than this version's on the same rows.",
    )
    not_worse_than: Against | None = Field(
        default=None, description="Passes when it is surely not worse by `by` or more."
    )
    by: Annotated[float, Field(ge=0, allow_inf_nan=False)] | Percent = Field(
        default=0.0, description="The margin: a number, or a share of the other's metric as 20 %."
    )
    min_rows: int = Field(default=1, ge=1, description="With fewer rows it is inconclusive.")
    min_positives: int = Field(
        default=0, ge=0, description="With fewer positives it is inconclusive."
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Rule":
        said = [
            name
            for name in ("at_least", "at_most", "better_than", "not_worse_than")
            if getattr(self, name) is not None
        ]
        if len(said) != 1:
            raise ValueError("a rule says one of at_least, at_most, better_than, not_worse_than")
        if not self.against and self.margin[0]:
            raise ValueError(f"by is a margin to another version; {said[0]} has none")
        if self.not_worse_than and self.margin[0] == 0:
            raise ValueError("not_worse_than needs a margin: by: 0.03, or by: 5 %")
        return self

    @property
    def against(self) -> Against | None:
        return self.better_than or self.not_worse_than

    @property
    def margin(self) -> tuple[float, bool]:
        """The margin, and whether it is a share of the other's metric."""
        return (
            (float(self.by.rstrip("% ")) / 100, True)
            if isinstance(self.by, str)
            else (self.by, False)
        )

    def __str__(self) -> str:
        where = f" on each {self.slice}" if self.slice else ""
        if self.at_least is not None:
            return f"{self.metric}{where} at least {self.at_least:g}"
        if self.at_most is not None:
            return f"{self.metric}{where} at most {self.at_most:g}"
        by = (
            f" by {self.by if isinstance(self.by, str) else format(self.by, 'g')}"
            if self.margin[0]
            else ""
        )
        return f"{self.metric}{where} {'better' if self.better_than else 'not worse'} than {self.against}{by}"


Slices = dict[Identifier, dict[Column, Literal["values"] | tuple[Number, ...]]]


def judging_problems(config: "ModelConfig") -> Iterator[Problem]:
    yield from _metric_problems(config)
    yield from _threshold_problems(config)
    yield from _slice_problems(config)
    yield from _unit_problems(config)
    for index, rule in enumerate(config.gate):
        yield from (
            Problem(("gate", index, key), text) for key, text in _rule_problems(config, rule)
        )


def _metric_problems(config: "ModelConfig") -> Iterator[Problem]:
    for index, metric in enumerate(config.metrics):
        own = metric.name in config.own_metrics
        if own and metric.name in METRICS:
            other_kind = METRICS[metric.name].kinds[0]
            yield Problem(
                ("metrics", index),
                f"{metric.name!r} is a metric of {other_kind} models; {config.kind} ones have {', '.join(metrics_of(config.kind))}",
            )
        if metric.name in config.metric_names[:index]:
            yield Problem(("metrics", index), f"{metric.name!r} stands there twice")
        if not own and (metric.units or not metric.greater_is_better):
            yield Problem(
                ("metrics", index),
                f"{metric.name!r} is built in: units and greater_is_better are those of hooks",
            )
        if needs(metric.name) == "prices" and not (config.threshold and config.threshold.minimise):
            yield Problem(
                ("metrics", index),
                "cost needs prices: threshold: {minimise: cost, false_positive: 1, false_negative: 20}",
            )
        if (
            not own
            and needs(metric.name) == "alert_budget"
            and not (config.threshold and config.threshold.alerts_a_day)
        ):
            yield Problem(
                ("metrics", index),
                f"{metric.name} needs its budget: threshold: {{alerts_a_day: 100}}",
            )


def _threshold_problems(config: "ModelConfig") -> Iterator[Problem]:
    if config.threshold is None:
        return
    if config.kind != "binary":
        yield Problem(
            ("threshold",), f"only a binary model has a threshold; {config.name} is {config.kind}"
        )
    if config.threshold.alerts_a_day and not config.data.time:
        yield Problem(
            ("threshold", "alerts_a_day"),
            "these rows have no days: name data.time, or choose another aim",
        )


def _slice_problems(config: "ModelConfig") -> Iterator[Problem]:
    for name, columns in config.slices.items():
        for column, cut in columns.items():
            if column in config.data.private:
                yield Problem(
                    ("slices", name, column),
                    f"{column!r} is private: its values would stand in reports",
                )
            yield from _known(config, column, ("slices", name, column))
            if cut != "values" and (not cut or list(cut) != sorted(set(cut))):
                yield Problem(
                    ("slices", name, column),
                    "write the inner edges of bins in ascending order: [50, 200]",
                )


def _unit_problems(config: "ModelConfig") -> Iterator[Problem]:
    for index, column in enumerate(config.comparison.units):
        yield from _known(config, column, ("comparison", "units", index))
    for index, metric in enumerate(config.metrics):
        if metric.units:
            yield from _known(config, metric.units, ("metrics", index, "units"))


def _known(config: "ModelConfig", column: str, where: tuple[str | int, ...]) -> Iterator[Problem]:
    known = (*config.data.raw, *config.data.features)
    if column not in known:
        yield Problem(
            where, f"column {column!r} is neither declared nor a feature; {nearest(column, known)}"
        )


def _rule_problems(config: "ModelConfig", rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.metric not in config.metric_names:
        yield (
            "metric",
            f"{rule.metric!r} is not computed; metrics has {', '.join(config.metric_names)}",
        )
        return
    if rule.slice and rule.slice not in config.slices:
        yield (
            "slice",
            f"{rule.slice!r} is not among slices; {nearest(rule.slice, tuple(config.slices))}",
        )
    if rule.slice and needs(rule.metric) == "alert_budget":
        yield (
            "slice",
            f"the alerts of {rule.metric} are those of all rows: spent on a part alone they may reach all of it; judge average_precision there",
        )
    if rule.min_positives and config.kind != "binary":
        yield "min_positives", f"only binary targets have positives; {config.name} is {config.kind}"
    if not rule.against:
        return
    if rule.metric in TRADED and config.kind == "binary":
        yield (
            "metric",
            f"{rule.metric} against another version can be had by moving the threshold alone; "
            f"compare {rule.metric}_at_budget, cost or average_precision",
        )
    metric = next(metric for metric in config.metrics if metric.name == rule.metric)
    if rule.metric in config.own_metrics and not metric.units:
        yield (
            "metric",
            f"{rule.metric!r} can be compared once it says what is independent: {{name: {rule.metric}, units: COLUMN}} under metrics",
        )
