"""The simulated town: the same rows each time, shaped like real ones, with three kinds of fraud."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from configs.errors import UsageError
from deployments.commands.demo_data import DAYS, THURSDAY, start_for
from tasks.data.simulation import simulate, write_days

START = date(2026, 1, 1)

COLUMNS = {
    "TRANSACTION_ID": "int64",
    "TX_DATETIME": "datetime64[us]",
    "CUSTOMER_ID": "int64",
    "TERMINAL_ID": "int64",
    "TX_AMOUNT": "float64",
    "TX_TIME_SECONDS": "int64",
    "TX_TIME_DAYS": "int64",
    "TX_FRAUD": "int64",
    "TX_FRAUD_SCENARIO": "int64",
}


@pytest.fixture(scope="module")
def town() -> pd.DataFrame:
    return simulate(60, seed=3, start=START, customers=600, terminals=1200)


def of_scenario(rows: pd.DataFrame, scenario: int) -> pd.DataFrame:
    return rows[rows["TX_FRAUD_SCENARIO"] == scenario]


def test_the_same_arguments_give_the_same_rows_and_another_seed_gives_others() -> None:
    first, again, other = (
        simulate(3, seed=seed, start=START, customers=50, terminals=90) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["TX_AMOUNT"].head(50).equals(other["TX_AMOUNT"].head(50))


def test_more_days_only_add_rows_at_the_end(town: pd.DataFrame) -> None:
    shorter = simulate(40, seed=3, start=START, customers=600, terminals=1200)
    pd.testing.assert_frame_equal(shorter, town.head(len(shorter)))
    assert town["TX_TIME_DAYS"].iloc[len(shorter)] == 40


def test_rows_have_the_nine_raw_columns_and_their_types(town: pd.DataFrame) -> None:
    assert {name: str(dtype) for name, dtype in town.dtypes.items()} == COLUMNS
    assert not town.isna().any(axis=None)


def test_keys_are_unique_and_follow_time(town: pd.DataFrame) -> None:
    assert town["TRANSACTION_ID"].is_unique
    assert town["TRANSACTION_ID"].is_monotonic_increasing
    assert town["TX_DATETIME"].is_monotonic_increasing


def test_the_time_columns_agree(town: pd.DataFrame) -> None:
    since = town["TX_DATETIME"] - pd.Timestamp(START)
    assert (since.dt.total_seconds() == town["TX_TIME_SECONDS"]).all()
    assert (since.dt.days == town["TX_TIME_DAYS"]).all()
    assert sorted(town["TX_TIME_DAYS"].unique()) == list(range(60))


def test_amounts_are_positive_and_in_cents(town: pd.DataFrame) -> None:
    assert (town["TX_AMOUNT"] > 0).all()
    assert town["TX_AMOUNT"].round(2).equals(town["TX_AMOUNT"])


def test_the_defaults_make_about_9500_transactions_a_day_and_0_9_percent_frauds() -> None:
    rows = simulate(30, start=START)
    assert 9_000 < len(rows) / 30 < 10_000
    assert 0.008 < rows["TX_FRAUD"].mean() < 0.010


def test_frauds_are_as_frequent_in_the_first_week_as_later() -> None:
    rows = simulate(35, start=START)
    shares = rows.groupby(rows["TX_TIME_DAYS"] // 7)["TX_FRAUD"].mean()
    assert shares.between(0.007, 0.011).all(), shares


def test_a_row_is_a_fraud_exactly_when_it_has_a_scenario(town: pd.DataFrame) -> None:
    assert (town["TX_FRAUD"] == (town["TX_FRAUD_SCENARIO"] > 0)).all()
    assert set(town["TX_FRAUD_SCENARIO"]) == {0, 1, 2, 3}


def test_scenario_1_is_every_large_amount_that_nothing_else_explains(town: pd.DataFrame) -> None:
    assert of_scenario(town, 1)["TX_AMOUNT"].min() > of_scenario(town, 0)["TX_AMOUNT"].max()


def test_scenario_2_is_all_that_a_terminal_does_for_28_days(town: pd.DataFrame) -> None:
    skimmed = of_scenario(town, 2)
    of_those_terminals = town.merge(skimmed[["TERMINAL_ID", "TX_TIME_DAYS"]].drop_duplicates())
    assert (of_those_terminals["TX_FRAUD"] == 1).all()
    days = skimmed.groupby("TERMINAL_ID")["TX_TIME_DAYS"].agg(lambda day: day.max() - day.min() + 1)
    assert len(days) > 5
    assert 20 < days.max() <= 28


def test_scenario_3_is_ten_times_the_amount_on_half_of_what_a_customer_does_for_14_days(
    town: pd.DataFrame,
) -> None:
    stolen = of_scenario(town, 3)
    spans = stolen.groupby("CUSTOMER_ID")["TX_TIME_DAYS"].agg(["min", "max"])
    assert len(spans) > 5
    assert 10 < (spans["max"] - spans["min"] + 1).max() <= 14
    rows = town.merge(spans, left_on="CUSTOMER_ID", right_index=True)
    meanwhile = rows[rows["TX_TIME_DAYS"].between(rows["min"], rows["max"])]
    assert 0.4 < (meanwhile["TX_FRAUD_SCENARIO"] == 3).mean() < 0.7
    usual = of_scenario(town, 0).groupby("CUSTOMER_ID")["TX_AMOUNT"].mean()
    assert 7 < (stolen["TX_AMOUNT"] / stolen["CUSTOMER_ID"].map(usual)).mean() < 13


def test_customers_pay_at_terminals_near_to_them(town: pd.DataFrame) -> None:
    visited = town.groupby("CUSTOMER_ID")["TERMINAL_ID"].nunique()
    # three standard deviations on either side, of 1,200 terminals
    neighbourhood = 150
    assert visited.max() < neighbourhood


@pytest.mark.parametrize("argument", ["days", "customers", "terminals"])
def test_none_of_something_is_refused(argument: str) -> None:
    with pytest.raises(UsageError, match=f"0 {argument}"):
        simulate(**{"days": 1, "customers": 1, "terminals": 1, "start": START, argument: 0})


def test_each_day_is_a_file_named_by_its_date(town: pd.DataFrame, tmp_path: Path) -> None:
    files = write_days(town, tmp_path / "transactions")
    assert [file.name for file in files[:2]] == ["2026-01-01.parquet", "2026-01-02.parquet"]
    # nothing half written stays
    assert sorted((tmp_path / "transactions").iterdir()) == list(files)
    pd.testing.assert_frame_equal(pd.concat(map(pd.read_parquet, files), ignore_index=True), town)


def test_a_day_that_was_written_before_is_replaced(tmp_path: Path) -> None:
    rows = simulate(1, start=START, customers=20, terminals=40)
    write_days(rows, tmp_path)
    (file,) = write_days(rows.head(3), tmp_path)
    assert len(pd.read_parquet(file)) == 3


@pytest.mark.parametrize("day", range(14))
def test_the_demo_begins_on_a_thursday_and_all_its_days_have_passed(day: int) -> None:
    today = date(2026, 11, 26) + timedelta(days=day)
    start = start_for(today)
    assert start.weekday() == THURSDAY
    assert timedelta(days=DAYS + 1) <= today - start <= timedelta(days=DAYS + 7)
