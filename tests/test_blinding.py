"""No target that nobody could know yet shapes a feature of the rows on which a model is judged."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.errors import ConfigError, HookFailed
from configs.model import ModelConfig
from configs.reading import read_file
from tasks.data import blinding, splits
from tasks.data.hooks import Hooks, parse_hooks
from tasks.data.period import Period
from tests.conftest import write_days

TARGET_MEAN = """
def add_double(raw):
    return raw.assign(double=raw.groupby("customer")["bad"].transform("mean").astype("float64"))
"""
OWN_TARGET = """
def add_double(raw):
    return raw.assign(double=raw["bad"].astype("float64"))
"""
OF_TWO_DAYS_BEFORE = """
from datetime import timedelta

def add_double(raw):
    day = raw["at"].dt.normalize()
    rates = raw.groupby(day)["bad"].mean().astype("float64")
    return raw.assign(double=(day - timedelta(days=2)).map(rates).fillna(-1.0))
"""
ONCE_COMPUTED = """
RATES = None

def add_double(raw):
    global RATES
    if RATES is None:
        RATES = raw.groupby(raw["at"].dt.normalize())["bad"].mean().astype("float64")
    return raw.assign(double=raw["at"].dt.normalize().map(RATES))
"""
TINY = """
def add_double(raw):
    return raw.assign(double=raw["bad"].astype("float64") * 1e-9)
"""
RANDOM = """
import numpy as np

def add_double(raw):
    return raw.assign(double=np.random.random(len(raw)))
"""
OF_THE_WEEKEND = """
def add_double(raw):
    weekend = raw["at"].dt.day_of_week >= 5
    return raw.assign(double=raw["bad"].astype("float64").where(weekend, -1.0))
"""
WITHOUT_NULLS = """
def add_double(raw):
    return raw.assign(double=raw["bad"].astype("int64") * 0.0)
"""
CHANGED = """
def add_double(raw):
    return raw.assign(double=0.0, bad=1)
"""
BY_HASH = "split: {by: hash, holdout: 0.3}"


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    return write_days(tmp_path / "days", days=7)


def config_of(
    tiny: Path, split: str = "", labels_known_after_days: int | None = None
) -> ModelConfig:
    text = tiny.read_text()
    by_time = next(line for line in text.splitlines() if line.startswith("split:"))
    if split:
        text = text.replace(by_time, split).replace("  history_days: 1\n", "")
    if labels_known_after_days:
        after = f"  labels_known_after_days: {labels_known_after_days}\n"
        text = text.replace("  target: bad\n", f"  target: bad\n{after}")
    tiny.write_text(text)
    return read_file(tiny)


def hooks_of(config: ModelConfig, source: str) -> Hooks:
    others = "first_customer = share_found = lambda *given: None\n"
    return parse_hooks(config, source + others, Path("tiny.py"))


def prepared(config: ModelConfig, source: str, rows: pd.DataFrame) -> pd.DataFrame:
    window = None
    if config.split.by == "time":
        window = splits.window_until(config, pd.Timestamp("2026-01-08").to_pydatetime())
    return blinding.prepare(config, hooks_of(config, source), rows, window)


@pytest.mark.parametrize("split", ["", BY_HASH], ids=["time", "hash"])
@pytest.mark.parametrize("source", [TARGET_MEAN, OWN_TARGET], ids=["group mean", "own target"])
def test_a_hook_sees_no_target_of_a_judged_row(
    tiny: Path, rows: pd.DataFrame, split: str, source: str
) -> None:
    config = config_of(tiny, split)
    others = rows.copy()
    window = (
        None if split else splits.window_until(config, pd.Timestamp("2026-01-08").to_pydatetime())
    )
    judged = splits.holdout_mask(config, rows, window)
    assert 0 < judged.sum() < len(rows)
    others.loc[judged, "bad"] = 1 - others.loc[judged, "bad"]
    first, second = (prepared(config, source, one) for one in (rows, others))
    pd.testing.assert_series_equal(first["double"], second["double"])
    # metrics and models have the targets all the same
    pd.testing.assert_series_equal(first["bad"], rows["bad"])
    assert first.loc[~judged, "double"].notna().all()


@pytest.mark.parametrize("source", [TARGET_MEAN, OWN_TARGET], ids=["group mean", "own target"])
def test_a_feature_of_labels_that_are_not_known_yet_is_refused(
    tiny: Path, rows: pd.DataFrame, source: str
) -> None:
    with pytest.raises(HookFailed, match="add_double made double from targets that were not known"):
        prepared(config_of(tiny, labels_known_after_days=1), source, rows)


@pytest.mark.parametrize("days", [1, 2, 365])
@pytest.mark.parametrize("source", [OWN_TARGET, TINY, OF_THE_WEEKEND, ONCE_COMPUTED, TARGET_MEAN])
def test_a_judged_day_is_prepared_without_the_labels_that_were_not_known_on_it(
    tiny: Path, rows: pd.DataFrame, source: str, days: int
) -> None:
    """Whatever these labels are, the features of the day are the same: nothing must be noticed."""
    config = config_of(tiny, labels_known_after_days=days)
    period = Period(datetime(2026, 1, 5), datetime(2026, 1, 8))
    judged = blinding.Judged(rows["at"] >= period.start, period)

    def doubles(given: pd.DataFrame) -> "pd.Series[float]":
        hooks = hooks_of(config, source)
        return blinding.prepare_judged(config, hooks, given, judged)["double"]

    for day in period.days:
        unknown = rows["at"] >= day - timedelta(days=days - 1)
        others = rows.assign(bad=rows["bad"].where(~unknown, 1 - rows["bad"]))
        of_day = rows["at"].dt.normalize() == day
        pd.testing.assert_series_equal(doubles(rows)[of_day], doubles(others)[of_day])


def test_a_leak_scaled_down_to_nothing_is_refused(tiny: Path, rows: pd.DataFrame) -> None:
    with pytest.raises(HookFailed, match="made double from targets that were not known"):
        prepared(config_of(tiny, labels_known_after_days=1), TINY, rows)


def test_a_hook_with_unseeded_random_features_is_refused(tiny: Path, rows: pd.DataFrame) -> None:
    with pytest.raises(HookFailed, match="returns other values of double on each call; seed"):
        prepared(config_of(tiny, labels_known_after_days=1), RANDOM, rows)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ('at=raw["at"] + timedelta(days=2)', "removed or changed at, which identifies"),
        ('id=raw["id"].astype("int32")', "removed or changed id, which identifies"),
    ],
)
def test_a_hook_may_not_change_which_rows_are_judged(
    tiny: Path, rows: pd.DataFrame, change: str, sentence: str
) -> None:
    source = f"""
