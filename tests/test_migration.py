"""A home that older servers have written is copied, then brought up to date."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils
from mlflow.store.tracking.dbmodels.initial_models import Base

from configs.errors import RatchetError
from configs.settings import Settings
from deployments.migration import migrate


def test_an_older_home_is_copied_and_then_upgraded_once(settings: Settings) -> None:
    database = _older_mlflow(settings)
    (settings.home / "versions.json").write_text(
        json.dumps({"mlflow": "3.1.0", "prefect": "3.8.8", "ratchet": "0.0.1"})
    )
    reports: list[str] = []
    with pytest.raises(MlflowException, match="out-of-date"):
        _verify(database)

    migrate(settings, reports.append)
    _verify(database)
    copy = settings.home / "backups" / "mlflow3.1.0-prefect3.8.8-ratchet0.0.1" / "mlflow.db"
    with pytest.raises(MlflowException, match="out-of-date"):
        _verify(copy)
    migrate(settings, reports.append)
    assert len(reports) == 1


def test_a_database_that_cannot_be_upgraded_is_left_as_it_was(settings: Settings) -> None:
    settings.home.mkdir()
    with closing(sqlite3.connect(settings.home / "mlflow.db")) as broken, broken:
        broken.execute("CREATE TABLE alembic_version (version_num TEXT)")
        broken.execute("INSERT INTO alembic_version VALUES ('of the future')")
    with pytest.raises(RatchetError, match=r"cannot upgrade .*: .*of the future.* a copy is in"):
        migrate(settings, lambda _: None)
    assert not (settings.home / "versions.json").exists()


def test_a_new_home_needs_nothing(settings: Settings) -> None:
    settings.home.mkdir()
    migrate(settings, pytest.fail)
    assert not (settings.home / "backups").exists()


def _older_mlflow(settings: Settings) -> Path:
    """MLflow's database as its last version but one made it."""
    settings.home.mkdir()
    database = settings.home / "mlflow.db"
    url = f"sqlite:///{database}"
    config = utils._get_alembic_config(url)
    with _engine(database) as engine:
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head-1")
    return database


def _verify(database: Path) -> None:
    """MlflowException unless MLflow takes the database as it is."""
    with _engine(database) as engine:
        utils._verify_schema(engine)


@contextmanager
def _engine(database: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{database}")
    yield engine
    engine.dispose()
