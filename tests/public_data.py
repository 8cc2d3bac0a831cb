"""The public data sets beside this repository, and a training run on one of them.

They may not be copied into this repository, so tests that need them are skipped without them.
Not here: the models of these data (tests/models).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from configs.settings import Settings
from deployments.stack import Stack

# a test that is skipped need not wait for the import
if TYPE_CHECKING:
    from mlflow.entities import Run

PUBLIC_DATA = Path(__file__).parents[2] / "shared" / "data"
HANDBOOK = PUBLIC_DATA / "fraud_handbook"
OTHERS = PUBLIC_DATA / "others"
MODELS = Path(__file__).parent / "models"

needs_public_data = pytest.mark.skipif(
    not PUBLIC_DATA.is_dir(), reason=f"the public data sets are not at {PUBLIC_DATA}"
)


@dataclass(frozen=True)
class Training:
    """A finished training run: its MLflow run, and the message of its flow run's final state."""

    run: "Run"
    message: str


def train_once(
    model: str,
    settings: Settings,
    servers: Stack,
    monkeypatch: pytest.MonkeyPatch,
    **parameters: Any,
) -> Training:
    """Train a model with the data that the settings name, until it is registered."""
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
        journey = Journey(model, Settings(), prefect, MlflowClient(servers.mlflow_url))
        journey.deploy()
        flow_run = journey.start(train_candidate, **parameters)
        state = journey.run(train_candidate, flow_run)
        assert state.name == "Registered", state
        (run,) = journey.mlflow_runs(flow_run)
    return Training(run, str(state.message))
