"""The published results of the Fraud Detection Handbook (Le Borgne et al., 2022, chapter 3), through the flow, from the raw columns.

Skipped where the data are not: they may not be copied into this repository.
"""

from pathlib import Path

import pytest

from configs.settings import SHIPPED_MODELS, Settings
from deployments.stack import Stack

HANDBOOK = Path(__file__).parents[2] / "shared" / "data" / "fraud_handbook"

pytestmark = pytest.mark.skipif(
    not HANDBOOK.is_dir(), reason="the handbook's data are not beside this repository"
)

PUBLISHED = [
    (["train.params.n_jobs=2"], 0.867, 0.658, 0.287),
    (
        ["train.estimator=sklearn.linear_model.LogisticRegression", "train.params={}"],
        0.870,
        0.605,
        0.291,
    ),
    (
        ["train.estimator=sklearn.tree.DecisionTreeClassifier", "train.params={max_depth: 2}"],
        0.763,
        0.496,
        0.241,
    ),
]


@pytest.mark.parametrize(("overrides", "roc_auc", "average_precision", "card_precision"), PUBLISHED)
def test_the_handbooks_models_reach_their_published_results(
    servers: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    overrides: list[str], roc_auc: float, average_precision: float, card_precision: float,
) -> None:  # fmt: skip
    settings = Settings(ratchet_home=tmp_path, ratchet_models=SHIPPED_MODELS, ratchet_data=HANDBOOK)
    variables = settings.environment() | {
        "MLFLOW_TRACKING_URI": servers.mlflow_url,
        "PREFECT_API_URL": servers.prefect_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    from mlflow import MlflowClient
    from prefect.client.orchestration import get_client

    from flows.training import train_candidate
    from tests.journeys import Journey

    with get_client(sync_client=True) as prefect:
        journey = Journey("fraud_detector", Settings(), prefect, MlflowClient(servers.mlflow_url))
        journey.deploy()
        run = journey.start(train_candidate, as_of="2018-08-15", overrides=overrides)
        assert journey.run(train_candidate, run).name == "Registered"
        (recorded,) = journey.mlflow_runs(run)
    params, metrics = recorded.data.params, recorded.data.metrics
    assert (params["train_rows"], params["train_positives"]) == ("67240", "598")
    assert (params["holdout_rows"], params["holdout_positives"]) == ("58264", "385")
    assert round(metrics["holdout/roc_auc"], 3) == roc_auc
    assert round(metrics["holdout/average_precision"], 3) == average_precision
    ties = 0.005 if "max_depth" in str(overrides) else 0.0005
    assert metrics["holdout/card_precision_at_100"] == pytest.approx(card_precision, abs=ties)
