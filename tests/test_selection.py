"""Which rows of a source are used: declared conditions and copies, counted and never guessed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import ConfigError, DataRejected
from configs.model import ModelConfig
from configs.reading import read_file
from configs.settings import Settings
from tasks.data import sources, validation
from tasks.data.hooks import load_hooks, prepare
from tasks.data.new_rows import read_blocks
from tasks.data.selection import select
from tasks.data.splits import settle_window
from tests.conftest import TINY_YAML, write_days

KEY = "  key: id\n"


def configured(tiny: Path, *keys: str) -> ModelConfig:
    """The tiny model with these keys in its `data`."""
    lines = "".join(f"  {key}\n" for key in keys)
    tiny.write_text(TINY_YAML.replace(KEY, lines + KEY))
    return read_file(tiny)


def rows(**columns: list[Any]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    everything = {
        "id": range(count),
        "at": pd.Timestamp("2026-01-01"),
        "customer": 1,
        "amount": 1.0,
        "bad": 0,
    }
    return pd.DataFrame(everything | columns, index=range(count))


AMOUNTS = [1.0, None, 2.0, 3.0]


@pytest.mark.parametrize(
    ("condition", "used"),
    [
        ('{column: amount, operator: "==", value: 2}', [2]),
        ('{column: amount, operator: "!=", value: 2}', [0, 3]),
        ('{column: amount, operator: "<", value: 2}', [0]),
        ('{column: amount, operator: "<=", value: 2}', [0, 2]),
        ('{column: amount, operator: ">", value: 2}', [3]),
        ('{column: amount, operator: ">=", value: 2}', [2, 3]),
        ("{column: amount, operator: in, value: [1, 3]}", [0, 3]),
        ("{column: amount, operator: not in, value: [1, 3]}", [2]),
        ("{column: amount, operator: is_null}", [1]),
        ("{column: amount, operator: is_not_null}", [0, 2, 3]),
        (
            '[{column: amount, operator: ">", value: 1}, '
            '{column: amount, operator: "<", value: 3}]',
            [2],
        ),
    ],
)
def test_rows_that_meet_every_condition_are_used_and_a_null_meets_none(
    tiny: Path, condition: str, used: list[int]
) -> None:
    selection = select(configured(tiny, f"where: {condition}"), rows(amount=AMOUNTS))
    assert list(selection.rows["id"]) == used
    assert list(np.flatnonzero(selection.mask)) == used


@given(
    values=st.lists(st.none() | st.integers(-3, 3), min_size=1),
    operator=st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    bound=st.integers(-3, 3),
)
def test_a_whole_number_beside_nulls_is_compared_as_python_compares_it(
    tmp_path_factory: pytest.TempPathFactory, values: list[int | None], operator: str, bound: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "tiny.yaml"
    path.with_suffix(".py").write_text(HOOKS)
    condition = f'{{column: customer, operator: "{operator}", value: {bound}}}'
    config = configured(path, f"where: {condition}")
    selection = select(config, rows(customer=pd.array(values, "Int64")))
    expected = [
        place
        for place, value in enumerate(values)
        if value is not None and eval(f"{value} {operator} {bound}")
    ]
    assert list(np.flatnonzero(selection.mask)) == expected


HOOKS = """
def add_double(raw):
    return raw.assign(double=raw["amount"] * 2)


def first_customer(rows, window):
    return rows["customer"] == 0


def share_found(rows, scores):
    return 0.5
