"""Rows from files: the same however they are stored, and a refusal that names what is missing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.errors import ConfigError, DataRejected
from configs.model import ModelConfig
from configs.reading import read_file
from configs.settings import Settings
from tasks.data import digests, structure
from tasks.data.files import File
from tasks.data.sources import load, newest_as_of
from tasks.data.splits import window_until
from tasks.records import CheckOutcome, Window

# the tiny model reads seven days
FIRST, END = datetime(2018, 8, 1), datetime(2018, 8, 8)
LAST = END - timedelta(days=1)
SPAN = Window(FIRST, datetime(2018, 8, 2), datetime(2018, 8, 5), datetime(2018, 8, 6), END)


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    return read_file(tiny)


@pytest.fixture
def days(settings: Settings) -> Path:
    folder = settings.data / "days"
    folder.mkdir(parents=True)
    return folder


def rows_of(day: datetime, n: int = 4) -> pd.DataFrame:
    """A day's rows, with a column that the model does not declare."""
    number = np.arange(n) + 10 * (day - FIRST).days
    return pd.DataFrame(
        {
            "id": number,
            "at": pd.date_range(day, periods=n, freq="5h7min").astype("datetime64[us]"),
            "customer": number % 3,
            "amount": number / 7,
            "bad": number % 2,
            "undeclared": "x",
        }
    )


def write_days(folder: Path, first: datetime = FIRST, last: datetime = LAST) -> None:
    for day in pd.date_range(first, last):
        rows_of(day).to_parquet(folder / f"{day:%Y-%m-%d}.parquet")


def rows_of_all_days() -> pd.DataFrame:
    return pd.concat([rows_of(day) for day in pd.date_range(FIRST, LAST)], ignore_index=True)


def structural_failures(config: ModelConfig, settings: Settings) -> list[CheckOutcome]:
    rows = load(config, SPAN, settings.data)
    outcomes = structure.check_raw(rows, config, SPAN)
    return [outcome for outcome in outcomes if not outcome.passed]


def reading(config: ModelConfig, path: str, **columns: Any) -> ModelConfig:
    """The same model over other files, with further columns."""
    source = config.data.source.model_copy(update={"path": path})
    data = config.data.model_copy(
        update={"source": source, "columns": config.data.columns | columns}
    )
    return config.model_copy(update={"data": data})


def test_rows_from_object_storage_are_those_of_the_same_files_on_disk(
    config: ModelConfig, settings: Settings, bucket: Path
) -> None:
    (bucket / "days").mkdir()
    write_days(bucket / "days")
    remote = reading(config, "s3://rows/days/*.parquet")
    local = reading(config, str(bucket / "days" / "*.parquet"))
    pd.testing.assert_frame_equal(
        load(remote, SPAN, settings.data), load(local, SPAN, settings.data)
    )
    assert newest_as_of(remote, settings.data, 0) == END
    with pytest.raises(DataRejected, match=r"no file matches s3://rows/weeks/\*\.parquet"):
        load(reading(config, "s3://rows/weeks/*.parquet"), SPAN, settings.data)


def test_days_missing_in_object_storage_are_refused_with_their_folder(
    config: ModelConfig, settings: Settings, bucket: Path
) -> None:
    (bucket / "gaps").mkdir()
    write_days(bucket / "gaps", FIRST, FIRST)
    with pytest.raises(DataRejected, match=r"put them in s3://rows/gaps, or choose"):
        load(reading(config, "s3://rows/gaps/*.parquet"), SPAN, settings.data)


