"""The parts of a YAML that say how candidates are judged: metrics, threshold, slices, comparison and the rules of the gate.

Not here: what the rules come to (tasks/verdict/gate.py), what must agree with the other parts (agreement_on_judging.py).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from configs.metrics import LOWER_IS_BETTER
from configs.rows import Column, Identifier, Number, Part

Against = Literal["champion", "reference"]
Share = Annotated[float, Field(gt=0, lt=1)]
Percent = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? ?%$")]


class Metric(Part):
    """A metric by its name; one of the model's own may say more, so that it has bounds and can be compared."""

    name: Identifier = Field(description="A built-in name, or a hook metric(rows, scores) -> number.")
    units: Column | None = Field(
        default=None, description="Column of what is independent, for a hook: resamples draw its values, each with all its rows."
    )
    greater_is_better: bool = Field(default=True, description="Which way a hook is better.")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self.name in LOWER_IS_BETTER or not self.greater_is_better else 1


class Threshold(Part):
    """From which score on a binary model decides for the positive class: exactly one aim. Left out, from 0.5 on."""

    minimise: Literal["cost"] | None = Field(default=None, description="The least cost of wrong decisions.")
    false_positive: float = Field(default=1, ge=0, description="What one false alert costs.")
    false_negative: float = Field(default=1, ge=0, description="What one missed positive costs.")
    precision: Share | None = Field(default=None, description="The most recall at this precision or more.")
    recall: Share | None = Field(default=None, description="The most precision at this recall or more.")
    alerts_a_day: int | None = Field(default=None, gt=0, description="As many alerts a day at most; for dated data.")

    @model_validator(mode="after")
    def _has_one_aim(self) -> "Threshold":
        if sum(aim is not None for aim in (self.minimise, self.precision, self.recall, self.alerts_a_day)) != 1:
            raise ValueError("a threshold has one aim: minimise: cost, precision, recall or alerts_a_day")
        priced = {"false_positive", "false_negative"} & self.model_fields_set
        if self.minimise and (not priced or self.false_positive + self.false_negative == 0):
            raise ValueError("minimise: cost needs the costs false_positive and false_negative")
        return self

    def __str__(self) -> str:
        if self.minimise:
            return f"least cost, {self.false_positive:g} a false positive, {self.false_negative:g} a false negative"
        if self.alerts_a_day:
            return f"at most {self.alerts_a_day} alerts a day"
        return f"precision at least {self.precision:g}" if self.precision else f"recall at least {self.recall:g}"


class Comparison(Part):
    """How sure a verdict must be, and what becomes of doubt."""

    units: tuple[Column, ...] = Field(
        default=(),
        max_length=2,
        description="Columns of what is not independent, at most two: a customer's rows are drawn together, or a day's (the time column). Left out: rows.",
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Of each one-sided bound.")
    inconclusive: Literal["refuse", "ask"] = Field(
        default="refuse", description="What becomes of a candidate that data cannot tell from the champion."
    )
    seen_rows: Literal["refuse", "leave_out"] = Field(
        default="refuse", description="What becomes of holdout rows that one of the compared versions was trained on."
    )
    spend: bool | None = Field(
        default=None,
        description="Whether each look at the same holdout makes the next bound stricter; left out: only where the holdout never renews.",
    )
    signature: Literal["keep", "may_break"] = Field(
        default="keep", description="Whether a model signature that breaks callers of the champion refuses."
    )


class Rule(Part):
    """One condition: a bound on a metric, or on its difference to the champion or the reference, on all rows or on each part of a slice."""

    metric: Identifier = Field(description="A metric of the holdout.")
    slice: Identifier | None = Field(default=None, description="A slice: each of its parts must pass.")
    at_least: Number | None = Field(default=None, description="Passes when the metric is surely this or more.")
    at_most: Number | None = Field(default=None, description="Passes when the metric is surely this or less.")
    better_than: Against | None = Field(
        default=None, description="Passes when it is surely better than this version's on the same rows."
    )
    not_worse_than: Against | None = Field(default=None, description="Passes when it is surely not worse by `by` or more.")
    by: Annotated[float, Field(ge=0, allow_inf_nan=False)] | Percent = Field(
        default=0.0, description="The margin: a number, or a share of the other's metric as 20 %."
    )
    min_rows: int = Field(default=1, ge=1, description="With fewer rows it is inconclusive.")
    min_positives: int = Field(default=0, ge=0, description="With fewer positives it is inconclusive.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Rule":
        said = [name for name in ("at_least", "at_most", "better_than", "not_worse_than") if getattr(self, name) is not None]
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
        return (float(self.by.rstrip("% ")) / 100, True) if isinstance(self.by, str) else (self.by, False)

    def __str__(self) -> str:
        where = f" on each {self.slice}" if self.slice else ""
        if self.at_least is not None:
            return f"{self.metric}{where} at least {self.at_least:g}"
        if self.at_most is not None:
            return f"{self.metric}{where} at most {self.at_most:g}"
        by = f" by {self.by if isinstance(self.by, str) else format(self.by, 'g')}" if self.margin[0] else ""
        return f"{self.metric}{where} {'better' if self.better_than else 'not worse'} than {self.against}{by}"


Slices = dict[Identifier, dict[Column, Literal["values"] | tuple[Number, ...]]]
