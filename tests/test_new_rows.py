"""The rows that are scored: each once, with the history that `prepare` needs, without labels that
come later."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine

from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.reading import hooks_path, read_file, read_model
from configs.settings import SHIPPED_MODELS, Settings
from tasks.data import hooks, new_rows, simulation
from tasks.data.new_rows import DailyRows, read_blocks
from tests.conftest import TINY_YAML, write_days

FIRST = datetime(2026, 1, 8)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]


@pytest.fixture
def rows(settings: Settings, tiny: Path) -> pd.DataFrame:
    return write_days(settings.data / "days")


def configured(tiny: Path, *replacements: tuple[str, str]) -> ModelConfig:
    text = TINY_YAML
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    tiny.write_text(text)
    return read_file(tiny)


ONE_FILE = ("days/*.parquet", "all.parquet")
QUERY = (
    'source: {kind: files, path: "${RATCHET_DATA}/days/*.parquet"}',
    "source: {kind: sql, url: '${ROWS_DB}', "
    "query: 'select * from rows where at >= :start and at < :end'}",
)
WHOLE_TABLE = (QUERY[0], "source: {kind: sql, url: '${ROWS_DB}', query: select * from rows}")


@pytest.mark.parametrize("source", [None, ONE_FILE, QUERY, WHOLE_TABLE], ids=str)
def test_a_day_comes_with_its_history_and_only_labels_that_were_known_at_its_end(
    settings: Settings,
    tiny: Path,
    rows: pd.DataFrame,
    source: tuple[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows.to_parquet(settings.data / "all.parquet", index=False)
    database = f"sqlite:///{settings.data / 'rows.db'}"
    engine = create_engine(database)
    rows.to_sql("rows", engine, index=False)
    engine.dispose()
    monkeypatch.setenv("ROWS_DB", database)
    config = configured(tiny, ("history_days: 1", "history_days: 2"), *([source] if source else []))
    daily = DailyRows(config, DAYS, settings.data)
    for day in DAYS:
        chunk = daily.of(day)
        expected = rows[rows["at"].between(day - timedelta(days=2), day + timedelta(days=1))]
        expected = expected.sort_values(["at", "id"], ignore_index=True)
        pd.testing.assert_frame_equal(
            chunk.raw[["id", "at", "amount"]], expected[["id", "at", "amount"]]
        )
        is_new = expected["at"] >= day
        assert (chunk.is_new == is_new).all()
        # one day of delay: at the end of the day, labels are known up to its beginning
        assert (chunk.raw["bad"].isna() == is_new).all()


def test_with_a_longer_delay_fewer_labels_are_known(
    settings: Settings, tiny: Path, rows: pd.DataFrame
) -> None:
    config = configured(
        tiny, ("history_days: 1", "history_days: 3"), ("delay_days: 1", "delay_days: 2")
    )
    chunk = DailyRows(config, [FIRST], settings.data).of(FIRST)
    known = chunk.raw.loc[chunk.raw["bad"].notna(), "at"]
    assert known.max() < pd.Timestamp("2026-01-07") <= known.max() + timedelta(hours=1)
    assert known.min().date() == datetime(2026, 1, 5).date()


def test_a_row_that_lies_in_another_days_file_is_scored_once_with_its_file(
    settings: Settings, tiny: Path, rows: pd.DataFrame
) -> None:
    """As when files are of local days, and times in UTC."""
    file = settings.data / "days" / "2026-01-09.parquet"
    late = pd.read_parquet(file)
    late.loc[0, "at"] = pd.Timestamp("2026-01-08 23:30")
    late.to_parquet(file, index=False)
    daily = DailyRows(configured(tiny), DAYS, settings.data)
    new_ids = [chunk.raw["id"][chunk.is_new] for chunk in map(daily.of, DAYS)]
    assert late["id"][0] in set(new_ids[1])
    assert sorted(pd.concat(new_ids)) == sorted(rows.loc[rows["at"] >= FIRST, "id"])


def test_each_file_is_read_once(settings: Settings, tiny: Path, rows: pd.DataFrame) -> None:
    daily = DailyRows(configured(tiny, ("history_days: 1", "history_days: 3")), DAYS, settings.data)
    for day in DAYS:
        assert len(daily.of(day).raw) == 800
        (settings.data / "days" / f"{day:%Y-%m-%d}.parquet").unlink()


def test_a_missing_day_is_named_before_anything_is_read(
    settings: Settings, tiny: Path, rows: pd.DataFrame
) -> None:
    (settings.data / "days" / "2026-01-09.parquet").unlink()
    with pytest.raises(DataRejected, match=r"1 of the 4 days .* \(2026-01-09\).*other days"):
        DailyRows(configured(tiny), DAYS, settings.data)


UNDATED = (
    ("  time: at\n", ""),
    ("  history_days: 1\n", ""),
    (
        "split: {by: time, train_days: 3, delay_days: 1, holdout_days: 2, exclude: first_customer}",
        "split: {by: hash, holdout: 0.3}",
    ),
)


@pytest.mark.parametrize("block_rows", [150, 200, 100_000])
def test_rows_without_times_come_in_blocks_each_once_and_without_labels(
    settings: Settings,
    tiny: Path,
    rows: pd.DataFrame,
    block_rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(new_rows, "BLOCK_ROWS", block_rows)
    chunks = list(read_blocks(configured(tiny, *UNDATED), settings.data))
    assert max(len(chunk.raw) for chunk in chunks) <= min(block_rows, 200)
    assert list(pd.concat([chunk.raw for chunk in chunks])["id"]) == list(rows["id"])
    assert all(chunk.raw["bad"].isna().all() for chunk in chunks)
    shares = [chunk.share for chunk in chunks]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_without_the_target_is_read_with_nulls_in_its_place(
    settings: Settings, tiny: Path, rows: pd.DataFrame, ending: str
) -> None:
    folder = settings.data / "days"
    for path in folder.iterdir():
        day = pd.read_parquet(path)
        day = day.drop(columns="bad") if path.stem >= "2026-01-08" else day
        path.unlink()
        if ending == "csv":
            day.to_csv(path.with_suffix(".csv"), index=False)
        else:
            day.to_parquet(path, index=False)
    config = configured(tiny, ("*.parquet", f"*.{ending}"))
    chunk = DailyRows(config, DAYS, settings.data).of(DAYS[0])
    assert chunk.raw["bad"].isna().to_numpy().tolist() == chunk.is_new.tolist()


def test_features_are_those_of_training_although_later_labels_are_unknown(tmp_path: Path) -> None:
    """By the hook of fraud_detector, which looks back 37 days and uses labels a week old."""
    settings = Settings(ratchet_models=SHIPPED_MODELS, ratchet_data=tmp_path)
    config = read_model("fraud_detector", settings)
    own_hooks = hooks.load_hooks(config, hooks_path(config.name, settings))
    start = date(2026, 1, 1)
    rows = simulation.simulate(40, seed=0, start=start, customers=100, terminals=50)
    simulation.write_days(rows, tmp_path / "transactions")
    features = list(config.data.features)

    in_training = hooks.prepare(config, own_hooks, rows).set_index("TRANSACTION_ID")[features]
    assert in_training["TERMINAL_ID_RISK_30DAY_WINDOW"].gt(0).any()
    days = [datetime(2026, 2, 7), datetime(2026, 2, 8), datetime(2026, 2, 9)]
    daily = DailyRows(config, days, tmp_path)
    for day in days:
        chunk = daily.of(day)
        prepared = hooks.prepare(config, own_hooks, chunk.raw)[chunk.is_new]
        scored = prepared.set_index("TRANSACTION_ID")[features]
        assert scored["TERMINAL_ID_RISK_30DAY_WINDOW"].gt(0).any()
        pd.testing.assert_frame_equal(scored, in_training.loc[scored.index])