"""


def test_a_time_is_compared_with_a_text_in_utc(tiny: Path) -> None:
    days = pd.to_datetime(["2026-01-01", "2026-01-02", None])
    config = configured(tiny, 'where: {column: at, operator: ">=", value: 2026-01-02}')
    assert list(select(config, rows(at=list(days))).rows["id"]) == [1]


@pytest.mark.parametrize(("keep", "used"), [("first", [0, 2, 3]), ("last", [1, 2, 4])])
def test_of_copies_the_first_or_the_last_stays(tiny: Path, keep: str, used: list[int]) -> None:
    config = configured(tiny, f"drop_duplicates: {{by: [customer, amount], keep: {keep}}}")
    copies = rows(customer=[1, 1, 1, 2, 2], amount=[5.0, 5.0, 6.0, None, None])
    selection = select(config, copies)
    assert list(selection.rows["id"]) == used
    assert str(selection) == "3 of 5 rows"


def test_what_is_left_out_is_counted_key_by_key(tiny: Path) -> None:
    config = configured(
        tiny,
        'where: [{column: amount, operator: ">", value: 1}, {column: customer, operator: is_null}]',
        "drop_duplicates: {by: [amount]}",
    )
    selection = select(
        config,
        rows(amount=[1.0, 2.0, 2.0, 3.0, 3.0], customer=pd.array([None] * 3 + [1, None], "Int64")),
    )
    sentences = [outcome.sentence for outcome in selection.outcomes]
    assert sentences == [
        "1 of 5 rows do not meet amount > 1",
        "1 of 4 rows do not meet the condition on customer",
        "1 of 3 rows are copies: used is the first of those with the same amount",
    ]
    assert all(outcome.passed for outcome in selection.outcomes)


def test_a_condition_that_no_row_meets_is_the_reason_of_the_refusal(
    tiny: Path, settings: Settings
) -> None:
    write_days(settings.data / "days")
    config = configured(tiny, 'where: {column: amount, operator: "<", value: 0}')
    window = settle_window(config, None, settings.data)
    selection = select(config, sources.load(config, window, settings.data))
    report = validation.validate(selection.rows, config, window, "raw", selection.outcomes)
    with pytest.raises(DataRejected, match=r"([\d,]+) of \1 rows do not meet amount < 0"):
        validation.require_passed(report, config, window)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("where: {column: amuont, operator: is_null}", "'amuont' is not declared; did you mean am"),
        ("where: {column: double, operator: is_null}", "'double' is not declared"),
        ('where: {column: amount, operator: ">", value: "1"}', "write a number"),
        ('where: {column: at, operator: ">", value: 3}', "write a time like"),
        ('where: {column: amount, operator: ">"}', "> needs a value"),
        ("where: {column: amount, operator: in, value: 3}", "in needs a list of values"),
        ("where: amount > 3", "where: 'amount > 3' is not allowed: write keys with their values"),
        ("drop_duplicates: {by: [idd]}", "'idd' is not declared; did you mean id?"),
        ("drop_duplicates: {by: []}", "at least 1 must be named"),
    ],
)
def test_a_wrong_selection_is_refused_when_the_yaml_is_read(
    tiny: Path, key: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        configured(tiny, key)
    assert problem in str(refused.value)


def test_without_labels_a_condition_on_the_target_does_not_count(tiny: Path) -> None:
    config = configured(tiny, "where: {column: bad, operator: is_not_null}")
    unknown = rows(bad=pd.array([None, 1], "Int64"))
    assert len(select(config, unknown).rows) == 1
    assert len(select(config, unknown, labelled=False).rows) == 2


def test_copies_far_apart_are_found_when_rows_without_times_are_scored(
    tiny: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.data.new_rows.BLOCK_ROWS", 2)
    settings.data.mkdir()
    rows(id=[7, 8, 9, 7]).to_parquet(settings.data / "all.parquet")
    changed = TINY_YAML.replace("days/*.parquet", "all.parquet")
    changed = changed.replace(KEY, f"  drop_duplicates: {{by: [id]}}\n{KEY}")
    tiny.write_text(changed)
    config = read_file(tiny)
    chunks = list(read_blocks(config, settings.data))
    used = [select(config, chunk.raw, labelled=False).rows["id"] for chunk in chunks]
    assert list(pd.concat(used)) == [7, 8, 9]


MADE = """
def add_double(raw):
    return raw.assign(double=raw["amount"] * 2, late=%s)


def first_customer(rows, window):
    return rows["customer"] == 0


def share_found(rows, scores):
    return 0.5
