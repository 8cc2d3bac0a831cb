"""Rows of a query, in SQLite and Postgres: the same as those of a file, read in bounded memory."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from configs.errors import ConfigError, DataRejected, Unreachable
from configs.model import ModelConfig
from tasks.data import query_rows, sources
from tasks.data.splits import settle_window, window_until
from tests.postgres import PostgresServer
from tests.postgres import postgres_server as postgres_server
from tests.test_file_rows import model

COLUMNS = {"id": "int64", "at": "datetime", "amount": "float64", "ok": "bool", "note": "string"}
BETWEEN = "select id, at, amount, ok, note, y from sales where at >= :start and at < :end"
DAYS = 20
BEGIN = datetime(2026, 1, 1)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sales.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_address()


@pytest.fixture
def engine(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """The database that WAREHOUSE_URL names, whose clients are far from UTC."""
    monkeypatch.setenv("WAREHOUSE_URL", url)
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def sales() -> pd.DataFrame:
    """Four rows a day, the first of them at midnight."""
    number = np.arange(4 * DAYS)
    return pd.DataFrame(
        {
            "y": number / 2,
            "id": number,
            "at": [BEGIN + timedelta(hours=6 * int(n)) for n in number],
            "amount": np.where(number % 7 == 0, np.nan, number / 3),
            "ok": pd.array([bool(n % 2) if n % 5 else None for n in number], dtype="boolean"),
            "note": pd.Series([f"it's {n}" if n % 3 else None for n in number], dtype="str"),
        }
    ).astype({"at": "datetime64[us]"})


def of_query(query: str = BETWEEN, **data: Any) -> ModelConfig:
    """A model of dated rows that reads this query."""
    config = model(COLUMNS, key="id", **data).model_dump()
    config["data"]["source"] = {"kind": "sql", "url": "${WAREHOUSE_URL}", "query": query}
    config["data"]["time"] = "at"
    config["split"] = {"by": "time", "train_days": 5, "delay_days": 1, "holdout_days": 2}
    return ModelConfig.model_validate(config)


def test_the_rows_of_the_window_are_asked_for_and_are_those_of_the_table(
    engine: sa.Engine, tmp_path: Path
) -> None:
    sales().to_sql("sales", engine, index=False)
    config = of_query()
    window = settle_window(config, None, tmp_path)
    assert window == window_until(config, BEGIN + timedelta(days=DAYS - 1))
    rows = sources.load(config, window, tmp_path)
    inside = sales()[lambda s: (s["at"] >= window.history_start) & (s["at"] < window.holdout_end)]
    pd.testing.assert_frame_equal(rows[list(inside)], inside.reset_index(drop=True))
    everything = sources.load(of_query("select * from sales"), None, tmp_path)
    pd.testing.assert_frame_equal(everything[list(inside)], sales())


def test_more_rows_than_fit_into_a_chunk_are_all_read(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_rows, "CHUNK_ROWS", 7)
    sales().to_sql("sales", engine, index=False)
    rows = sources.load(of_query(), None, tmp_path)
    pd.testing.assert_frame_equal(rows[list(sales())], sales())


def test_no_rows_are_no_rows(engine: sa.Engine, tmp_path: Path) -> None:
    sales().to_sql("sales", engine, index=False)
    assert sources.load(of_query(f"{BETWEEN} and id < 0"), None, tmp_path).empty
    with pytest.raises(DataRejected, match=r"no row has a at, so the newest day is unknown"):
        settle_window(of_query(f"{BETWEEN} and id < 0"), None, tmp_path)


MISTAKES = {
    "no table": ("select * from sale", DataRejected, r"data.source.query cannot be read: .*sale"),
    "no SQL": ("selekt 1", DataRejected, r"data.source.query cannot be read: "),
    "no column": (
        "select id, at, y from sales",
        DataRejected,
        r"returns no column amount, ok, note; it returns id, at, y",
    ),
    "another type": (
        "select id, at, note as amount, ok, note, y from sales order by id",
        DataRejected,
        r"data.source.query(: amount is string, but| cannot be read: )",
    ),
}


@pytest.mark.parametrize(("query", "error", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_query_that_does_not_give_the_declared_rows_is_refused(
    engine: sa.Engine, tmp_path: Path, query: str, error: type[Exception], sentence: str
) -> None:
    sales().to_sql("sales", engine, index=False)
    with pytest.raises(error, match=sentence):
        sources.load(of_query(query), None, tmp_path)


def test_a_fraction_in_a_column_of_whole_numbers_is_refused_with_its_row(
    engine: sa.Engine, tmp_path: Path
) -> None:
    sales().assign(id=lambda s: s["id"] + 0.5).to_sql("sales", engine, index=False)
    with pytest.raises(DataRejected, match=r"query, row 1: id is '0.5', which is not a whole"):
        sources.load(of_query(f"{BETWEEN} order by id"), None, tmp_path)


def test_no_refusal_quotes_a_private_value(engine: sa.Engine, tmp_path: Path) -> None:
    sales().assign(note="jane@example.com").to_sql("sales", engine, index=False)
    for query in (
        "select id, at, note as amount, ok, note, y from sales",
        "select note as id, at, amount, ok, note, y from sales",
        "select id, note as at, amount, ok, note, y from sales",
    ):
        with pytest.raises(DataRejected) as refusal:
            sources.load(of_query(query, private=["id", "note", "amount", "at"]), None, tmp_path)
        assert "jane" not in str(refusal.value)
        assert "jane" not in str(refusal.value.__cause__)


def test_a_query_cannot_write_to_postgres(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.new_address()
    monkeypatch.setenv("WAREHOUSE_URL", url)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    sales().to_sql("sales", engine, index=False)
    with engine.begin() as connection:
        connection.execute(sa.text("create sequence counter"))
    engine.dispose()
    with pytest.raises(DataRejected, match=r"in a read-only transaction"):
        sources.load(of_query("select * from sales where nextval('counter') > 0"), None, tmp_path)


def test_times_of_a_zone_in_postgres_are_compared_and_read_in_utc(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.new_address()
    monkeypatch.setenv("WAREHOUSE_URL", url)
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    sales().assign(at=lambda s: s["at"].dt.tz_localize("UTC")).to_sql("sales", engine, index=False)
    engine.dispose()
    config = of_query()
    window = settle_window(config, None, tmp_path)
    assert window.holdout_end == BEGIN + timedelta(days=DAYS - 1)
    rows = sources.load(config, window, tmp_path)
    assert rows["at"].min() == window.history_start
    assert rows["at"].max() == window.holdout_end - timedelta(hours=6)


def test_the_first_row_of_a_window_is_not_lost_where_sqlite_has_times_as_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'sales.db'}"
    monkeypatch.setenv("WAREHOUSE_URL", url)
    engine = sa.create_engine(url)
    as_texts = sales().assign(at=lambda s: s["at"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    as_texts.to_sql("sales", engine, index=False)
    engine.dispose()
    config = of_query()
    window = settle_window(config, None, tmp_path)
    rows = sources.load(config, window, tmp_path)
    assert rows["at"].min() == window.history_start
    assert rows["at"].max() == window.holdout_end - timedelta(hours=6)


URLS = {
    "": (ConfigError, r"environment variable WAREHOUSE_URL is not set"),
    "warehouse:secret": (ConfigError, r"WAREHOUSE_URL is not a database URL"),
    "sqlite:////nowhere/sales.db": (ConfigError, r"names /nowhere/sales.db, which is not a file"),
    "oracle://me:secret@host/x": (ConfigError, r"needs the driver"),
    "postgresql://me:secret@127.0.0.1:1/x": (
        Unreachable,
        r"the database of \$\{WAREHOUSE_URL\}, postgresql\+psycopg://me:\*\*\*@.* does not answer",
    ),
}


@pytest.mark.parametrize(("url", "refusal"), URLS.items())
def test_a_database_that_cannot_be_asked_is_named_without_its_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    refusal: tuple[type[Exception], str],
) -> None:
    error, sentence = refusal
    monkeypatch.setenv("WAREHOUSE_URL", url)
    with pytest.raises(error, match=sentence) as raised:
        sources.load(of_query(), None, tmp_path)
    assert "secret" not in str(raised.value)


def test_the_url_may_be_in_a_file(
    engine: sa.Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales().to_sql("sales", engine, index=False)
    monkeypatch.delenv("WAREHOUSE_URL")
    monkeypatch.setenv("WAREHOUSE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(ConfigError, match=r"WAREHOUSE_URL_FILE names .*/url, which cannot be read"):
        sources.load(of_query(), None, tmp_path)
    (tmp_path / "url").write_text(f"{url}\n")
    assert len(sources.load(of_query(), None, tmp_path)) == len(sales())
