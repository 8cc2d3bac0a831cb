"""The `gate` section of a YAML: the rules that a candidate must pass.

Not here: what the rules come to (tasks/verdict/gate.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from configs.built_in_metrics import needs
from configs.problems import Location, Problem, nearest
from configs.section import Identifier, Number, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig

# moving the threshold trades one for the other
TRADED = ("precision", "recall")
# why a metric is compared with a limit only
UNCOMPARED = {
    "max_error": "is the error of one row, and no bound is known for a difference; set a limit",
    "expected_calibration_error": "depends on the number of rows; compare brier_score",
}
Against = Literal["champion", "reference", "baseline"]
Condition = Literal["at_least", "at_most", "better_than", "not_worse_than"]
# the default of each minimum; with fewer, bounds cover less than they say (docs/bounds.md)
MINIMA = {"min_rows": 100, "min_positives": 30}
Percent = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? ?%$")]


@dataclass(frozen=True)
class Margin:
    """How much worse, or better, a metric must be at most, or at least, than another version's.

    An amount in units of the metric; where `is_relative`, a share of the other version's metric.
    """

    amount: float
    is_relative: bool

    def of(self, other: float) -> float:
        """The margin in units of the metric, where `other` is the other version's metric."""
        return self.amount * abs(other) if self.is_relative else self.amount


class Rule(Section):
    """One condition on a metric, or on its difference to the champion's or the reference's.

    It speaks of all rows, or of each part of a slice.
    """

    metric: Identifier = Field(description="The metric, on the holdout.")
    slice: Identifier | None = Field(
        default=None, description="A slice; each of its parts must pass."
    )
    at_least: Number | None = Field(
        default=None,
        description="Passes if the metric's lower confidence bound is at least this.",
    )
    at_most: Number | None = Field(
        default=None, description="Passes if the metric's upper confidence bound is at most this."
    )
    better_than: Against | None = Field(
        default=None,
        description=(
            "Passes if, with confidence, the metric is better than this version's, or the "
            "baseline's, on the same rows, by more than `by`."
        ),
    )
    not_worse_than: Against | None = Field(
        default=None,
        description=(
            "Passes if, with confidence, the metric is worse than this version's, or the "
            "baseline's, on the same rows by less than `by`."
        ),
    )
    by: Annotated[float, Field(ge=0, allow_inf_nan=False)] | Percent = Field(
        default=0.0,
        description=(
            "The margin, in units of the metric or as a share of the other version's, such as 20%."
        ),
    )
    min_rows: int = Field(
        default=MINIMA["min_rows"], ge=1, description="With fewer rows, the rule is inconclusive."
    )
    min_positives: int = Field(
        default=MINIMA["min_positives"],
        ge=0,
        description="With fewer rows of the positive class, the rule is inconclusive.",
    )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that are stated; one, once validated."""
        return tuple(name for name in get_args(Condition) if getattr(self, name) is not None)

    @property
    def kind(self) -> Condition:
        """The key of the one condition."""
        return self.conditions[0]

    @property
    def identity(self) -> tuple[str | None, ...]:
        """What makes two rules the same one, if with another number."""
        return self.metric, self.slice, self.kind, self.against

    @property
    def against(self) -> Against | None:
        """Whose metric this rule compares with, or None."""
        return self.better_than or self.not_worse_than

    @property
    def compares_versions(self) -> bool:
        """Whether it compares with another version: not with a limit, nor with a baseline."""
        return self.against in ("champion", "reference")

    @property
    def margin(self) -> Margin:
        """The margin to the other version; 0 where the rule names none."""
        if isinstance(self.by, str):
            return Margin(float(self.by.rstrip("% ")) / 100, is_relative=True)
        return Margin(self.by, is_relative=False)

    def has_enough(self, rows: int, positives: int | None) -> bool:
        """Whether the rows reach the minima; only a binary target has positives."""
        return rows >= self.min_rows and (positives is None or positives >= self.min_positives)

    def is_met_by(self, spare: float) -> bool:
        """Whether the rule holds by enough: to be better is to be more than equal."""
        return spare > 0 or (spare == 0 and not self.better_than)

    @field_validator("by", mode="wrap")
    @classmethod
    def _read_margin(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError as error:
            raise ValueError(
                f"{value!r} is not a margin; "
                "write a number from 0 up or a percentage, such as 0.05 or 5%"
            ) from error

    @model_validator(mode="after")
    def _require_one_condition(self) -> "Rule":
        if len(self.conditions) != 1:
            raise ValueError(
                "a rule has exactly one of at_least, at_most, better_than, not_worse_than"
            )
        return self

    @model_validator(mode="after")
    def _require_a_margin_that_fits(self) -> "Rule":
        if not self.against and self.margin.amount:
            raise ValueError(f"by is a margin to another version, and {self.kind} names none")
        if self.not_worse_than and self.margin.amount == 0:
            raise ValueError("not_worse_than needs a margin: by: 0.03, or by: 5%")
        return self

    def __str__(self) -> str:
        slice_name = f" by slice {self.slice}" if self.slice else ""
        if self.at_least is not None:
            return f"{self.metric}{slice_name} at least {self.at_least:g}"
        if self.at_most is not None:
            return f"{self.metric}{slice_name} at most {self.at_most:g}"
        if self.better_than and not self.margin.amount:
            return f"{self.metric}{slice_name} better than {self.against}"
        margin = self.by.replace(" ", "") if isinstance(self.by, str) else f"{self.by:g}"
        relation = "better" if self.better_than else "not worse"
        return f"{self.metric}{slice_name} {relation} than {self.against} by {margin}"


def gate_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What is wrong in `gate`."""
    first_places: dict[tuple[str | None, ...], int] = {}
    for index, rule in enumerate(config.gate):
        yield from _rule_problems(config, rule, ("gate", index))
        first = first_places.setdefault(rule.identity, index)
        if first != index:
            yield Problem(
                ("gate", index),
                f"has the metric, slice and condition of rule {first + 1}; keep the stricter one",
            )


