"""The published results of the Fraud Detection Handbook, through the flow, from the raw columns.

Le Borgne et al. (2022), chapter 3. Not here: the hooks by themselves (test_fraud_detector.py).
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from configs.settings import SHIPPED_MODELS, Settings
from deployments.stack import Stack
from tests.public_data import HANDBOOK, needs_public_data, train_once

pytestmark = needs_public_data


@dataclass(frozen=True)
class Published:
    """The handbook's results of an estimator, rounded to three digits as they are printed there.

    `card_precision_tolerance` is wider where many transactions have the same score: then the
    hundred most suspicious cards are not determined.
    """

    overrides: tuple[str, ...]
    roc_auc: float
    average_precision: float
    card_precision: float
    card_precision_tolerance: float = 0.0005


FOREST = Published(("train.params.n_jobs=2",), 0.867, 0.658, 0.287)
LOGISTIC_REGRESSION = Published(
    ("train.estimator=sklearn.linear_model.LogisticRegression", "train.params={}"),
    0.870,
    0.605,
    0.291,
)
TREE = Published(
    ("train.estimator=sklearn.tree.DecisionTreeClassifier", "train.params={max_depth: 2}"),
    0.763,
    0.496,
    0.241,
    card_precision_tolerance=0.005,
)


@pytest.mark.parametrize(
    "published",
    [FOREST, LOGISTIC_REGRESSION, TREE],
    ids=["random forest", "logistic regression", "decision tree"],
)
def test_the_handbooks_models_reach_their_published_results(
    servers: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: Published
) -> None:
    settings = Settings(ratchet_home=tmp_path, ratchet_models=SHIPPED_MODELS, ratchet_data=HANDBOOK)
    training = train_once(
        "fraud_detector",
        settings,
        servers,
        monkeypatch,
        as_of="2018-08-15",
        overrides=list(published.overrides),
    )
    params, metrics = training.run.data.params, training.run.data.metrics
    assert (params["train_rows"], params["train_positives"]) == ("67240", "598")
    assert (params["holdout_rows"], params["holdout_positives"]) == ("58264", "385")
    assert round(metrics["holdout/roc_auc"], 3) == published.roc_auc
    assert round(metrics["holdout/average_precision"], 3) == published.average_precision
    assert metrics["holdout/card_precision_at_100"] == pytest.approx(
        published.card_precision, abs=published.card_precision_tolerance
    )
