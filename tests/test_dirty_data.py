"""Every trap that slips through most checks, as a real file on its way through load and validation.

Each is stopped with a sentence, or taken as it is. Never silence: what is taken is either exactly
what the file says, or counted in a warning.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.reading import read_file
from configs.settings import Settings
from tasks.data import sources, validation
from tasks.data.splits import settle_window
from tasks.records import CheckOutcome
from tests.conftest import write_days

Spoil = Callable[[Path], None]


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    """The tiny model without `prepare` and private columns, which also reads a text."""
    changes = {
        "bad: int64}": "bad: int64, note: string}",
        "amount, double]": "amount, customer]",
        "  prepare: add_double\n": "",
        "  history_days: 1\n": "",
        "private: [customer]": "private: []",
    }
    text = tiny.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    lines = [line for line in text.splitlines() if "id: double-plausible" not in line]
    tiny.write_text("\n".join(lines))
    return read_file(tiny)


@pytest.fixture
def day(settings: Settings) -> Path:
    """The last of the six daily files that a run reads: the tenth is younger than its labels."""
    folder = settings.data / "days"
    write_days(folder)
    for path in folder.glob("*.parquet"):
        pd.read_parquet(path).assign(note="fine").to_parquet(path, index=False)
    return folder / "2026-01-09.parquet"


def failures_of(config: ModelConfig, settings: Settings) -> list[CheckOutcome]:
    """The checks that failed without stopping the run; DataRejected where one stops it."""
    window = settle_window(config, None, settings.data)
    report = validation.validate(sources.load(config, window, settings.data), config, window, "raw")
    validation.require_passed(report, config, window)
    return list(report.failures)


def replace_column(name: str, make: Callable[[pd.DataFrame], object]) -> Spoil:
    return lambda day: pd.read_parquet(day).assign(**{name: make}).to_parquet(day, index=False)


def in_every_file(spoil: Spoil) -> Spoil:
    def spoil_all(day: Path) -> None:
        for path in day.parent.glob("*.parquet"):
            spoil(path)

    return spoil_all


def repeat_column(day: Path) -> None:
    table = pq.read_table(day)
    pq.write_table(table.append_column("amount", table["amount"]), day)


def cut_in_half(day: Path) -> None:
    content = day.read_bytes()
    day.write_bytes(content[: len(content) // 2])


def overwrite_middle(day: Path) -> None:
    """Change bytes in the middle, and leave the footer as it is."""
    content = bytearray(day.read_bytes())
    content[100:140] = bytes(40)
    day.write_bytes(content)


def in_first_rows(count: int, column: str, value: object) -> Callable[[pd.DataFrame], object]:
    """The column with another value in its first rows."""
    return lambda rows: rows[column].mask(np.arange(len(rows)) < count, value)


def drop_rows(day: Path) -> None:
    pd.read_parquet(day).head(0).to_parquet(day)


def drop_amount(day: Path) -> None:
    pd.read_parquet(day).drop(columns="amount").to_parquet(day)


def remove_day_before(day: Path) -> None:
    (day.parent / "2026-01-08.parquet").unlink()


AMOUNT_AS_TEXT = replace_column("amount", lambda rows: rows["amount"].astype("str"))
AMOUNT_AS_FLAG = replace_column("amount", lambda rows: rows["amount"] > 1)
CUSTOMER_AS_FLOAT = replace_column("customer", lambda rows: rows["customer"] * 1.0)
CUSTOMER_WITH_NULLS = replace_column(
    "customer", lambda rows: rows["customer"].astype("Int64").mask(rows.index < 5)
)
BAD_AS_INT32 = replace_column("bad", lambda rows: rows["bad"].astype("int32"))
BAD_WITH_NULLS = replace_column(
    "bad", lambda rows: rows["bad"].mask(rows.index < 3).astype("Int64")
)
AT_IN_PARIS = replace_column("at", lambda rows: rows["at"].dt.tz_localize("Europe/Paris"))
AT_IN_UTC = replace_column("at", lambda rows: rows["at"].dt.tz_localize("UTC"))

STOPPED: dict[str, tuple[Spoil, str]] = {
    "a column of nulls": (
        in_every_file(replace_column("amount", lambda _: np.nan)),
        r"structure-any-amount   critical   amount is null in all 1,200 rows",
    ),
    "a day without rows": (
        drop_rows,
        r"2026-01-09.parquet: has no rows; download it again, or remove it",
    ),
    "a file without bytes": (
        lambda day: day.write_bytes(b""),
        r"2026-01-09.parquet: cannot be read: .*Parquet file size is 0 bytes",
    ),
    "no file for a day": (
        remove_day_before,
        r"1 of the 6 days .* have no file \(2026-01-08\)",
    ),
    "a column twice": (
        repeat_column,
        r"2026-01-09.parquet: has column amount more than once",
    ),
    "a key twice": (
        replace_column("id", in_first_rows(3, "id", 1799)),
        r"structure-key-unique   critical   4 of 1,200 rows share their id",
    ),
    "strings for numbers": (
        AMOUNT_AS_TEXT,
        r"09.parquet: amount is large_string, but is declared as float64; declare it as string",
    ),
    "strings for numbers everywhere": (
        in_every_file(AMOUNT_AS_TEXT),
        r"04.parquet: amount is large_string, but is declared as float64",
    ),
    "infinite numbers": (
        replace_column("amount", in_first_rows(2, "amount", -np.inf)),
        r"structure-finite-amount   critical   2 of 1,200 rows have an infinite amount",
    ),
    "booleans for numbers": (
        in_every_file(AMOUNT_AS_FLAG),
        r"amount is bool, but is declared as float64",
    ),
    "fractions for integers": (
        replace_column("customer", lambda rows: rows["customer"] + 0.5),
        r"09.parquet, row 1: customer is '\d+.5', which is not a whole number of 64 bits; "
        r"declare the column as float64",
    ),
    "a column that is gone one day": (
        drop_amount,
        r"2026-01-09.parquet: has no column amount; it has id, at",
    ),
    "labels missing": (
        BAD_WITH_NULLS,
        r"structure-known-bad   critical   3 of 1,200 rows have no bad",
    ),
    "a third label": (
        replace_column("bad", in_first_rows(3, "bad", 2)),
        r"structure-target-binary   critical   "
        r"3 of 1,200 rows have a bad that is not 0 or 1",
    ),
    "dates in the future": (
        replace_column("at", in_first_rows(2, "at", pd.Timestamp("2041-05-05"))),
        r"structure-time-in-window   critical   2 of 1,200 rows are outside",
    ),
    "no time": (
        replace_column("at", in_first_rows(2, "at", pd.NaT)),
        r"structure-known-at   critical   2 of 1,200 rows have no at",
    ),
    "half a file": (
        cut_in_half,
        r"2026-01-09.parquet: cannot be read: .*; download it again, or remove it",
    ),
    "bytes changed within": (overwrite_middle, r"2026-01-09.parquet: cannot be read: "),
    "a text for a Parquet file": (
        lambda day: day.write_text("id,at\n"),
        r"2026-01-09.parquet: cannot be read: ",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), STOPPED.values(), ids=STOPPED.keys())
def test_what_cannot_be_meant_stops_the_run_and_is_named(
    config: ModelConfig, settings: Settings, day: Path, spoil: Spoil, sentence: str
) -> None:
    spoil(day)
    with pytest.raises(DataRejected, match=sentence):
        failures_of(config, settings)


NOTE_SPELLS_NULLS = replace_column(
    "note", lambda rows: rows["note"].mask(rows.index < 2, "nan").mask(rows.index == 2, " ")
)

TAKEN: dict[str, tuple[Spoil, str]] = {
    "nulls spelled as text": (
        NOTE_SPELLS_NULLS,
        "3 of 1,200 rows have a note that is blank or spells a null; it is read as text",
    ),
    "integers past 2**53": (
        replace_column("customer", in_first_rows(4, "customer", 2**53 + 1)),
        "4 of 1,200 rows have a customer beyond 2**53",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), TAKEN.values(), ids=TAKEN.keys())
def test_what_is_seldom_meant_is_taken_and_counted(
    config: ModelConfig, settings: Settings, day: Path, spoil: Spoil, sentence: str
) -> None:
    spoil(day)
    (warning,) = failures_of(config, settings)
    assert (warning.severity, warning.sentence[: len(sentence)]) == ("warning", sentence)


@pytest.mark.parametrize(
    ("spoil", "dtype"),
    [
        (CUSTOMER_AS_FLOAT, "int64"),
        (in_every_file(CUSTOMER_AS_FLOAT), "int64"),
        (CUSTOMER_WITH_NULLS, "Int64"),
        (replace_column("customer", lambda rows: rows["customer"].mask(rows.index < 5)), "Int64"),
        (BAD_AS_INT32, "int64"),
        (AT_IN_PARIS, "int64"),
        (in_every_file(AT_IN_UTC), "int64"),
    ],
    ids=[
        "whole floats one day",
        "whole floats",
        "nulls one day",
        "floats with nulls one day",
        "another width one day",
        "a time zone one day",
        "a time zone",
    ],
)
def test_the_same_values_in_another_type_are_taken_without_a_word(
    config: ModelConfig, settings: Settings, day: Path, spoil: Spoil, dtype: str
) -> None:
    spoil(day)
    assert failures_of(config, settings) == []
    rows = sources.load(config, None, settings.data)
    assert [str(rows[name].dtype) for name in ("customer", "bad", "at")] == [
        dtype,
        "int64",
        "datetime64[us]",
    ]


def test_clean_days_pass_without_a_word(config: ModelConfig, settings: Settings, day: Path) -> None:
    assert failures_of(config, settings) == []


CSV: dict[str, tuple[str, str, str]] = {
    "a word in a column of numbers": (
        "7.5",
        "seven",
        r", line 22: amount is 'seven', which is not a number",
    ),
    "a number too large to store": (
        ",3,",
        ",99999999999999999999,",
        r", line 2: customer is '99999999999999999999', which is not a whole number of 64 bits",
    ),
    "an offset in a time": (
        "2026-01-06T00:00:00",
        "2026-01-06T00:00:00+02:00",
        r", line 22: at is .* which is not .* has a zone while others have none",
    ),
    "a field too many": ("7.5", "7.5,8", r": line 22 has 7 fields and the first line 6"),
    "a column twice": (
        "amount,bad,note",
        "amount,amount,note",
        r": has no column bad",
    ),
    "true for a number": (
        "7.5",
        "true",
        r", line 22: amount is 'true', which is not a number",
    ),
}


def write_csv(
    settings: Settings, config: ModelConfig, wrong: tuple[str, str] | None = None
) -> ModelConfig:
    """Forty rows of ten days in one CSV, in which one value of one row may be wrong."""
    lines = [f"{n},2026-01-{1 + n // 4:02}T00:00:00,3,{n}.25,{n % 2},fine" for n in range(40)]
    lines[20] = "20,2026-01-06T00:00:00,3,7.5,0,fine"
    text = "\n".join(["id,at,customer,amount,bad,note", *lines])
    settings.data.mkdir(parents=True, exist_ok=True)
    (settings.data / "all.csv").write_text(text.replace(*wrong, 1) if wrong else text)
    source = config.data.source.model_copy(update={"path": "${RATCHET_DATA}/all.csv"})
    return config.model_copy(update={"data": config.data.model_copy(update={"source": source})})


@pytest.mark.parametrize(("right", "wrong", "sentence"), CSV.values(), ids=CSV.keys())
def test_a_csv_that_does_not_hold_what_is_declared_is_refused(
    config: ModelConfig, settings: Settings, right: str, wrong: str, sentence: str
) -> None:
    with pytest.raises(DataRejected, match=f"all.csv{sentence}"):
        failures_of(write_csv(settings, config, (right, wrong)), settings)


@pytest.mark.parametrize("wrong", ["seven", "7.5,8"], ids=["a value", "a line"])
def test_the_refusal_of_a_csv_quotes_nothing_where_a_column_is_private(
    config: ModelConfig, settings: Settings, wrong: str
) -> None:
    config = write_csv(settings, config, ("7.5", wrong))
    data = config.data.model_copy(update={"private": ("amount",)})
    with pytest.raises(DataRejected, match=r"all.csv.* line 22") as refusal:
        failures_of(config.model_copy(update={"data": data}), settings)
    assert wrong not in str(refusal.value)


def test_an_empty_field_of_a_csv_is_a_null_and_a_stray_column_is_not_read(
    config: ModelConfig, settings: Settings
) -> None:
    config = write_csv(settings, config, ("7.5,0,fine", ",0,"))
    text = (settings.data / "all.csv").read_text()
    (settings.data / "all.csv").write_text("\n".join(f"{line},stray" for line in text.splitlines()))
    with pytest.raises(
        DataRejected,
        match=r"amount-known   critical   "
        r"1 of 24 rows fail column_values_to_not_be_null\(amount\), 0 allowed   first keys 20\b",
    ):
        failures_of(config, settings)
    rows = sources.load(config, None, settings.data)
    assert (rows["note"].isna().sum(), "stray" in rows) == (1, False)


def test_a_category_never_seen_in_training_is_stopped_by_the_check_that_lists_them(
    config: ModelConfig, settings: Settings, day: Path
) -> None:
    check = {
        "id": "note-known",
        "expect": "column_values_to_be_in_set",
        "column": "note",
        "value_set": ["fine"],
    }
    config = ModelConfig.model_validate(config.model_dump() | {"checks": [check]})
    replace_column("note", in_first_rows(6, "note", "strange"))(day)
    with pytest.raises(
        DataRejected,
        match=r"note-known   critical   6 of 1,200 rows fail "
        r"column_values_to_be_in_set\(note, value_set=\['fine'\]\), 0 allowed",
    ):
        failures_of(config, settings)


def test_a_condition_that_no_row_meets_checks_nothing_and_says_so(
    config: ModelConfig, settings: Settings, day: Path
) -> None:
    nobody = {"column": "customer", "operator": ">", "value": 1000}
    check = {
        "id": "rich",
        "expect": "column_values_to_be_between",
        "column": "amount",
        "min_value": 1,
        "row_condition": nobody,
    }
    config = ModelConfig.model_validate(config.model_dump() | {"checks": [check]})
    with pytest.raises(
        DataRejected, match=r"rich   critical   no row meets its row_condition: nothing was checked"
    ):
        failures_of(config, settings)


def test_mixed_types_in_one_column_of_a_function_are_refused(
    config: ModelConfig, settings: Settings
) -> None:
    source = {"kind": "python", "function": "tests.test_dirty_data.mixed_rows"}
    data = config.data.model_dump() | {"source": source, "time": None}
    mixed = ModelConfig.model_validate(
        config.model_dump() | {"data": data, "split": {"by": "hash", "holdout": 0.5}}
    )
    with pytest.raises(
        DataRejected,
        match=r"mixed_rows returned amount as object, which is not float64; convert it there",
    ):
        failures_of(mixed, settings)


def mixed_rows() -> pd.DataFrame:
    amount, note = (pd.array([1, "2", 3.0], dtype="object") for _ in range(2))
    at = pd.Timestamp("2026-01-01").as_unit("us")
    return pd.DataFrame(
        {"id": [1, 2, 3], "at": at, "customer": 1, "amount": amount, "bad": [0, 1, 0], "note": note}
    )