def _rule_problems(config: "ModelConfig", rule: Rule, location: Location) -> Iterator[Problem]:
    if rule.metric not in config.metric_names:
        allowed = ", ".join(config.metric_names)
        yield Problem(
            (*location, "metric"), f"{rule.metric!r} is not computed; metrics has {allowed}"
        )
        return
    if rule.slice:
        yield from _rule_on_slice_problems(config, rule, rule.slice, location)
    # a stored configuration states the defaults, of this release or of an earlier one
    is_stated = rule.min_positives not in (0, MINIMA["min_positives"])
    if is_stated and config.kind != "binary":
        yield Problem(
            (*location, "min_positives"),
            f"only binary targets have positives; {config.name} is {config.kind}",
        )
    if rule.against:
        yield from _rule_against_problems(config, rule, location)


def _rule_on_slice_problems(
    config: "ModelConfig", rule: Rule, name: str, location: Location
) -> Iterator[Problem]:
    if name not in config.slices:
        yield Problem(
            (*location, "slice"), f"{name!r} is not among slices; {nearest(name, config.slices)}"
        )
    if needs(rule.metric) == "alert_budget":
        yield Problem(
            (*location, "slice"),
            f"the alerts of {rule.metric} are those of all rows: spent on one part alone, they may "
            "reach all of it; judge average_precision there",
        )


def _rule_against_problems(
    config: "ModelConfig", rule: Rule, location: Location
) -> Iterator[Problem]:
    """Metrics that cannot be compared with another version's."""
    if rule.metric in TRADED and config.kind == "binary":
        yield Problem(
            (*location, "metric"),
            f"moving the threshold alone improves {rule.metric} against another version; "
            f"compare {rule.metric}_at_budget, cost or average_precision",
        )
    metric = config.metric(rule.metric)
    if metric.name in UNCOMPARED:
        yield Problem((*location, "metric"), f"{metric.name} {UNCOMPARED[metric.name]}")
    if metric.name in config.own_metrics and not metric.units:
        yield Problem(
            (*location, "metric"),
            f"{metric.name!r} can be compared once its independent units are named: "
            f"{{name: {metric.name}, units: COLUMN}} under metrics",
        )
