"""The `metrics` section of a YAML: what is measured, built-in metrics and a model's own hooks.

Not here: the built-in metrics (built_in_metrics.py); computing one (tasks/model/metrics.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from configs.built_in_metrics import METRICS, metrics_of, needs
from configs.data import unknown_column
from configs.problems import Location, Problem
from configs.section import Column, Identifier, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


class Metric(Section):
    """A metric by its name; a hook may say more, so that it has bounds and can be compared."""

    name: Identifier = Field(
        description="A built-in metric, or a hook metric(rows, scores) -> number."
    )
    units: Column | None = Field(
        default=None,
        description=(
            "For a hook: column of the independent units, which are resampled with all their rows."
        ),
    )
    greater_is_better: bool = Field(
        default=True, description="For a hook: whether greater values are better."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def sign(self) -> int:
        """1 where greater is better, -1 where lower is."""
        built_in = METRICS.get(self.name)
        greater = built_in.greater_is_better if built_in else self.greater_is_better
        return 1 if greater else -1


def metric_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What is wrong in `metrics`."""
    for index, metric in enumerate(config.metrics):
        yield from _metric_problems(config, metric, index)


def _metric_problems(config: "ModelConfig", metric: Metric, index: int) -> Iterator[Problem]:
    location = ("metrics", index)
    if metric.name in config.metric_names[:index]:
        yield Problem(location, f"{metric.name!r} is listed twice")
    if metric.name in config.own_metrics:
        yield from _hook_problems(config, metric, location)
    else:
        yield from _built_in_problems(config, metric, location)


def _hook_problems(config: "ModelConfig", metric: Metric, location: Location) -> Iterator[Problem]:
    if metric.name in METRICS:
        kind, allowed = METRICS[metric.name].kinds[0], ", ".join(metrics_of(config.kind))
        yield Problem(
            location,
            f"{metric.name!r} is a metric of {kind} models; {config.kind} ones have {allowed}",
        )
    if metric.units:
        yield from unknown_column(config.data, metric.units, (*location, "units"))


def _built_in_problems(
    config: "ModelConfig", metric: Metric, location: Location
) -> Iterator[Problem]:
    if metric.units or not metric.greater_is_better:
        yield Problem(
            location, f"{metric.name!r} is built in: only a hook has units and greater_is_better"
        )
    threshold = config.threshold
    if needs(metric.name) == "prices" and not (threshold and threshold.minimise):
        yield Problem(
            location,
            "cost needs the cost of each kind of error; "
            "add threshold: {minimise: cost, false_positive: 1, false_negative: 20}",
        )
    if needs(metric.name) == "alert_budget" and not (threshold and threshold.alerts_a_day):
        yield Problem(location, f"{metric.name} needs its budget: threshold: {{alerts_a_day: 100}}")
