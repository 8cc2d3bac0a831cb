"""A drafted YAML is one that its own file passes, whatever the file."""

import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings

from configs.errors import DataRejected
from configs.model import ModelConfig
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.main import ratchet
from tasks.data import hooks, sources, validation
from tasks.data.splits import settle_window
from tests.test_written_tables import tables

COUNT = 400
# 1,234.50 becomes 1.234,50
GERMAN = str.maketrans(",.", ".,")
RANDOM = np.random.default_rng(0)
DAYS = [date(2024, 1, 1) + timedelta(days=n // 4) for n in range(COUNT)]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("home", "models", "data"):
        monkeypatch.setenv(f"RATCHET_{name.upper()}", str(tmp_path / name))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def drafted(file: Path | str, *arguments: str, name: str = "m") -> ModelConfig:
    """The model that is drafted from a file, whose rows must pass every check of it."""
    result = CliRunner().invoke(ratchet, ["init", name, str(file), *arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)
    read_settings = Settings()
    config = read_model(name, read_settings)
    window = settle_window(config, None, read_settings.data)
    rows = sources.load(config, window, read_settings.data)
    prepared = hooks.prepare(config, hooks.Hooks("", "", {}, ()), rows)
    for stage in ("raw", "features"):
        report = validation.validate(prepared, config, window, stage)
        failed = [f"{outcome}" for outcome in report.failures if outcome.check in checks_of(config)]
        assert not failed
        assert not report.critical
    return config


def checks_of(config: ModelConfig) -> set[str]:
    return {check.id for check in config.checks}


def bank(folder: Path) -> Path:
    """A bank's export: semicolons, decimal commas, days first, in an office's encoding."""
    rows = pd.DataFrame(
        {
            "Buchung am": [f"{day:%d.%m.%Y}" for day in DAYS],
            "Konto": [f"{n % 90:08d}" for n in range(COUNT)],
            "Betrag": [f"{n * 70 / 3:,.2f}".translate(GERMAN) for n in range(COUNT)],
            "Währung": ["EUR" if n % 3 else "CHF" for n in range(COUNT)],
            "Text": [f"Müller; Rechnung\n{n}" for n in range(COUNT)],
            "Saldo": ["k.A." if n % 9 == 0 else f"{n},5" for n in range(COUNT)],
            "Betrug": ["ja" if n % 10 == 3 else "nein" for n in range(COUNT)],
            "leer": "",
        }
    )
    rows.to_csv(folder / "bank.csv", sep=";", index=False, encoding="cp1252")
    return folder / "bank.csv"


def warehouse(folder: Path) -> Path:
    """A warehouse's table: decimals, nulls among whole numbers and flags, categories, zones."""
    zoned = pd.to_datetime(pd.Series(DAYS)).dt.tz_localize("America/New_York")
    table = pa.table(
        {
            "sale_id": pa.array(range(COUNT), pa.int32()),
            "at": pa.array(zoned.to_list(), pa.timestamp("ms", "America/New_York")),
            "price": pa.array([n / 4 for n in range(COUNT)]).cast(pa.decimal128(12, 2)),
            "quantity": [None if n % 9 == 0 else n % 7 for n in range(COUNT)],
            "paid": [None if n % 11 == 0 else n % 2 == 0 for n in range(COUNT)],
            "shop": pa.array([f"shop {n % 5}" for n in range(COUNT)]).dictionary_encode(),
            "tags": [[n] for n in range(COUNT)],
            "returned": [float(n % 6 == 0) for n in range(COUNT)],
        }
    )
    pq.write_table(table, folder / "sales.parquet")
    return folder / "sales.parquet"


def test_a_banks_export_is_drafted_in_the_form_it_is_written_in(folders: Path) -> None:
    config = drafted(bank(folders))
    assert config.data.source.path == "${RATCHET_DATA}/bank.csv"
    assert config.data.source.csv.model_dump(exclude_defaults=True) == {
        "separator": ";",
        "decimal": ",",
        "thousands": ".",
        "encoding": "cp1252",
        "dates": ("%d.%m.%Y",),
        "nulls": ("k.A.",),
    }
    assert config.data.columns == {
        "Buchung am": "datetime",
        "Konto": "string",
        "Betrag": "float64",
        "Währung": "string",
        "Text": "string",
        "Saldo": "float64",
        "Betrug": "string",
    }
    assert (config.kind, config.data.time, config.data.positive) == ("binary", "Buchung am", "ja")
    assert config.data.features == ("Betrag", "Währung", "Saldo")
    assert config.split.by == "time"


def test_a_warehouses_table_is_drafted_with_the_types_that_can_be_declared(folders: Path) -> None:
    config = drafted(warehouse(folders))
    assert config.data.columns == {
        "sale_id": "int64",
        "at": "datetime",
        "price": "float64",
        "quantity": "int64",
        "paid": "bool",
        "shop": "string",
        "returned": "int64",
    }
    assert (config.kind, config.data.key, config.data.target) == ("binary", "sale_id", "returned")
    text = (Settings().models / "m.yaml").read_text()
    assert "# tags is left out: it is list<element: int64>" in text


def test_daily_files_are_drafted_together_and_split_by_time(folders: Path) -> None:
    for day in pd.date_range("2024-01-01", periods=20):
        rows = pd.DataFrame(
            {"at": day, "x": RANDOM.normal(size=30), "y": RANDOM.integers(0, 2, 30)}
        )
        # a column of whole numbers one day, and of fractions the next
        rows["x"] = rows["x"].round() if day.day % 2 else rows["x"]
        rows.to_csv(folders / f"{day:%Y-%m-%d}.csv", index=False)
    config = drafted(f"{folders}/*.csv")
    assert (config.data.columns["x"], config.split.train_days, config.split.holdout_days) == (
        "float64",
        16,
        4,
    )


@pytest.mark.parametrize(
    ("target", "kind"), [("Betrug", "binary"), ("Währung", "binary"), ("Betrag", "regression")]
)
def test_the_target_may_be_named(folders: Path, target: str, kind: str) -> None:
    config = drafted(bank(folders), "--target", target)
    assert (config.data.target, config.kind) == (target, kind)


REFUSED: dict[str, tuple[Callable[[Path], Any], list[str], str]] = {
    "no file": (lambda _: None, [], "no file matches"),
    "nothing in it": (lambda file: file.write_text(""), [], "is not a CSV with the names"),
    "no rows": (lambda file: file.write_text("a,b\n"), [], "has no rows"),
    "lines of several lengths": (
        lambda file: file.write_text("a,b\n1,2\n3,4,5\n6;7|8\t9\n"),
        [],
        "is not a CSV with the names",
    ),
    "another target": (
        lambda file: file.write_text("age,y\n1,2\n3,4\n"),
        ["--target", "aeg"],
        "--target: there is no column 'aeg'; did you mean age?",
    ),
    "a constant target": (
        lambda file: file.write_text("x,y\n1,2\n3,2\n"),
        ["--target", "y"],
        "the target y is the same in all rows",
    ),
    "nothing to learn from": (lambda file: file.write_text("y\n1\n2\n"), [], "no column is left"),
}


def classes(folder: Path) -> Path:
    rows = pd.DataFrame({"kind": ["a", "b", "b", "c"] * 100, "x": RANDOM.normal(size=COUNT)})
    rows.to_csv(folder / "classes.csv", index=False)
    return folder / "classes.csv"


@pytest.mark.parametrize(
    ("write", "target", "metric"),
    [
        (bank, "Betrug", "average_precision"),
        (bank, "Betrag", "root_mean_squared_error"),
        (classes, "kind", "accuracy"),
    ],
)
def test_the_first_version_is_asked_for_more_than_a_guess(
    folders: Path, write: Callable[[Path], Path], target: str, metric: str
) -> None:
    config = drafted(write(folders), "--target", target)
    first, second = config.gate
    assert str(first) == f"{metric} better than baseline"
    assert second.not_worse_than == "champion"


def test_rows_without_a_target_are_left_out(folders: Path) -> None:
    config = drafted(bank(folders), "--target", "Saldo")
    assert (config.kind, config.data.drop_nulls) == ("regression", ("Saldo",))


@pytest.mark.parametrize("name", ["Kredit Nr", "Invoice no.", "orderId", "customer_id", "Number"])
def test_a_column_that_counts_rows_by_its_name_is_the_key_and_no_feature(
    folders: Path, name: str
) -> None:
    rows = pd.DataFrame(
        {name: range(COUNT), "nr_of_rooms": range(COUNT), "y": RANDOM.normal(size=COUNT)}
    )
    rows.to_csv(folders / "a.csv", index=False)
    config = drafted(folders / "a.csv")
    assert (config.data.key, config.data.features) == (name, ("nr_of_rooms",))


@pytest.mark.parametrize("named", ["", "/", "/a.xlsx"])
def test_a_folder_or_a_file_of_another_kind_is_named_with_what_to_write(
    folders: Path, named: str
) -> None:
    result = CliRunner().invoke(ratchet, ["init", "m", f"{folders}{named}"])
    assert "names no Parquet or CSV files; to read those of a folder" in str(result.exception)


@pytest.mark.parametrize(("write", "arguments", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_drafted_is_said_in_a_sentence_and_writes_nothing(
    folders: Path, write: Callable[[Path], Any], arguments: list[str], sentence: str
) -> None:
    write(folders / "a.csv")
    result = CliRunner().invoke(ratchet, ["init", "m", str(folders / "a.csv"), *arguments])
    assert sentence in str(result.exception)
    assert not (Settings().models / "m.yaml").exists()


def test_a_column_with_the_name_of_the_made_key_is_left_out(folders: Path) -> None:
    lines = [f"{n},{n / 2},{n % 7}" for n in range(50)]
    (folders / "a.csv").write_text("\n".join(["row,x,y", *lines]))
    assert list(drafted(folders / "a.csv").data.columns) == ["x", "y"]


def test_a_damaged_archive_is_named_and_nothing_is_written(folders: Path) -> None:
    (folders / "a.csv.gz").write_bytes(b"y,x\n1,2\n")
    result = CliRunner().invoke(ratchet, ["init", "m", str(folders / "a.csv.gz")])
    assert isinstance(result.exception, DataRejected)
    assert "a.csv.gz: cannot be read" in str(result.exception)


@pytest.mark.parametrize("name", ["M", "my-model", "1st", "../x", ""])
def test_a_name_that_a_model_cannot_have_is_refused(folders: Path, name: str) -> None:
    result = CliRunner().invoke(ratchet, ["init", name, str(bank(folders))])
    assert "lower-case letters, digits and _" in str(result.exception)


def test_a_yaml_that_is_there_is_not_overwritten(folders: Path) -> None:
    drafted(bank(folders))
    result = CliRunner().invoke(ratchet, ["init", "m", str(bank(folders))])
    assert "is there already" in str(result.exception)


@given(table=tables())
@settings(
    max_examples=8,
    # making a failing table smaller would take minutes
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_table_is_drafted_so_that_its_rows_pass(
    folders: Path, table: tuple[dict[str, str], list[pa.Table]]
) -> None:
    _, parts = table
    with tempfile.TemporaryDirectory(dir=folders) as folder:
        (Settings().models / "m.yaml").unlink(missing_ok=True)
        number = pa.array([n % 7 / 2 for n in range(COUNT)])
        repeated = pa.concat_tables(parts * COUNT).slice(0, COUNT)
        full = repeated.drop_columns(["y"]).append_column("y", number)
        pq.write_table(full.append_column("x", number), Path(folder) / "a.parquet")
        drafted(f"{folder}/a.parquet", "--target", "y")
