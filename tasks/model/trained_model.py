"""What a training run knows about its estimator once it has been evaluated, as one value.

Not here: fitting (training.py), measuring (evaluation.py), what becomes of it (tasks/tracking).
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from configs.model import ModelConfig
from tasks.data.labels import labels
from tasks.data.splits import Partitions
from tasks.model.evaluation import Evaluation
from tasks.model.scores import Scores, decisions
from tasks.model.threshold import ThresholdChoice
from tasks.records import ValidationReport


@dataclass(frozen=True)
class EvaluatedModel:
    """A fitted estimator with the rows it was evaluated on and its scores of them."""

    estimator: BaseEstimator
    config: ModelConfig
    rows: pd.DataFrame
    scores: Scores
    threshold: float

    @property
    def target(self) -> "pd.Series[Any]":
        """The target of each row, shape (n,)."""
        return labels(self.config, self.rows)

    @property
    def decided(self) -> "pd.Series[Any]":
        """What the estimator decides for each row, shape (n,)."""
        return decisions(self.config, self.scores, self.threshold)


@dataclass(frozen=True)
class TrainedModel:
    """A fitted estimator, the rows it was fitted and evaluated on, and what was found out.

    `threshold` is None where the YAML requests none, `validation` the report of each stage.
    """

    config: ModelConfig
    estimator: BaseEstimator
    partitions: Partitions
    evaluation: Evaluation
    threshold: ThresholdChoice | None
    validation: tuple[ValidationReport, ...]

    @property
    def on_holdout(self) -> EvaluatedModel:
        evaluation, holdout = self.evaluation, self.partitions.holdout
        return EvaluatedModel(
            self.estimator, self.config, holdout, evaluation.scores, evaluation.threshold
        )

    @property
    def on_train(self) -> EvaluatedModel:
        evaluation, train = self.evaluation, self.partitions.train
        return EvaluatedModel(
            self.estimator, self.config, train, evaluation.train_scores, evaluation.threshold
        )
