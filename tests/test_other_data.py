"""Seven public data sets through the flow, each with a YAML that a new user could have written.

The expected values are from the documentation of each data set, or were measured with scikit-learn
1.9 on the same rows.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from configs.settings import Settings
from deployments.stack import Stack
from tasks.tracking import stored_rows
from tests.public_data import MODELS, OTHERS, needs_public_data, train_once


@dataclass(frozen=True)
class Known:
    """The known result of a model on its holdout; `drop_nulls` are columns added to its YAML."""

    model: str
    metric: str
    value: float
    tolerance: float
    drop_nulls: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.model} without nulls" if self.drop_nulls else self.model


KNOWN = (
    Known("green_taxi", "root_mean_squared_error", 7.7587, 0.00005),
    Known("adult", "accuracy", 0.872, 0.003),
    Known("adult", "accuracy", 0.869, 0.003, ("workclass", "occupation", "native_country")),
    Known("bike_sharing", "r2", 0.9, 0.1),
    Known("california_housing", "root_mean_squared_error", 68_000, 3_000),
    Known("wine_quality", "accuracy", 0.69, 0.02),
    Known("german_credit", "roc_auc", 0.81, 0.02),
    Known("elec2", "accuracy", 0.84, 0.02),
)


@needs_public_data
@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_a_public_data_set_gives_the_known_result_and_beats_its_baseline(
    servers: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Known
) -> None:
    models = shutil.copytree(MODELS, tmp_path / "models")
    if known.drop_nulls:
        _drop_nulls(models / f"{known.model}.yaml", known.drop_nulls)
    settings = Settings(ratchet_home=tmp_path, ratchet_models=models, ratchet_data=OTHERS)
    training = train_once(known.model, settings, servers, monkeypatch)
    assert "no better than its baseline" not in training.message
    measured = training.run.data.metrics[f"holdout/{known.metric}"]
    assert measured == pytest.approx(known.value, abs=known.tolerance)
    assert _stored_holdout_rows(servers, training.run) == training.run.data.params["holdout_rows"]


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_new_user_could_have_written_it(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


def _drop_nulls(yaml: Path, columns: tuple[str, ...]) -> None:
    target = next(line for line in yaml.read_text().splitlines() if line.startswith("  target: "))
    drop_nulls = f"  drop_nulls: [{', '.join(columns)}]"
    yaml.write_text(yaml.read_text().replace(target, f"{target}\n{drop_nulls}"))


def _stored_holdout_rows(servers: Stack, run: Run) -> str:
    """How many rows are stored as the holdout of a training run."""
    client = MlflowClient(servers.mlflow_url)
    digest = run.data.params["holdout_sha256"]
    rows = stored_rows.read(client, run.info.experiment_id, digest)
    return str(rows[stored_rows.IS_HOLDOUT].sum())
