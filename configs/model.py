"""One model, one YAML: all its sections together, and what must agree across them.

Not here: the sections, each in the file of its name; reading the file and naming its lines
(reading.py).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from configs import python_source
from configs.baseline import SeasonalBaseline, baseline_problems
from configs.built_in_metrics import METRICS, Kind, metrics_of
from configs.checks import Check, check_problems
from configs.comparison import Comparison, comparison_problems
from configs.data import Data, data_problems
from configs.errors import ConfigError
from configs.gate import Rule, gate_problems
from configs.metrics import Metric, metric_problems
from configs.problems import Location, Problem, nearest
from configs.promotion import Approval, Promotion
from configs.schedule import Schedule, schedule_problems
from configs.scoring import Scoring, scoring_problems
from configs.section import Section
from configs.slices import Slices, slice_problems
from configs.split import Split, TimeSplit, split_problems
from configs.threshold import Threshold, threshold_problems
from configs.train import Train, train_problems

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class ModelConfig(Section):
    """The configuration of one model."""

    name: Name = Field(
        description="Name of the model in ratchet, MLflow and Prefect; also the name of this file."
    )
    description: str = Field(min_length=1, description="What the model predicts, in a sentence.")
    owner: str = Field(min_length=1, description="The team responsible for the model.")
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
        description=(
            "What to compute: built-in metrics, or hooks metric(rows, scores) -> number, which may "
            "say more: {name: HOOK, units: COLUMN}. The first built-in one is compared with a "
            "baseline's."
        ),
    )
    baseline: SeasonalBaseline | None = Field(
        default=None,
        description=(
            "A seasonal baseline for dated numbers, beside the mean and the newest value. A rule "
            "of the gate compares with the baseline that is best in the first built-in metric."
        ),
    )
    threshold: Threshold | None = Field(
        default=None,
        description=(
            "How to choose the score from which on a binary model predicts the positive class; "
            "0.5 if left out."
        ),
    )
    slices: Slices = Field(
        default_factory=dict,
        description=(
            "Ways to cut the holdout into parts that are judged separately: a name for columns, "
            "after `prepare`, each cut by its values or at the inner edges of bins."
        ),
    )
    comparison: Comparison = Comparison()
    gate: tuple[Rule, ...] = Field(
        min_length=1, description="The rules that must all pass before a promotion is requested."
    )
    promotion: Promotion = Promotion()
    approval: Approval = Approval()
    schedule: Schedule | None = Field(
        default=None, description="When training starts by itself; if left out, never."
    )
    scoring: Scoring | None = Field(
        default=None, description="Where the champion's scores of new rows go, and when."
    )

    @property
    def exclude(self) -> str | None:
        """The hook that excludes holdout rows, or None."""
        return self.split.exclude if isinstance(self.split, TimeSplit) else None

    @property
    def label_delay_days(self) -> int:
        """How many days a label takes to arrive; 0 for data that are not split by time."""
        if self.data.labels_known_after_days is not None:
            return self.data.labels_known_after_days
        return self.split.delay_days if isinstance(self.split, TimeSplit) else 0

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of all metrics, in their order."""
        return tuple(metric.name for metric in self.metrics)

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """The metrics that are hooks."""
        return tuple(name for name in self.metric_names if name not in metrics_of(self.kind))

    @property
    def main_metric(self) -> str | None:
        """The first built-in metric, which is compared with baselines and across slices."""
        own = self.own_metrics
        return next((name for name in self.metric_names if name not in own), None)

    def metric(self, name: str) -> Metric:
        """The metric of that name in the YAML."""
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the functions that the file beside the YAML must define."""
        return tuple(name for _, name in self.placed_hooks)

    @property
    def placed_hooks(self) -> tuple[tuple[Location, str], ...]:
        """Where each hook is named, and its name."""
        hooks: list[tuple[Location, str]] = []
        if self.data.prepare:
            hooks.append((("data", "prepare"), self.data.prepare))
        if self.exclude:
            hooks.append((("split", "exclude"), self.exclude))
        for index, name in enumerate(self.metric_names):
            if name in self.own_metrics:
                hooks.append((("metrics", index), name))
        return tuple(hooks)


def model_problems(config: ModelConfig, path: Path) -> Iterator[Problem]:
    """What does not agree across sections, or with the names and the hooks of the files.

    `path` is the YAML's. Raises ConfigError if the file of hooks is not Python.
    """
    if config.name != path.stem:
        yield Problem(
            ("name",),
            f"{config.name!r} does not match the file's name, {path.name}; change one of them",
        )
    yield from data_problems(config)
    yield from split_problems(config)
    yield from check_problems(config)
    yield from train_problems(config)
    yield from judging_problems(config)
    yield from schedule_problems(config.schedule, ("schedule",))
    yield from scoring_problems(config)
    yield from _hook_problems(config, path.with_suffix(".py"))


def judging_problems(config: ModelConfig) -> Iterator[Problem]:
    """What is wrong in the sections that decide how candidates are judged."""
    yield from metric_problems(config)
    yield from baseline_problems(config)
    yield from threshold_problems(config)
    yield from slice_problems(config)
    yield from comparison_problems(config)
    yield from gate_problems(config)


def _hook_problems(config: ModelConfig, path: Path) -> Iterator[Problem]:
    """The hooks that the file beside the YAML does not define."""
    if not config.hooks:
        return
    functions = _functions_in(path) if path.is_file() else frozenset()
    for location, name in config.placed_hooks:
        if name in functions:
            continue
        if location[0] != "metrics":
            yield Problem(location, _no_hook(name, functions, path))
        # metric_problems names a metric of another kind of models
        elif name not in METRICS:
            yield Problem(location, _no_metric(name, config.kind, functions, path))


def _no_hook(name: str, functions: frozenset[str], path: Path) -> str:
    if not path.is_file():
        return (
            f"{name!r} is a hook, but there is no {path.name} beside the YAML; "
            "create it and define the function there"
        )
    hint = nearest(name, _public(functions))
    return f"{name!r} is not a function in {path.name} beside the YAML; {hint}"


def _no_metric(name: str, kind: Kind, functions: frozenset[str], path: Path) -> str:
    absent = "" if path.is_file() else ", which does not exist"
    hint = nearest(name, [*_public(functions), *metrics_of(kind)])
    return f"{name!r} is neither a built-in metric nor a function in {path.name}{absent}; {hint}"


def _public(functions: frozenset[str]) -> list[str]:
    return [name for name in functions if not name.startswith("_")]


def _functions_in(path: Path) -> frozenset[str]:
    try:
        return python_source.functions_in(path)
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: this is not Python: {error.msg}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not Python in UTF-8: {error}") from error
