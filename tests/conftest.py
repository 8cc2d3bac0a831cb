"""What all tests share: settings over a temporary home, a small model of its own, real servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings as hypothesis_settings

from configs.settings import Settings
from deployments.stack import Stack
from tests.object_storage import bucket as bucket
from tests.servers import servers as servers

# journeys import prefect, which tests without servers need not wait for
if TYPE_CHECKING:
    from tests.journeys import Journey
    from tests.user_home import UserHome

# a test that starts MLflow or Prefect uses one of these, and is marked `servers` for it
SERVER_FIXTURES = ("user_home", "starts_servers", "servers")
# machines are noisy; what is fast enough is for `make bench` to say
hypothesis_settings.register_profile("without a deadline", deadline=None)
hypothesis_settings.load_profile("without a deadline")

TOOL_CACHES = {".hypothesis", ".pytest_cache"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if set(SERVER_FIXTURES) & _fixtures_of(item):
            item.add_marker("servers")
    # the longest come first, so that no worker is left alone with them at the end
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    """The place of the first server fixture that the test uses; last, if it uses none."""
    used = [SERVER_FIXTURES.index(name) for name in SERVER_FIXTURES if name in _fixtures_of(item)]
    return min(used, default=len(SERVER_FIXTURES))


def _fixtures_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def clean_start_folder() -> Iterator[None]:
    """No test leaves a file in the folder where the tests were started, the repository's root."""
    folder = Path.cwd()
    before = set(folder.iterdir())
    yield
    left = {path.name for path in set(folder.iterdir()) - before} - TOOL_CACHES
    assert left == set(), f"the tests left these in {folder}"


@pytest.fixture
def starts_servers() -> None:
    """For a test that starts servers by itself: it is not part of `make test-offline`."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose every path lies in the test's own folder."""
    models = tmp_path / "models"
    models.mkdir()
    return Settings(
        ratchet_home=tmp_path / "home",
        ratchet_models=models,
        ratchet_data=tmp_path / "data",
        ratchet_mlflow_port=0,
        ratchet_prefect_port=0,
    )


TINY = Path(__file__).parent / "tiny"
TINY_YAML = (TINY / "tiny.yaml").read_text()
TINY_HOOKS = (TINY / "tiny.py").read_text()


def write_days(
    folder: Path, start: str = "2026-01-01", days: int = 10, rows: int = 200, seed: int = 0
) -> pd.DataFrame:
    """Daily files of rows that `tiny` can learn from: the larger the amount, the likelier bad."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for number, day in enumerate(pd.date_range(start, periods=days)):
        frame = _rows_of_day(day, number * rows, rows, random)
        frame.to_parquet(folder / f"{day:%Y-%m-%d}.parquet", index=False)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _rows_of_day(
    day: pd.Timestamp, first_id: int, rows: int, random: np.random.Generator
) -> pd.DataFrame:
    amount = random.gamma(2, 50, rows).round(2)
    seconds = np.sort(random.integers(0, 86_400, rows))
    customer = random.integers(0, 30, rows)
    probability_of_bad = 1 / (1 + np.exp(-(amount - 180) / 20))
    columns = {
        "id": np.arange(first_id, first_id + rows),
        "at": (day + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us]"),
        "customer": customer,
        "amount": amount,
        "bad": (random.random(rows) < probability_of_bad).astype("int64"),
    }
    return pd.DataFrame(columns)


@pytest.fixture
def tiny(settings: Settings) -> Path:
    """The YAML of a model called tiny, its hooks beside it; a test may rewrite the file."""
    (settings.models / "tiny.py").write_text(TINY_HOOKS)
    path = settings.models / "tiny.yaml"
    path.write_text(TINY_YAML)
    return path


@pytest.fixture
def home(settings: Settings, servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The test's own settings on the shared servers, also for every process that it starts."""
    variables = settings.environment() | {
        "MLFLOW_TRACKING_URI": servers.mlflow_url,
        "PREFECT_API_URL": servers.prefect_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture(scope="session")
def user_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator["UserHome"]:
    """A user's folder in which commands are typed; what still runs there at the end is killed."""
    from tests.user_home import UserHome

    user_home = UserHome(tmp_path_factory.mktemp("user"))
    yield user_home
    user_home.end()


@pytest.fixture
def new_journey(home: Settings) -> Iterator[Callable[..., "Journey"]]:
    """Makes a deployed model of this test alone, with ten days of data and a YAML edited first."""
    from tests.journeys import begin

    with ExitStack() as stack:
        yield lambda edit=str: stack.enter_context(begin(home, edit))


@pytest.fixture
def journey(new_journey: Callable[..., "Journey"]) -> "Journey":
    return new_journey()
