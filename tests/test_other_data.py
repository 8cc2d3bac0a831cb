"""Seven public data sets through the flow, each from a YAML that a new user could have written (tests/models).

Skipped where the data are not: they may not be copied into this repository. Expected values: the documentation of each data set, or
measured with scikit-learn 1.9 on the same rows.
"""

import shutil
from pathlib import Path

import pytest

from configs.settings import Settings
from deployments.stack import Stack

DATA = Path(__file__).parents[2] / "shared" / "data" / "others"
MODELS = Path(__file__).parent / "models"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the public data sets are not beside this repository"
)

NO_NULLS = (
    "target: income",
    "target: income\n  drop_nulls: [workclass, occupation, native_country]",
)
KNOWN = [
    ("green_taxi", (), "root_mean_squared_error", 7.7587, 0.00005),
    ("adult", (), "accuracy", 0.872, 0.003),
    ("adult", NO_NULLS, "accuracy", 0.869, 0.003),
    ("bike_sharing", (), "r2", 0.9, 0.1),
    ("california_housing", (), "root_mean_squared_error", 68_000, 3_000),
    ("wine_quality", (), "accuracy", 0.69, 0.02),
    ("german_credit", (), "roc_auc", 0.81, 0.02),
    ("elec2", (), "accuracy", 0.84, 0.02),
]


@pytest.mark.parametrize(
    ("model", "edit", "metric", "expected", "tolerance"),
    KNOWN,
    ids=[" ".join(map(str, known[:2])) for known in KNOWN],
)
def test_a_public_data_set_gives_the_known_result_and_beats_its_baseline(
    servers: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    model: str, edit: tuple[str, ...], metric: str, expected: float, tolerance: float,
) -> None:  # fmt: skip
    models = shutil.copytree(MODELS, tmp_path / "models")
    yaml = models / f"{model}.yaml"
    yaml.write_text(yaml.read_text().replace(*edit) if edit else yaml.read_text())
    settings = Settings(ratchet_home=tmp_path, ratchet_models=models, ratchet_data=DATA)
    variables = settings.environment() | {
        "MLFLOW_TRACKING_URI": servers.mlflow_url,
        "PREFECT_API_URL": servers.prefect_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    from mlflow import MlflowClient
    from prefect.client.orchestration import get_client

    from flows.training import train_candidate
    from tasks.tracking import stored_rows
    from tests.journeys import Journey

    with get_client(sync_client=True) as prefect:
        journey = Journey(model, Settings(), prefect, MlflowClient(servers.mlflow_url))
        journey.deploy()
        run = journey.start(train_candidate)
        state = journey.run(train_candidate, run)
        (recorded,) = journey.mlflow_runs(run)
        params = recorded.data.params
        kept = stored_rows.read(
            journey.mlflow, recorded.info.experiment_id, params["holdout_sha256"]
        )
    assert state.name == "Registered", state
    assert "no better than its baseline" not in str(state.message)
    assert str(kept[stored_rows.IS_HOLDOUT].sum()) == params["holdout_rows"]
    assert recorded.data.metrics[f"holdout/{metric}"] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_new_user_could_have_written_it(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40
