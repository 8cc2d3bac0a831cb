"""One model, one YAML: all its sections together, frozen and closed to unknown keys, and what must agree across them.

Not here: the sections, each in the file of its name; reading the file and naming its lines (reading.py)."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field, StringConstraints, model_validator

from configs import python_source
from configs.checks import Check, check_problems
from configs.data import Data, data_problems
from configs.errors import ConfigError
from configs.judging import Comparison, Metric, Rule, Slices, Threshold, judging_problems
from configs.metrics import Kind, metrics_of
from configs.problems import Location, Problem, nearest
from configs.section import Section
from configs.split import Split, TimeSplit, split_problems
from configs.train import Train, train_problems

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Promotion(Section):
    ask: Literal["on_candidate", "when_better", "manual"] = Field(
        default="manual",
        description="Whether a person is asked about each candidate that passes, only about those surely better in the first metric, or only by hand.",
    )
    champion_older_than_days: int | None = Field(
        default=None,
        ge=1,
        description="With when_better: once the champion is as old, any candidate that passes is asked about.",
    )

    @model_validator(mode="after")
    def _waits_for_something(self) -> "Promotion":
        if self.champion_older_than_days and self.ask != "when_better":
            raise ValueError("champion_older_than_days goes with ask: when_better")
        return self


class Approval(Section):
    expires_after_days: int = Field(
        default=7, ge=1, le=365, description="Days after which an unanswered request is void."
    )


class Schedule(Section):
    cron: str = Field(description="When to train, as a cron expression of five fields.")
    timezone: str = Field(
        default="UTC", description="The time zone the cron expression speaks of: Europe/Paris."
    )


class ModelConfig(Section):
    """One model, whole."""

    name: Name = Field(
        description="The model's name here, in MLflow and in Prefect; the file's name."
    )
    description: str = Field(min_length=1, description="What it predicts, in a sentence.")
    owner: str = Field(min_length=1, description="The team that answers for it.")
    kind: Kind = Field(
        default="binary",
        description="What is predicted: one of two classes, one of several, or a number.",
    )
    data: Data
    split: Split
    checks: tuple[Check, ...] = Field(default=(), description="What the data must satisfy.")
    train: Train
    metrics: tuple[Metric, ...] = Field(
        min_length=1,
        description="What is computed: built-in names, or hooks metric(rows, scores) -> number, which may say more: {name: HOOK, units: COLUMN}. The first is compared with a baseline's.",
    )
    threshold: Threshold | None = Field(
        default=None,
        description="How the score is chosen from which on a binary model decides for the positive class.",
    )
    slices: Slices = Field(
        default_factory=dict,
        description="Partitions of the holdout that are looked at by themselves: a name for columns, after prepare, each by its values or by the inner edges of bins.",
    )
    comparison: Comparison = Comparison()
    gate: tuple[Rule, ...] = Field(
        min_length=1, description="All of these must pass before a promotion is asked for."
    )
    promotion: Promotion = Promotion()
    approval: Approval = Approval()
    schedule: Schedule | None = Field(
        default=None, description="When training starts by itself; never, if left out."
    )

    @property
    def exclude(self) -> str | None:
        return self.split.exclude if isinstance(self.split, TimeSplit) else None

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """The metrics that are hooks."""
        built_in = metrics_of(self.kind)
        return tuple(name for name in self.metric_names if name not in built_in)

    @property
    def main_metric(self) -> str | None:
        """The first built-in metric: by it a model is compared with its baselines and across slices."""
        built_in = (name for name in self.metric_names if name not in self.own_metrics)
        return next(built_in, None)

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the functions that the file beside the YAML must define."""
        return tuple(name for name in (self.data.prepare, self.exclude, *self.own_metrics) if name)


def disagreements(config: ModelConfig, path: Path) -> Iterator[Problem]:
    """What each part allows but the whole does not."""
    if config.name != path.stem:
        yield Problem(("name",), f"{config.name!r} stands in {path.name}; name and file must agree")
    yield from data_problems(config)
    yield from split_problems(config)
    yield from _hook_problems(config, path.with_suffix(".py"))
    yield from check_problems(config)
    yield from train_problems(config)
    yield from judging_problems(config)
    yield from _schedule_problems(config)


def _hook_problems(config: ModelConfig, path: Path) -> Iterator[Problem]:
    if not config.hooks:
        return
    try:
        defined = python_source.functions_in(path) if path.is_file() else frozenset()
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: this is not Python: {error.msg}") from error
    places: list[tuple[Location, str | None]] = [
        (("data", "prepare"), config.data.prepare),
        (("split", "exclude"), config.exclude),
    ]
    places += [
        (("metrics", i), name)
        for i, name in enumerate(config.metric_names)
        if name in config.own_metrics
    ]
    for location, name in places:
        if name and name not in defined:
            known = (
                (*metrics_of(config.kind), *defined) if location[0] == "metrics" else tuple(defined)
            )
            beside = (
                f"no function of {path.name} beside the YAML"
                if path.is_file()
                else f"a hook, and there is no {path.name} beside the YAML"
            )
            yield Problem(location, f"{name!r} is {beside}; {nearest(name, known)}")


def _schedule_problems(config: ModelConfig) -> Iterator[Problem]:
    if config.schedule is None:
        return
    try:
        zone = ZoneInfo(config.schedule.timezone)
    except (KeyError, ValueError, OSError):  # how zoneinfo says: unknown, not a name, a folder
        yield Problem(
            ("schedule", "timezone"),
            f"{config.schedule.timezone!r} is not a time zone; write one like Europe/Paris",
        )
        return

    try:
        CronSim(config.schedule.cron, datetime.now(zone))
    except CronSimError as error:
        yield Problem(
            ("schedule", "cron"),
            f"{config.schedule.cron!r} is not a cron expression ({error}); write one like 0 3 * * *",
        )
