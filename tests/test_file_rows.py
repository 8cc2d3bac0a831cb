"""Files as people have them: read as what they are, or refused in a sentence that says where."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.errors import ConfigError, DataRejected
from configs.model import ModelConfig
from tasks.data import sources
from tasks.records import Window

AT = datetime(2026, 1, 5, 10, 30)


def model(
    columns: dict[str, str], path: str = "*.csv", csv: dict[str, Any] | None = None, **data: Any
) -> ModelConfig:
    """A model that reads these columns, and id and y."""
    source = {"kind": "files", "path": f"${{RATCHET_DATA}}/{path}", "csv": csv or {}}
    return ModelConfig.model_validate(
        {
            "name": "m",
            "description": "m",
            "owner": "tests",
            "kind": "regression",
            "data": {
                "source": source,
                "columns": {"y": "float64", **columns},
                "target": "y",
                "features": ["y"],
                **data,
            },
            "split": {"by": "hash", "holdout": 0.3},
            "train": {"estimator": "sklearn.linear_model.LinearRegression"},
            "metrics": ["r2"],
            "gate": [{"metric": "r2", "at_least": 0}],
        }
    )


def rows_of(config: ModelConfig, root: Path, window: Window | None = None) -> pd.DataFrame:
    return sources.load(config, window, root)


def column(
    values: pa.Array | pa.ChunkedArray, declared: str, folder: Path, **data: Any
) -> list[Any]:
    """The values of a column that is written as it is and read as declared."""
    pq.write_table(pa.table({"y": np.arange(len(values)) / 2, "x": values}), folder / "a.parquet")
    read = rows_of(model({"x": declared}, "*.parquet", **data), folder)["x"]
    return read.astype(object).where(read.notna(), None).tolist()


NAN = float("nan")

TAKEN: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "small integers": (pa.array([1, None], pa.int8()), "int64", [1, None]),
    "unsigned": (pa.array([1, 2**63 - 1], pa.uint64()), "int64", [1, 2**63 - 1]),
    "large integer beside a null": (pa.array([2**60 + 1, None]), "int64", [2**60 + 1, None]),
    "whole floats": (pa.array([1.0, NAN, None]), "int64", [1, None, None]),
    "whole decimals": (pa.array([Decimal("7.00")], pa.decimal128(12, 2)), "int64", [7]),
    "decimals": (pa.array([Decimal("1.10"), None]), "float64", [1.1, None]),
    "wide decimals": (pa.array([Decimal("0.5")], pa.decimal256(60, 9)), "float64", [0.5]),
    "integers as floats": (pa.array([3, None]), "float64", [3.0, None]),
    "half floats": (pa.array([0.5], pa.float16()), "float64", [0.5]),
    "flags with nulls": (pa.array([True, None, False]), "bool", [True, None, False]),
    "categories": (pa.array(["a", None, "b"]).dictionary_encode(), "string", ["a", None, "b"]),
    "categories of numbers": (pa.array([5, 6]).dictionary_encode(), "int64", [5, 6]),
    "long texts": (pa.array(["a", ""], pa.large_string()), "string", ["a", ""]),
    "nothing but nulls": (pa.nulls(2), "string", [None, None]),
    "dates": (pa.array([date(2026, 1, 5), None]), "datetime", [datetime(2026, 1, 5), None]),
    "milliseconds": (pa.array([AT], pa.timestamp("ms")), "datetime", [AT]),
    "nanoseconds": (
        pa.array([1_001], pa.timestamp("ns")),
        "datetime",
        [datetime(1970, 1, 1, 0, 0, 0, 1)],
    ),
    "seconds in a zone": (
        pa.array([AT.replace(tzinfo=UTC)], pa.timestamp("s", "America/New_York")),
        "datetime",
        [AT],
    ),
}


@pytest.mark.parametrize(("values", "declared", "expected"), TAKEN.values(), ids=TAKEN.keys())
def test_a_column_is_taken_where_its_type_can_be_the_declared_one_without_a_loss(
    tmp_path: Path, values: pa.Array, declared: str, expected: list[Any]
) -> None:
    assert column(values, declared, tmp_path) == expected


REFUSED: dict[str, tuple[pa.Array, str, str]] = {
    "text for a number": (
        pa.array(["1"]),
        "int64",
        "x is string, but is declared as int64; declare it as string",
    ),
    "a flag for a number": (
        pa.array([True]),
        "float64",
        "x is bool, but is declared as float64; declare it as bool",
    ),
    "a number for a flag": (
        pa.array([1]),
        "bool",
        "x is int64, but is declared as bool; declare it as int64",
    ),
    "a number for a text": (pa.array([1.5]), "string", "x is double, .*; declare it as float64"),
    "a decimal for a text": (
        pa.array([Decimal("1.10")], pa.decimal128(12, 2)),
        "string",
        r"x is decimal128\(12, 2\), but is declared as string; declare it as float64",
    ),
    "a text for a time": (
        pa.array(["2026-01-05"]),
        "datetime",
        "x is string, .*; declare it as string",
    ),
    "a time for a text": (
        pa.array([AT.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
        "string",
        r"x is timestamp\[us, tz=UTC\], .*; declare it as datetime",
    ),
    "a day for a number": (pa.array([date(2026, 1, 5)]), "int64", r"x is date32\[day\], "),
    "a list": (pa.array([[1]]), "int64", r"x is list<.*>, .*; write it as one of int64, "),
    "a fraction": (pa.array([1.0, 2.5]), "int64", "row 2: x is '2.5', which is not a whole number"),
    "too large": (pa.array([2**63], pa.uint64()), "int64", "row 1: x is '9223372036854775808', "),
    "too large for a float": (
        pa.array([1, None, 2**53 + 1]),
        "float64",
        "row 3: x is '9007199254740993', which .* float64 cannot hold exactly; declare .* int64",
    ),
    "a decimal with a fraction": (pa.array([Decimal("1.10")]), "int64", "row 1: x is '1.10', "),
    "a year without a calendar": (
        pa.array([253_402_300_800], pa.timestamp("s")),
        "datetime",
        "row 1: x is '.*', which is outside the years 1 to 9999",
    ),
}


@pytest.mark.parametrize(("values", "declared", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_any_other_column_is_refused_by_the_files_own_type_or_the_first_row(
    tmp_path: Path, values: pa.Array, declared: str, sentence: str
) -> None:
    with pytest.raises(DataRejected, match=rf"a.parquet[:,] {sentence}"):
        column(values, declared, tmp_path)


def test_what_a_file_is_does_not_depend_on_whether_it_holds_a_null(tmp_path: Path) -> None:
    parts = [pa.array([1, 2]), pa.array([3, None]), pa.array([4.0, None]), pa.nulls(2)]
    for number, x in enumerate(parts):
        flag = pa.array([True, None]) if number else pa.array([True, False])
        table = pa.table({"y": [0.0, 1.0], "x": x, "flag": flag})
        pq.write_table(table, tmp_path / f"part-{number}.parquet")
    rows = rows_of(model({"x": "int64", "flag": "bool"}, "*.parquet"), tmp_path)
    assert rows["x"].dtype == "Int64"
    assert rows["x"].fillna(0).tolist() == [1, 2, 3, 0, 4, 0, 0, 0]
    assert (rows["flag"].dtype, rows["flag"].isna().sum()) == ("boolean", 3)


def write(folder: Path, text: str, encoding: str = "utf-8", name: str = "a.csv") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text.encode(encoding))


BANK = (
    " Buchung am ;Betrag;Empfänger;y;gültig\r\n"
    '31.12.2025;-1234,50;"Müller; Söhne";1,5;true\r\n'
    "\r\n"
    '1.1.2026; ;"sagte ""ja""\r\nund ging";2;FALSE\r\n'
    "02.01.2026;12;k.A.;3;\r\n"
)
BANK_COLUMNS = {
    "Buchung am": "datetime",
    "Betrag": "float64",
    "Empfänger": "string",
    "gültig": "bool",
}
BANK_FORM = {"separator": ";", "decimal": ",", "dates": "%d.%m.%Y", "nulls": "k.A."}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_a_csv_is_read_in_the_form_that_is_declared(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, BANK, encoding)
    rows = rows_of(model(BANK_COLUMNS, csv={**BANK_FORM, "encoding": encoding}), tmp_path)
    expected = pd.DataFrame(
        {
            "y": [1.5, 2.0, 3.0],
            "Buchung am": pd.to_datetime(["2025-12-31", "2026-01-01", "2026-01-02"]).as_unit("us"),
            "Betrag": [-1234.5, np.nan, 12.0],
            "Empfänger": pd.Series(["Müller; Söhne", 'sagte "ja"\r\nund ging', None], dtype="str"),
            "gültig": pd.array([True, False, None], dtype="boolean"),
        }
    )
    pd.testing.assert_frame_equal(rows.drop(columns="row"), expected)


def test_times_of_several_formats_and_zones_are_read(tmp_path: Path) -> None:
    write(tmp_path, "y,t\n1,05/01/2026\n2,05/01/2026 10:30\n")
    formats = {"dates": ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}
    rows = rows_of(model({"t": "datetime"}, csv=formats), tmp_path)
    assert rows["t"].tolist() == [datetime(2026, 1, 5), AT]
    write(tmp_path, "y,t\n1,2026-01-05T10:30:00Z\n2,2026-01-05 12:30:00.123456789+02:00\n")
    times = rows_of(model({"t": "datetime"}), tmp_path)["t"]
    assert times.tolist() == [AT, AT + timedelta(microseconds=123456)]


HINTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a separator": ("y;x\n1;2\n", {}, r": looks separated by ';', not by ','; set data.source.csv"),
    "a decimal comma": (
        'y,x\n1,2\n1,"2,5"\n',
        {},
        r", line 3: x is '2,5', .* set data.source.csv.decimal",
    ),
    "a point beside commas": (
        "y;x\n1;2.5\n",
        {"separator": ";", "decimal": ","},
        r", line 2: x is '2.5', which is not a number with a decimal comma",
    ),
    "an encoding": ("y,x\n1,2\n3,\xe9\n", {}, r": is not utf-8 .* data.source.csv.encoding"),
    "a header of another encoding": (
        "y,\xe9\n1,2\n",
        {},
        r": is not utf-8 .* data.source.csv.encoding",
    ),
    "another line length": (
        "y,x\n1,2\n\n3,4,5\n",
        {},
        r": line 4 has 3 fields and the first line 2",
    ),
    "no header": ("3.5,1\n4,2\n", {}, r": its first line names none of the declared columns"),
    "an open quote": (
        'y,x\n1,2\n3,"4\n5,6\n',
        {},
        r": line 3 cannot be read: unexpected end of data",
    ),
    "a line after a text of two": (
        'n,y,x\n"a\nb",1,2\n"c\nd",1,two\n',
        {},
        r", line 4: x is 'two', which is not a number",
    ),
    "a column twice": ("y,x,x\n1,2,3\n", {}, r": has column x more than once"),
    "nothing": ("", {}, r": is empty"),
}


@pytest.mark.parametrize(("text", "form", "sentence"), HINTS.values(), ids=HINTS.keys())
def test_a_csv_in_another_form_is_refused_with_its_line_and_what_to_declare(
    tmp_path: Path, text: str, form: dict[str, Any], sentence: str
) -> None:
    write(tmp_path, text, "latin-1")
    with pytest.raises(DataRejected, match=f"a.csv{sentence}"):
        rows_of(model({"x": "float64"}, csv=form), tmp_path)


@pytest.mark.parametrize("text", ["2026-13-01", "05.01.2026", "2026-01-05T10:00:00+25:00", "soon"])
def test_a_text_that_is_not_a_time_is_refused_with_the_key_to_set(
    tmp_path: Path, text: str
) -> None:
    write(tmp_path, f"y,t\n1,2026-01-05\n2,{text}\n")
    with pytest.raises(DataRejected, match=r"line 3: t is .* data.source.csv.dates"):
        rows_of(model({"t": "datetime"}), tmp_path)


def test_whole_numbers_are_taken_in_any_spelling_that_is_exact(tmp_path: Path) -> None:
    write(tmp_path, "y,n\n1, 12\n1,12.0\n1,1e3\n1,9007199254740993.0\n1,\n")
    numbers = rows_of(model({"n": "int64"}), tmp_path)["n"]
    assert numbers.fillna(-1).tolist() == [12, 12, 1000, 9007199254740993, -1]


def test_a_sign_between_thousands_is_taken_where_it_can_be_one(tmp_path: Path) -> None:
    write(tmp_path, "y;n\n1.234,5;1.234\n-12.345.678;12\n0,5;1.000.000\n")
    form = {"separator": ";", "decimal": ",", "thousands": "."}
    rows = rows_of(model({"n": "int64"}, csv=form), tmp_path)
    assert rows["y"].tolist() == [1234.5, -12345678.0, 0.5]
    assert rows["n"].tolist() == [1234, 12, 1000000]
    for text in ("1.5", "12.34.567", "1234.567,0"):
        write(tmp_path, f"y;n\n{text};1\n")
        with pytest.raises(
            DataRejected, match=r"line 2: y is .* not a number with a decimal comma"
        ):
            rows_of(model({"n": "int64"}, csv=form), tmp_path)


PRIVATE: dict[str, str] = {
    "a wrong value": "y,who\n1,2\n2,jane@example.com\n",
    "a line too long": "y,who\n1,2\n2,3,jane@example.com\n",
    "no header": "4,jane@example.com\n5,6\n",
    "an open quote": 'y,who\n1,"jane@example.com\n2,3\n',
    "another separator": "y;who\n1;jane@example.com\n",
    "a wrong time": "y,who\n1,jane@example.com\n",
}


@pytest.mark.parametrize("declared", ["int64", "float64", "bool", "datetime"])
@pytest.mark.parametrize("text", PRIVATE.values(), ids=PRIVATE.keys())
def test_no_refusal_quotes_a_private_value(tmp_path: Path, text: str, declared: str) -> None:
    write(tmp_path, text)
    with pytest.raises(DataRejected, match=r"a\.csv") as refusal:
        rows_of(model({"who": declared}, private=["who"]), tmp_path)
    chain = [refusal.value, refusal.value.__cause__]
    assert not [error for error in chain if "jane" in str(error)]


def test_line_breaks_within_quotes_are_read_at_any_size(tmp_path: Path) -> None:
    # more than two blocks of the reader; cut at its line break, each text would look like two rows
    assert_notes_are_read(tmp_path, [f"first {'x' * 400}\nkey, 5, third" for _ in range(6_000)])


def test_a_text_longer_than_a_block_of_the_reader_is_read(tmp_path: Path) -> None:
    assert_notes_are_read(tmp_path, ["short", "long \n" * 1_000_000, "short"])


def assert_notes_are_read(folder: Path, notes: list[str]) -> None:
    keys = [f"key {n}" for n in range(len(notes))]
    expected = pd.DataFrame({"k": keys, "y": np.arange(len(notes)) / 2, "note": notes})
    expected.to_csv(folder / "a.csv", index=False)
    rows = rows_of(model({"k": "string", "note": "string"}), folder)
    pd.testing.assert_frame_equal(rows[list(expected)], expected)


def simple(folder: Path, name: str, y: float = 1.0, write_text: str = "") -> None:
    write(folder, write_text or f"y\n{y}\n", name=name)


def test_leftovers_of_other_programs_are_not_data(tmp_path: Path) -> None:
    simple(tmp_path / "a", "part-0.csv")
    for leftover in ("_temporary/0/task_1", ".ipynb_checkpoints", "_delta_log", "a/_temporary"):
        simple(tmp_path / leftover, "part-0.csv", 2.0)
    for name in ("._part-0.csv", ".part-0.csv.crc", "_part-0.csv"):
        simple(tmp_path / "a", name, 3.0)
    assert rows_of(model({}, "**/*.csv"), tmp_path)["y"].tolist() == [1.0]
    simple(tmp_path / "a", "_asked_for.csv", 4.0)
    assert rows_of(model({}, "a/_asked_for.csv"), tmp_path)["y"].tolist() == [4.0]


@pytest.mark.parametrize("name", ["data [prod]", "*", "what?", "a::b", "#1 {x}", "~", "%20", "é"])
def test_the_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    simple(tmp_path / name / "x", "1.csv")
    simple(tmp_path / "other" / "x", "1.csv", 2.0)
    for path in ("x/*.csv", "**/*.csv", "x/1.csv"):
        assert rows_of(model({}, path), tmp_path / name)["y"].tolist() == [1.0]


def test_a_folder_that_matches_counts_as_the_files_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "sales.parquet" / "year=2026"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"y": [1.0]}), folder / "part-0.snappy.parquet")
    # Spark writes a part for a partition that has no rows
    pq.write_table(pa.table({"y": pa.array([], pa.float64())}), folder / "part-1.parquet")
    write(tmp_path / "sales.parquet", "", name="_SUCCESS")
    for path in ("sales.parquet", "*.parquet"):
        assert rows_of(model({"year": "int64"}, path), tmp_path)["year"].tolist() == [2026]


def test_a_file_that_a_link_names_once_more_counts_once(tmp_path: Path) -> None:
    simple(tmp_path, "2026.csv")
    (tmp_path / "latest.csv").symlink_to(tmp_path / "2026.csv")
    simple(tmp_path / "elsewhere", "b.csv", 2.0)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    assert rows_of(model({}), tmp_path)["y"].tolist() == [1.0]
    assert rows_of(model({}, "in/**/*.csv"), tmp_path)["y"].tolist() == [2.0]


def test_folders_are_columns_wherever_they_stand(tmp_path: Path) -> None:
    for region in ("a%20b", "__HIVE_DEFAULT_PARTITION__"):
        simple(tmp_path / "year=2026" / "on=2026-01-05" / f"region={region}", "0.csv")
    columns = {"year": "int64", "on": "datetime", "region": "string"}
    for path in ("**/*.csv", "year=2026/*/*/*.csv", "year=2026/on=2026-01-05/*/0.csv"):
        rows = rows_of(model(columns, path), tmp_path)
        assert set(rows["year"]) == {2026}
        assert set(rows["on"]) == {datetime(2026, 1, 5)}
        assert rows["region"].fillna("null").tolist() == ["null", "a b"]


@pytest.mark.parametrize("folder", ["year=latest", "year=", "year=2026.5"])
def test_a_folder_that_is_not_of_its_columns_type_is_refused(tmp_path: Path, folder: str) -> None:
    simple(tmp_path / folder / "region=a", "0.csv")
    with pytest.raises(DataRejected, match=rf"{folder}.*rename the folder"):
        rows_of(model({"year": "int64", "region": "string"}, "**/*.csv"), tmp_path)


def test_rows_keep_their_order_in_time_and_else_that_of_the_source(tmp_path: Path) -> None:
    numbers = [f"{n}" for n in range(20)]
    write(tmp_path, "\n".join(["y", *numbers]))
    assert rows_of(model({}), tmp_path)["y"].tolist() == list(range(20))
    days = [f"{n},2026-01-{20 - n // 2:02}" for n in range(20)]
    write(tmp_path, "\n".join(["y,at", *days]))
    # two rows a day, in the order of the file
    expected = [n + pair for n in range(18, -1, -2) for pair in (0, 1)]
    assert rows_of(model({"at": "datetime"}, time="at"), tmp_path)["y"].tolist() == expected


def test_row_groups_outside_the_window_are_left_out_and_rows_keep_their_places(
    tmp_path: Path,
) -> None:
    times = pd.date_range("2026-01-01", periods=100, freq="D", tz="Europe/Paris").as_unit("ms")
    rows = pd.DataFrame({"y": np.arange(100.0), "at": times})
    rows.to_parquet(tmp_path / "a.parquet", row_group_size=10)
    config = model({"at": "datetime"}, "*.parquet", time="at")
    begin, end = datetime(2026, 2, 1), datetime(2026, 2, 15)
    window = Window(begin, begin, end, end, end)
    # what is not read may be damaged
    damage_all_but(tmp_path / "a.parquet", (3, 4))
    kept = rows_of(config, tmp_path, window)
    assert kept["y"].tolist() == [float(n) for n in range(32, 46)]
    assert kept["row"].tolist() == [f"a.parquet:{n}" for n in range(32, 46)]


def damage_all_but(path: Path, groups: tuple[int, ...]) -> None:
    metadata = pq.ParquetFile(path).metadata
    content = bytearray(path.read_bytes())
    for number in range(metadata.num_row_groups):
        if number not in groups:
            column = metadata.row_group(number).column(0)
            begin = column.dictionary_page_offset or column.data_page_offset
            content[begin : begin + column.total_compressed_size] = bytes(
                column.total_compressed_size
            )
    path.write_bytes(content)


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [flip, lambda content: content[:-20]], ids=["flipped", "cut"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    text = "y\n" + "\n".join(f"{n}.5" for n in range(5_000))
    (tmp_path / "a.csv.gz").write_bytes(damage(gzip.compress(text.encode())))
    with pytest.raises(DataRejected, match=r"a\.csv\.gz.*"):
        rows_of(model({}, "*.csv.gz"), tmp_path)


@pytest.mark.parametrize("path", ["x**y.csv", "**.csv"])
def test_a_pattern_that_means_nothing_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=r"data.source.path is .* '\*\*' can only be"):
        rows_of(model({}, path), tmp_path)