"""


def with_made_target(tiny: Path, code: str, *changes: tuple[str, str]) -> ModelConfig:
    text = TINY_YAML.replace("target: bad", "target: late")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    tiny.write_text(text)
    tiny.with_suffix(".py").write_text(MADE % code)
    return read_file(tiny)


REGRESSION = (
    ("name: tiny", "name: tiny\nkind: regression"),
    ("LogisticRegression, params: {C: 1.0}", "LinearRegression"),
    ("[average_precision, roc_auc, log_loss, share_found]", "[mean_absolute_error]"),
    ("average_precision, at_least", "mean_absolute_error, at_most"),
)


@pytest.mark.parametrize(
    ("code", "changes", "problem"),
    [
        ('(raw["amount"] > 2).astype(int)', (), None),
        ('raw["amount"] > 2', (), None),
        ('raw["amount"].where(raw["id"] > 1)', REGRESSION, "1 of 4 rows have no late"),
        (
            'raw["amount"].where(raw["id"] > 1)',
            (*REGRESSION, ("  key: id", "  drop_nulls: [late]\n  key: id")),
            None,
        ),
        ('raw["amount"].astype(str)', REGRESSION, "late is str; the target of a regression must"),
        ('raw["at"]', (), "late is datetime64[us]; two classes must be"),
        ('raw["amount"] + 0.5', (), "late is float64; two classes must be"),
        ('raw["id"]', (), "have a late that is not 0 or 1"),
        ("None", (), "4 of 4 rows have no late"),
    ],
)
def test_a_target_that_prepare_makes_is_checked_like_any_other(
    tiny: Path, code: str, changes: tuple[tuple[str, str], ...], problem: str | None
) -> None:
    config = with_made_target(tiny, code, *changes)
    raw = rows(id=[1, 2, 3, 4], amount=[1.0, 2.0, 3.0, 4.0])
    prepared = prepare(config, load_hooks(config, tiny.with_suffix(".py")), raw)
    report = validation.validate(prepared, config, None, "features")
    if problem:
        with pytest.raises(DataRejected, match=r"structure-") as refused:
            validation.require_passed(report, config, None)
        assert problem in str(refused.value)
    else:
        validation.require_passed(report, config, None)


def test_a_target_that_prepare_never_makes_is_named(tiny: Path) -> None:
    config = with_made_target(tiny, "1")
    report = validation.validate(rows(id=[1]).assign(double=1.0), config, None, "features")
    with pytest.raises(DataRejected, match="there is no column late"):
        validation.require_passed(report, config, None)


def test_rows_without_a_known_target_are_left_out_of_raw_rows_by_drop_nulls(tiny: Path) -> None:
    config = configured(tiny, "drop_nulls: [bad]")
    unknown = rows(bad=pd.array([None, 1, 0], "Int64"))
    report = validation.validate(unknown, config, None, "raw")
    validation.require_passed(report, config, None)
    assert any("1 of 3 rows have no bad" in outcome.sentence for outcome in report.outcomes)


def without_key(tiny: Path, settings: Settings, *files: list[float]) -> ModelConfig:
    """Rows without a key or a time, in a file for each list of amounts."""
    changes = (
        ("days/*.parquet", "parts/*.parquet"),
        (KEY, ""),
        ("id: int64, at: datetime, ", ""),
        ("  time: at\n", ""),
        ("  history_days: 1\n", ""),
        ("{by: time, train_days: 3, delay_days: 1, holdout_days: 2, exclude: first_customer}",
         "{by: hash, holdout: 0.3}"),
    )  # fmt: skip
    text = TINY_YAML
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    tiny.write_text(text)
    folder = settings.data / "parts"
    folder.mkdir(parents=True)
    for number, amounts in enumerate(files):
        bad = [int(amount > 2) for amount in amounts]
        frame = rows(amount=amounts, bad=bad)[["customer", "amount", "bad"]]
        frame.to_parquet(folder / f"part-{number}.parquet", index=False)
    return read_file(tiny)


@pytest.mark.parametrize(
    ("files", "sentence", "passes"),
    [
        ([[1.0, 3.0, 3.0], [2.0, 4.0]], "0 of 5 rows are in another file too", True),
        ([[1.0, 3.0], [2.0, 3.0, 3.0]], "3 of 5 rows are in another file too", True),
        ([[1.0, 3.0], [4.0]], "0 of 3 rows are in another file too", True),
        ([[3.0], [1.0, 4.0], [3.0]], "2 of 4 rows are in another file too", True),
        ([[2.0, 5.0], [1.0, 3.0], [3.0, 1.0]], "part-1.parquet and part-2.parquet hold", False),
    ],
)
def test_without_a_key_what_was_delivered_twice_is_found(
    tiny: Path, settings: Settings, files: list[list[float]], sentence: str, passes: bool
) -> None:
    config = without_key(tiny, settings, *files)
    loaded = sources.load(config, None, settings.data)
    report = validation.validate(loaded, config, None, "raw")
    (copies,) = (outcome for outcome in report.outcomes if outcome.check == "structure-copies")
    assert sentence in copies.sentence
    assert bool(report.critical) is not passes


def test_rows_without_a_key_that_a_function_returns_are_never_copies(
    tiny: Path, settings: Settings
) -> None:
    config = without_key(tiny, settings, [1.0, 3.0])
    of_function = rows(row=["0", "1", "2"], amount=[1.0, 1.0, 3.0], bad=[0, 0, 1])
    report = validation.validate(of_function, config, None, "raw")
    assert not report.failures