def test_the_names_of_folders_are_columns_where_they_are_declared(
    config: ModelConfig, settings: Settings
) -> None:
    for day in pd.date_range(FIRST, LAST):
        region = "north" if day.day % 2 else "south"
        folder = settings.data / f"year={day:%Y}" / f"region={region}" / f"day={day.day}"
        folder.mkdir(parents=True)
        rows_of(day).to_parquet(folder / "part-0.parquet")
    config = reading(
        config, "${RATCHET_DATA}/**/*.parquet", year="int64", region="string", day="int64"
    )
    rows = load(config, SPAN, settings.data)
    in_files = ["id", "at", "customer", "amount", "bad"]
    pd.testing.assert_frame_equal(rows[in_files], rows_of_all_days()[in_files])
    assert set(rows["year"]) == {2018}
    assert (rows["day"] == rows["at"].dt.day).all()
    assert (rows["region"] == np.where(rows["at"].dt.day % 2, "north", "south")).all()


def test_a_folder_whose_name_is_not_of_its_columns_type_is_named(
    config: ModelConfig, settings: Settings
) -> None:
    folder = settings.data / "year=unknown"
    folder.mkdir(parents=True)
    rows_of_all_days().to_parquet(folder / "part-0.parquet")
    config = reading(config, "${RATCHET_DATA}/**/*.parquet", year="int64")
    with pytest.raises(DataRejected, match=r"year=unknown.*a folder's value is not of its column"):
        load(config, SPAN, settings.data)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.bz2"])
def test_a_csv_is_read_as_declared_however_it_is_compressed(
    config: ModelConfig, settings: Settings, days: Path, suffix: str
) -> None:
    for day in pd.date_range(FIRST, LAST):
        rows_of(day).to_csv(days / f"{day:%Y-%m-%d}.{suffix}", index=False)
    rows = load(reading(config, f"${{RATCHET_DATA}}/days/*.{suffix}"), SPAN, settings.data)
    pd.testing.assert_frame_equal(rows, rows_of_all_days()[list(config.data.columns)])


def test_a_place_that_no_library_opens_is_refused(config: ModelConfig, settings: Settings) -> None:
    with pytest.raises(
        ConfigError,
        match=r"data.source.path is nowhere://rows/\*.parquet, which cannot be opened: "
        r"Protocol not known",
    ):
        load(reading(config, "nowhere://rows/*.parquet"), SPAN, settings.data)


