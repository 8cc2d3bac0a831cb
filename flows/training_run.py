"""What one training run works with, handed from step to step.

Not here: the steps (training.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from mlflow import MlflowClient

from configs.model import ModelConfig
from tasks.tracking.plans import Plan
from tasks.tracking.runs import Run

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class TrainingRun:
    """What one training run works with: MLflow's client, its run there, and its plan."""

    client: MlflowClient
    run: Run
    plan: Plan

    @property
    def config(self) -> ModelConfig:
        return self.plan.config


def of_training(
    work: Callable[Concatenate[MlflowClient, Run, Plan, P], R],
) -> Callable[Concatenate[TrainingRun, P], R]:
    """`work`, called with a training run instead of its three parts."""

    def called(training_run: TrainingRun, /, *args: P.args, **kwargs: P.kwargs) -> R:
        parts = (training_run.client, training_run.run, training_run.plan)
        return work(*parts, *args, **kwargs)

    return called