from datetime import timedelta

def add_double(raw):
    return raw.assign(double=0.0, {change})
"""
    with pytest.raises(HookFailed, match=sentence):
        prepared(config_of(tiny), source, rows)


def test_two_columns_of_one_name_are_refused(tiny: Path, rows: pd.DataFrame) -> None:
    source = """
import pandas as pd

def add_double(raw):
    return pd.concat([raw.assign(double=0.0), raw[["bad"]]], axis=1)
"""
    with pytest.raises(HookFailed, match="returned several columns named bad"):
        prepared(config_of(tiny, labels_known_after_days=1), source, rows)


@pytest.mark.parametrize(("days", "is_refused"), [(1, False), (2, False), (3, True)])
def test_labels_may_be_used_once_they_are_known(
    tiny: Path, rows: pd.DataFrame, days: int, is_refused: bool
) -> None:
    config = config_of(tiny, labels_known_after_days=days)
    if is_refused:
        with pytest.raises(HookFailed, match=f"only targets of {days} or more days before"):
            prepared(config, OF_TWO_DAYS_BEFORE, rows)
        return
    last_day = prepared(config, OF_TWO_DAYS_BEFORE, rows)["at"] >= "2026-01-07"
    rate = rows.loc[rows["at"].dt.day == 5, "bad"].mean()
    shown = prepared(config, OF_TWO_DAYS_BEFORE, rows).loc[last_day, "double"]
    assert np.allclose(shown, rate)


def test_a_hook_that_takes_no_null_is_told_why_there_is_one(tiny: Path, rows: pd.DataFrame) -> None:
    with pytest.raises(
        HookFailed, match=r"tiny.py:3.*It fails where bad is null, as it is in rows"
    ):
        prepared(config_of(tiny), WITHOUT_NULLS, rows)


def test_a_hook_may_not_change_the_target(tiny: Path, rows: pd.DataFrame) -> None:
    with pytest.raises(HookFailed, match="changed the target bad; write the new values to another"):
        prepared(config_of(tiny), CHANGED, rows)


def test_labels_are_known_after_days_only_where_rows_have_days(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="this split has none"):
        config_of(tiny, BY_HASH, labels_known_after_days=1)