def test_text_where_times_are_needed_is_refused(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    rows_of_all_days().assign(at="soon").to_parquet(days / "all.parquet")
    with pytest.raises(
        DataRejected, match=r"all.parquet: at is large_string, but is declared as datetime"
    ):
        newest_as_of(config, settings.data, 0)


def test_the_newest_day_is_not_guessed_from_rows_in_the_future(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    rows = rows_of_all_days()
    in_future = rows["at"].mask(rows["id"] < 2, datetime(2081, 1, 1))
    rows.assign(at=in_future).to_parquet(days / "all.parquet")
    with pytest.raises(
        DataRejected,
        match=r"the newest row is of 2081-01-01, in the future, .* with --as-of",
    ):
        newest_as_of(config, settings.data, 0)


def test_the_span_of_these_tests_is_the_models_own(config: ModelConfig) -> None:
    assert window_until(config, END) == SPAN


def test_the_declared_columns_of_the_windows_rows_are_read_and_no_others(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days, FIRST - timedelta(days=2), END + timedelta(days=2))
    rows = load(config, SPAN, settings.data)
    pd.testing.assert_frame_equal(rows, rows_of_all_days().drop(columns="undeclared"))


def test_without_the_holdout_no_row_after_training_is_read(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    (days / "2018-08-05.parquet").write_text("the day after training")
    assert load(config, SPAN, settings.data, holdout=False)["at"].max() < SPAN.train_end


def test_parquet_and_csv_give_the_same_rows(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    rows = rows_of_all_days().assign(
        amount=lambda r: r["amount"].mask(r["id"] % 3 == 0),
        word='the word, "quoted"',
        flag=lambda r: r["id"] % 2 == 0,
    )
    rows["word"] = rows["word"].mask(rows["id"] % 5 == 0, "NA").mask(rows["id"] % 4 == 0)
    for day, part in rows.groupby(rows["at"].dt.date):
        part.to_parquet(days / f"{day}.parquet")
        part.to_csv(days / f"{day}.csv", index=False)
    formats = [
        reading(config, f"${{RATCHET_DATA}}/days/*.{end}", word="string", flag="bool")
        for end in ("parquet", "csv")
    ]
    parquet, csv = (load(format, SPAN, settings.data) for format in formats)
    pd.testing.assert_frame_equal(parquet, csv)
    assert digests.of_rows(parquet) == digests.of_rows(csv)
    assert csv["word"].isna().any()
    assert csv["word"].eq("NA").any()


def test_a_missing_string_in_csv_is_null_and_not_an_empty_word(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    rows_of_all_days().assign(word=None).to_csv(days / "all.csv", index=False)
    config = reading(config, "${RATCHET_DATA}/days/*.csv", word="string")
    (failure,) = structural_failures(config, settings)
    assert failure.check == "structure-any-word"


def test_times_of_other_units_become_the_same_rows(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    plain = digests.of_rows(load(config, SPAN, settings.data))
    for unit in ("ms", "ns"):
        part = rows_of(FIRST)
        part.assign(at=part["at"].astype(f"datetime64[{unit}]")).to_parquet(
            days / f"{FIRST:%Y-%m-%d}.parquet"
        )
        assert digests.of_rows(load(config, SPAN, settings.data)) == plain


def test_the_same_rows_have_the_same_digest_however_they_are_spread_over_files(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    by_day = load(config, SPAN, settings.data)
    for file in days.iterdir():
        file.unlink()
    shuffled = rows_of_all_days().sample(frac=1, random_state=3)
    shuffled.iloc[:3].to_parquet(days / "b.parquet")
    shuffled.iloc[3:].to_parquet(days / "a.parquet")
    assert digests.of_rows(load(config, SPAN, settings.data)) == digests.of_rows(by_day)


def test_a_damaged_file_outside_the_window_is_not_read(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    for day in (FIRST - timedelta(days=1), END):
        (days / f"{day:%Y-%m-%d}.parquet").write_text("damaged")
    assert len(load(config, SPAN, settings.data)) == 28


def test_missing_days_are_refused_by_their_dates(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    (days / "2018-08-03.parquet").unlink()
    with pytest.raises(
        DataRejected,
        match=r"1 of the 7 days from 2018-08-01 to 2018-08-07 have no file \(2018-08-03\)",
    ):
        load(config, SPAN, settings.data)
    for day in (4, 6, 7):
        (days / f"2018-08-0{day}.parquet").unlink()
    with pytest.raises(
        DataRejected,
        match=r"4 of the 7 days .* \(2018-08-03, 2018-08-04, 2018-08-06, ...\); "
        r"put them in .*days,",
    ):
        load(config, SPAN, settings.data)


def test_no_file_at_all_is_refused_by_the_pattern(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    for read in (
        lambda: load(config, SPAN, settings.data),
        lambda: newest_as_of(config, settings.data, 0),
    ):
        with pytest.raises(
            DataRejected,
            match=r"no file matches .*/data/days/\*\.parquet; put the data there, "
            r"or point RATCHET_DATA",
        ):
            read()


def cut(good: bytes) -> bytes:
    return good[: len(good) // 2]


def overwrite(good: bytes) -> bytes:
    """Overwrite its pages, but not its footer."""
    return good[:4] + b"\xff" * 400 + good[404:]


@pytest.mark.parametrize(
    "damage",
    [cut, overwrite, lambda _: b"", lambda _: b"not parquet"],
    ids=["cut", "overwritten", "empty", "text"],
)
def test_a_damaged_parquet_file_is_refused_by_its_name(
    config: ModelConfig, settings: Settings, days: Path, damage: Callable[[bytes], bytes]
) -> None:
    write_days(days)
    file = days / "2018-08-03.parquet"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataRejected, match=r"2018-08-03\.parquet: cannot be read"):
        load(config, SPAN, settings.data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ": is empty"),
        (
            "id,at,customer,amount,bad\n1,2018-08-03,0,cheap,1\n",
            ", line 2: amount is 'cheap', which is not a number",
        ),
        ("id,at,customer,amount,bad\n1,2018-08-03\n", ": line 2 has 2 fields and the first line 5"),
    ],
)
def test_a_damaged_csv_file_is_refused_by_its_name(
    config: ModelConfig, settings: Settings, days: Path, text: str, sentence: str
) -> None:
    for day in range(1, 8):
        rows_of(datetime(2018, 8, day)).to_csv(days / f"2018-08-0{day}.csv", index=False)
    (days / "2018-08-03.csv").write_text(text)
    with pytest.raises(DataRejected, match=rf"2018-08-03\.csv{sentence}"):
        load(reading(config, "${RATCHET_DATA}/days/*.csv"), SPAN, settings.data)


@pytest.mark.parametrize("end", ["parquet", "csv"])
def test_a_missing_column_is_refused_with_its_file(
    config: ModelConfig, settings: Settings, days: Path, end: str
) -> None:
    for day in pd.date_range(FIRST, LAST):
        rows = rows_of(day)
        if day.day == 3:
            rows = rows.drop(columns=["amount", "undeclared"])
        if end == "parquet":
            rows.to_parquet(days / f"{day:%Y-%m-%d}.parquet")
        else:
            rows.to_csv(days / f"{day:%Y-%m-%d}.csv", index=False)
    with pytest.raises(
        DataRejected,
        match=rf"2018-08-03\.{end}: has no column amount; it has id, at, customer, bad",
    ):
        load(reading(config, f"${{RATCHET_DATA}}/days/*.{end}"), SPAN, settings.data)


def test_rows_of_undated_files_are_chosen_by_their_time(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    rows = pd.concat(
        [rows_of(FIRST - timedelta(days=1)), rows_of_all_days(), rows_of(END)], ignore_index=True
    )
    rows.to_parquet(days / "all.parquet")
    pd.testing.assert_frame_equal(
        load(config, SPAN, settings.data), rows_of_all_days().drop(columns="undeclared")
    )
    without_holdout = load(config, SPAN, settings.data, holdout=False)
    assert without_holdout["at"].min() == FIRST
    assert without_holdout["at"].max() < SPAN.train_end


def test_a_row_without_a_time_is_left_for_the_structural_checks_to_find(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    rows = rows_of_all_days()
    rows.assign(at=rows["at"].mask(rows["id"] == 31)).to_parquet(days / "all.parquet")
    (failure,) = structural_failures(config, settings)
    assert (failure.check, failure.first_keys) == ("structure-known-at", ("31",))


def test_a_row_in_the_file_of_another_day_is_left_for_the_structural_checks_to_find(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    rows = rows_of(FIRST)
    rows.assign(at=rows["at"].mask(rows["id"] == 2, END)).to_parquet(days / "2018-08-01.parquet")
    (failure,) = structural_failures(config, settings)
    assert (failure.check, failure.first_keys) == ("structure-time-in-window", ("2",))


def test_the_newest_end_is_the_midnight_after_the_newest_day(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days)
    assert newest_as_of(config, settings.data, 0) == END
    (days / "2018-08-07.parquet").write_text("names are enough")
    assert newest_as_of(config, settings.data, 0) == END
    rows_of(FIRST).to_parquet(days / "2018-08-07.parquet")
    # one name without a date: now the rows are read
    rows_of_all_days().iloc[:3].to_parquet(days / "undated.parquet")
    assert newest_as_of(config, settings.data, 0) == datetime(2018, 8, 7)


@pytest.mark.parametrize(
    "name", ["2018-08-14.parquet", "tx_20180814_v2.csv", "2018-08-14T00.parquet"]
)
def test_a_date_in_a_files_name_is_its_day(name: str) -> None:
    assert File(None, name, name).day == datetime(2018, 8, 14)


@pytest.mark.parametrize("name", ["all.csv", "2018-99-99.csv", "120180814.csv", "2018/all.csv"])
def test_a_file_without_a_date_in_its_name_has_no_day(name: str) -> None:
    assert File(None, name, name).day is None


SAMPLE = pd.DataFrame(
    {
        "n": np.arange(200),
        "amount": np.linspace(0, 1, 200),
        "flag": np.arange(200) % 2 == 0,
        "at": pd.date_range("2018-08-01", periods=200, freq="h").astype("datetime64[us]"),
        "word": pd.Series([None if n % 3 == 0 else f"w{n}" for n in range(200)], dtype="str"),
    }
)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("n", -1),
        ("amount", 0.5 + 1e-15),
        ("amount", np.nan),
        ("flag", None),
        ("at", datetime(2018, 8, 9, 7, 0, 0, 1)),
        ("at", pd.NaT),
        ("word", "other"),
        ("word", ""),
        ("word", "nan"),
        ("word", "None"),
    ],
)
def test_a_change_of_any_value_changes_the_digest(column: str, value: Any) -> None:
    # the word is null at the first and the third of them, and the flag true
    for place in (0, 101, 198):
        changed = SAMPLE.copy()
        changed.loc[place, column] = (not changed.loc[place, column]) if column == "flag" else value
        assert not changed.equals(SAMPLE)
        assert digests.of_rows(changed) != digests.of_rows(SAMPLE)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.iloc[:-1],
        lambda f: pd.concat([f, f.tail(1)]),
        lambda f: f.iloc[::-1],
        lambda f: f.rename(columns={"n": "m"}),
        lambda f: f[["amount", "n", "flag", "at", "word"]],
        lambda f: f.astype({"n": "int32"}),
        lambda f: f.drop(columns="flag"),
        lambda f: f.assign(word=f["word"].fillna("")),
    ],
    ids=[
        "a row less",
        "a row twice",
        "another order",
        "another name",
        "columns in another order",
        "another type",
        "a column less",
        "no nulls",
    ],
)
def test_a_change_of_rows_or_columns_changes_the_digest(
    change: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    assert digests.of_rows(change(SAMPLE)) != digests.of_rows(SAMPLE)


def test_the_index_does_not_count_in_the_digest() -> None:
    assert digests.of_rows(
        SAMPLE.set_index(pd.Index(range(200, 0, -1), name="other"))
    ) == digests.of_rows(SAMPLE)


def test_the_digest_of_a_folder_notices_names_contents_and_nothing_left_out(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_text("1")
    (tmp_path / "sub" / "b").write_text("2")
    before = digests.of_folder(tmp_path)
    (tmp_path / "sub" / "b").write_text("3")
    changed = digests.of_folder(tmp_path)
    (tmp_path / "sub" / "b").write_text("2")
    assert digests.of_folder(tmp_path) == before != changed
    (tmp_path / "log").write_text("4")
    assert digests.of_folder(tmp_path) != before
    assert digests.of_folder(tmp_path, leave_out=frozenset({"log"})) == before
    (tmp_path / "a").rename(tmp_path / "c")
    assert digests.of_folder(tmp_path, leave_out=frozenset({"log"})) != before


def test_a_window_that_begins_within_a_day_reads_that_days_file_in_part(
    config: ModelConfig, settings: Settings, days: Path
) -> None:
    write_days(days, FIRST, END)
    noon = timedelta(hours=12)
    span = replace(SPAN, history_start=FIRST + noon, holdout_end=END + noon)
    times = load(config, span, settings.data)["at"]
    assert times.min() >= FIRST + noon
    assert times.max() < END + noon
    assert len(times) == 28
