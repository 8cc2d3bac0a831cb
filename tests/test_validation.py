"""Data that are not what the checks ask for stop a run, are named by check, count and key, and never give away a private value."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.checks import Check
from configs.errors import ConfigError, DataRejected
from configs.model import ModelConfig
from configs.reading import read_file
from tasks.data.splits import window
from tasks.data.structure import check_features, check_raw
from tasks.data.validation import check_expectations, checks_of, require_passed, validate
from tasks.records import CheckOutcome

END = datetime(2018, 8, 8)  # the tiny model's rows begin seven days earlier
SECRET = 770077


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    return read_file(tiny)


@pytest.fixture
def rows() -> pd.DataFrame:
    """Forty good rows of the tiny model: amounts 1 .. 40, keys 100 .. 139."""
    n = np.arange(40)
    return pd.DataFrame({
        "id": n + 100,
        "at": pd.date_range("2018-08-01", periods=40, freq="4h").astype("datetime64[us]"),
        "customer": n % 4,
        "amount": n + 1.0,
        "bad": n % 2,
    })  # fmt: skip


def private(config: ModelConfig, *columns: str) -> ModelConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"private": columns})})


def check(expect: str, severity: Any = "critical", id: str = "it", **arguments: Any) -> Check:
    return Check(id=id, expect=expect, severity=severity, **arguments)


def found(
    rows: pd.DataFrame,
    config: ModelConfig,
    expect: str,
    severity: str = "critical",
    **arguments: Any,
) -> CheckOutcome:
    (outcome,) = check_expectations(rows, [check(expect, severity, **arguments)], config)
    return outcome


def put(column: str, places: list[int], value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The same rows with a value put at some places of a column."""
    return lambda rows: rows.assign(**{column: rows[column].mask(rows.index.isin(places), value)})


TRAPS: list[tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str, str, int | None, tuple[str, ...]]] = [
    ("a missing column", lambda r: r.drop(columns="amount"), "columns", "there is no column amount", None, ()),
    ("a doubled column", lambda r: pd.concat([r, r[["amount"]]], axis=1), "columns", "column amount is there more than once", None, ()),
    ("numbers as strings", lambda r: r.astype({"amount": "str"}), "types", "amount is str, float64 declared", None, ()),
    ("whole numbers as floats", lambda r: r.astype({"bad": "float64"}), "types", "bad is float64, int64 declared", None, ()),
    ("times as strings", lambda r: r.astype({"at": "str"}), "types", "at is str, datetime declared", None, ()),
    ("times with a zone", lambda r: r.assign(at=r["at"].dt.tz_localize("UTC")), "types", "datetime declared", None, ()),
    ("no rows", lambda r: r.iloc[:0], "not-empty", "there are no rows", None, ()),
    ("an infinity", put("amount", [3, 5], np.inf), "finite-amount", "2 of 40 rows have an infinite amount", 2, ("103", "105")),
    ("minus infinity", put("amount", [7], -np.inf), "finite-amount", "1 of 40 rows have an infinite amount", 1, ("107",)),
    ("nothing but nulls", lambda r: r.assign(amount=np.nan), "any-amount", "all 40 amount are null", None, ()),
    ("a duplicate key", put("id", [9], 100), "key-unique", "2 of 40 rows share their id with another row", 2, ("100", "100")),
    ("a null time", put("at", [2], pd.NaT), "known-at", "1 of 40 rows have no at", 1, ("102",)),
    ("a row before the window", put("at", [4], datetime(2018, 7, 31, 23, 59)), "time-in-window", "lie outside 2018-08-01 .. 2018-08-08", 1, ("104",)),
    ("a row at the window's end", put("at", [39], END), "time-in-window", "1 of 40 rows lie outside", 1, ("139",)),
    ("a target of two", put("bad", [6], 2), "target-binary", "1 of 40 rows have a bad that is neither 0 nor 1", 1, ("106",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("trap", "spoil", "name", "sentence", "failed", "keys"), TRAPS, ids=[trap[0] for trap in TRAPS]
)
def test_a_structural_trap_is_a_critical_failure_with_its_count_and_keys(
    config: ModelConfig,
    rows: pd.DataFrame,
    trap: str,
    spoil: Any,
    name: str,
    sentence: str,
    failed: int | None,
    keys: tuple[str, ...],
) -> None:
    report = validate(spoil(rows), config, window(config, END), "raw")
    (outcome,) = report.critical
    assert (outcome.check, outcome.failed_rows, outcome.first_keys) == (
        f"structure-{name}",
        failed,
        keys,
    )
    assert sentence in outcome.sentence
    assert all(
        outcome.check.startswith("structure-") for outcome in report.outcomes
    )  # no check is believed on broken rows
    with pytest.raises(DataRejected):
        require_passed(report, config, window(config, END))


def test_a_null_key_is_a_critical_failure(config: ModelConfig, rows: pd.DataFrame) -> None:
    columns = config.data.columns | {"id": "string"}
    config = config.model_copy(update={"data": config.data.model_copy(update={"columns": columns})})
    rows = rows.assign(id=rows["id"].astype("str").mask(rows.index == 8))
    failures = [
        outcome for outcome in check_raw(rows, config, window(config, END)) if not outcome.passed
    ]
    assert [(outcome.check, outcome.severity, outcome.failed_rows) for outcome in failures] == [
        ("structure-known-id", "critical", 1)
    ]


def test_good_rows_pass_every_structural_check(config: ModelConfig, rows: pd.DataFrame) -> None:
    assert all(outcome.passed for outcome in check_raw(rows, config, window(config, END)))


FEATURE_TRAPS: list[tuple[str, Any, str, str]] = [
    ("is missing", lambda r: r, "features", "there is no column double"),
    (
        "is text",
        lambda r: r.assign(double=r["amount"].astype("str")),
        "feature-types",
        "double is str: a feature that train.preprocess does not encode is a number or a boolean",
    ),
    ("is all null", lambda r: r.assign(double=np.nan), "any-double", "all 40 double are null"),
    (
        "is infinite",
        lambda r: r.assign(double=put("amount", [0], np.inf)(r)["amount"]),
        "finite-double",
        "1 of 40 rows",
    ),
]


@pytest.mark.parametrize(
    ("trap", "spoil", "name", "sentence"), FEATURE_TRAPS, ids=[trap[0] for trap in FEATURE_TRAPS]
)
def test_a_feature_that_prepare_spoiled_is_a_critical_failure(
    config: ModelConfig, rows: pd.DataFrame, trap: str, spoil: Any, name: str, sentence: str
) -> None:
    (outcome,) = validate(spoil(rows), config, window(config, END), "features").critical
    assert outcome.check == f"structure-{name}"
    assert sentence in outcome.sentence


def test_many_failed_rows_show_only_their_first_keys(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    (outcome,) = [
        o for o in check_raw(rows.assign(bad=2), config, window(config, END)) if not o.passed
    ]
    assert outcome.failed_rows == 40
    assert outcome.first_keys == ("100", "101", "102", "103", "104")
    assert (
        found(rows, config, "column_values_to_be_between", column="amount", max_value=0).first_keys
        == outcome.first_keys
    )


def test_a_critical_failure_stops_with_check_rows_and_first_keys(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    report = validate(put("amount", [3, 5, 11], np.nan)(rows), config, window(config, END), "raw")
    with pytest.raises(DataRejected) as refusal:
        require_passed(report, config, window(config, END))
    message = str(refusal.value)
    assert "data of 2018-08-01 .. 2018-08-08 are not what the checks of tiny ask for" in message
    assert (
        "amount-known   critical   3 of 40 fail amount values_to_not_be_null, 0 allowed   first keys 103, 105, 111"
        in message
    )
    assert "Nothing was trained, nothing registered." in message


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_failure_that_is_not_critical_is_recorded_and_goes_on(
    config: ModelConfig, rows: pd.DataFrame, severity: str
) -> None:
    low = check("column_values_to_be_between", severity, id="low", column="amount", max_value=38)
    config = config.model_copy(update={"checks": (low,)})
    report = validate(rows, config, window(config, END), "raw")
    require_passed(report, config, window(config, END))
    assert [(o.check, o.severity, o.failed_rows, o.first_keys) for o in report.failures] == [
        ("low", severity, 2, ("138", "139"))
    ]
    assert f"{severity}: low 2 of 40 fail" in str(report)


CRASHES: list[tuple[str, dict[str, Any]]] = [
    ("column_mean_to_be_between", {"column": "word", "min_value": 1}),
    ("column_values_to_be_between", {"column": "word", "max_value": 3}),
    ("column_values_to_be_between", {"column": "no_such_column", "max_value": 3}),
    (
        "column_value_z_scores_to_be_less_than",
        {"column": "word", "threshold": 3, "double_sided": True},
    ),
    (
        "column_values_to_be_unique",
        {"column": "amount", "row_condition": {"column": "nowhere", "operator": "==", "value": 1}},
    ),
]


def test_a_check_that_cannot_be_computed_is_critical_whatever_it_declares_and_the_others_are_still_answered(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    rows = rows.assign(word="word")
    checks = [
        check(expect, "info", id=f"crash-{n}", **arguments)
        for n, (expect, arguments) in enumerate(CRASHES)
    ]
    sound = check("column_values_to_not_be_null", id="sound", column="amount")
    *crashed, last = check_expectations(rows, [*checks, sound], config)
    for outcome in crashed:
        assert (outcome.severity, outcome.passed) == ("critical", False)
        assert outcome.sentence.startswith("could not be computed: ")
        assert "\n" not in outcome.sentence
    assert last.passed


def test_equal_checks_under_two_ids_are_both_answered(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    twins = [check("column_values_to_be_unique", id=id, column="bad") for id in ("one", "two")]
    loose = check("column_values_to_be_unique", "info", id="three", column="bad")
    outcomes = check_expectations(rows, [*twins, loose], config)
    assert [(o.check, o.severity, o.passed) for o in outcomes] == [("one", "critical", False), ("two", "critical", False), ("three", "info", False)]  # fmt: skip


def test_a_check_of_an_unknown_type_cannot_be_dropped_silently(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    checks = [
        check("column_values_to_be_unique", column="id"),
        check("column_values_to_be_splendid", id="b", column="id"),
    ]
    with pytest.raises(Exception, match="column_values_to_be_splendid"):
        check_expectations(rows, checks, config)


def test_an_argument_of_the_wrong_type_is_refused_by_check_and_argument(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    with pytest.raises(
        ConfigError, match=r"it: column_values_to_be_in_set cannot be made: .*value_set"
    ):
        found(rows, config, "column_values_to_be_in_set", column="bad", value_set=3)


# each of them fails, in its own way, on rows whose word and customer are secret
ASKED_OF_PRIVATE: list[tuple[str, dict[str, Any]]] = [
    ("column_max_to_be_between", {"column": "customer", "max_value": SECRET - 1}),
    ("column_mean_to_be_between", {"column": "customer", "max_value": 0.5}),
    ("column_sum_to_be_between", {"column": "customer", "max_value": 1}),
    ("column_values_to_be_between", {"column": "customer", "max_value": SECRET - 1}),
    ("column_values_to_be_in_set", {"column": "customer", "value_set": [1, SECRET + 1]}),
    ("column_values_to_not_be_in_set", {"column": "customer", "value_set": [SECRET]}),
    ("column_distinct_values_to_be_in_set", {"column": "customer", "value_set": [1, SECRET + 1]}),
    ("column_distinct_values_to_contain_set", {"column": "customer", "value_set": [1, SECRET + 1]}),
    ("column_most_common_value_to_be_in_set", {"column": "customer", "value_set": [1]}),
    ("column_quantile_values_to_be_between", {"column": "customer", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}}),
    ("column_values_to_match_regex", {"column": "word", "regex": f"^not {SECRET}$"}),
    ("column_values_to_be_between", {"column": "word", "max_value": SECRET}),
    ("column_mean_to_be_between", {"column": "word", "max_value": SECRET}),
    ("column_pair_values_to_be_equal", {"column_A": "customer", "column_B": "amount"}),
    ("compound_columns_to_be_unique", {"column_list": ["customer", "bad"]}),
    ("column_values_to_be_between", {"column": "amount", "max_value": 1, "row_condition": {"column": "customer", "operator": "==", "value": SECRET}}),
    ("column_values_to_be_between", {"column": "amount", "max_value": 1, "row_condition": {"column": "word", "operator": ">", "value": SECRET}}),
]  # fmt: skip


@pytest.mark.parametrize(
    "names", [("customer", "word"), ("customer", "word", "id")], ids=["values", "values and keys"]
)
def test_a_private_columns_values_and_arguments_never_appear(
    config: ModelConfig, rows: pd.DataFrame, names: tuple[str, ...]
) -> None:
    checks = tuple(
        check(expect, id=f"c{n}", **arguments)
        for n, (expect, arguments) in enumerate(ASKED_OF_PRIVATE)
    )
    config = private(config.model_copy(update={"checks": checks}), *names)
    rows = rows.assign(customer=SECRET, word=f"word {SECRET}")
    report = replace(
        validate(rows[list(config.data.columns)], config, window(config, END), "raw"),
        outcomes=check_expectations(rows, checks, config),
    )
    assert len(report.critical) == len(checks)
    with pytest.raises(DataRejected) as refusal:
        require_passed(report, config, window(config, END))
    for told in (str(refusal.value), str(report), json.dumps(asdict(report))):
        assert str(SECRET) not in told.replace(",", "")
        assert str(SECRET - 1) not in told.replace(",", "")
        assert str(SECRET + 1) not in told.replace(",", "")


def test_a_private_key_appears_neither_in_the_message_nor_in_the_report(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    below = check("column_values_to_be_between", column="amount", max_value=1)
    rows = rows.assign(id=SECRET + rows.index)
    spans = window(config, END)
    spoiled = [
        rows.assign(bad=2),
        rows.assign(id=SECRET),
        put("amount", [0, 1], np.inf)(rows),
        rows.assign(at=END),
        rows,
    ]
    for frame in spoiled:
        reports = [
            validate(frame, c.model_copy(update={"checks": (below,)}), spans, "raw")
            for c in (config, private(config, "id"))
        ]
        open_keys, closed_keys = (json.dumps(asdict(report)) for report in reports)
        assert str(SECRET)[:4] in open_keys  # the sentinel does appear where the key is not private
        with pytest.raises(DataRejected) as refusal:
            require_passed(reports[1], config, spans)
        assert str(SECRET)[:4] not in str(refusal.value) + str(reports[1]) + closed_keys
        assert [o.failed_rows for o in reports[0].outcomes] == [
            o.failed_rows for o in reports[1].outcomes
        ]


def test_mostly_allows_a_share_of_failures_and_not_one_row_more(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    outcomes = [
        found(
            rows, config, "column_values_to_be_between", column="amount", max_value=most, mostly=0.9
        )
        for most in (36, 35)
    ]
    assert [(outcome.passed, outcome.failed_rows) for outcome in outcomes] == [
        (True, 4),
        (False, 5),
    ]
    assert outcomes[0].first_keys == ()
    assert (
        outcomes[1].sentence == "5 of 40 fail amount values_to_be_between up to 35, 10.00% allowed"
    )


CONDITIONS: list[tuple[dict[str, Any], int, int]] = [
    ({"column": "amount", "operator": ">", "value": 30}, 10, 10),
    ({"column": "amount", "operator": "<=", "value": 21}, 21, 1),
    ({"column": "bad", "operator": "==", "value": 1}, 20, 10),
    ({"column": "customer", "operator": "!=", "value": 0}, 30, 15),
    ({"column": "customer", "operator": "in", "value": [0, 1]}, 20, 10),
    ({"column": "customer", "operator": "not in", "value": [0, 1, 2]}, 10, 5),
    ({"column": "customer", "operator": "is_not_null"}, 40, 20),
]


def test_a_row_condition_restricts_the_check_to_the_rows_that_meet_it(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    checks = [
        check(
            "column_values_to_be_between",
            id=f"c{n}",
            column="amount",
            max_value=20,
            row_condition=condition,
        )
        for n, (condition, _, _) in enumerate(CONDITIONS)
    ]
    outcomes = check_expectations(rows, checks, private(config))
    sentences = [
        f"{failed} of {of} fail amount values_to_be_between up to 20, 0 allowed"
        for _, of, failed in CONDITIONS
    ]
    assert [outcome.sentence for outcome in outcomes] == sentences
    assert outcomes[0].first_keys == ("130", "131", "132", "133", "134")


NOTHING = {"column": "amount", "operator": ">", "value": 1000}
WOULD_PASS_ON_NO_ROWS: list[tuple[str, dict[str, Any]]] = [
    ("column_values_to_be_between", {"max_value": 1000}),
    ("column_values_to_not_be_null", {}),
    ("column_values_to_be_unique", {"mostly": 0.5}),
    ("column_sum_to_be_between", {"max_value": 1000}),
    ("column_unique_value_count_to_be_between", {"max_value": 1000}),
    ("column_proportion_of_non_null_values_to_be_between", {"max_value": 1}),
    ("column_distinct_values_to_be_in_set", {"value_set": [1]}),
    ("column_mean_to_be_between", {"max_value": 1000}),
]


def test_a_row_condition_that_no_row_meets_fails_in_its_own_words(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    for severity in ("critical", "warning"):
        checks = [
            check(expect, severity, id=f"c{n}", column="amount", row_condition=NOTHING, **arguments)
            for n, (expect, arguments) in enumerate(WOULD_PASS_ON_NO_ROWS)
        ]
        for outcome in check_expectations(rows, checks, config):
            assert (outcome.passed, outcome.severity) == (False, severity)
            assert outcome.sentence == "no row meets its row_condition: nothing was checked"


def test_a_check_may_ask_that_no_row_meets_a_condition(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    assert found(rows, config, "table_row_count_to_equal", value=0, row_condition=NOTHING).passed
    some = found(
        rows,
        config,
        "table_row_count_to_equal",
        value=0,
        row_condition={"column": "amount", "operator": ">", "value": 30},
    )
    assert not some.passed
    assert some.sentence.endswith("it is 10")


def test_a_quantile_check_is_computed(config: ModelConfig, rows: pd.DataFrame) -> None:
    ranges = [[[20, 21], [36, 37]], [[20, 21], [0, 1]]]
    outcomes = [
        found(rows, config, "column_quantile_values_to_be_between", column="amount", quantile_ranges={"quantiles": [0.5, 0.9], "value_ranges": values})
        for values in ranges
    ]  # fmt: skip
    assert [outcome.passed for outcome in outcomes] == [True, False]
    assert "could not be computed" not in outcomes[1].sentence


@pytest.mark.parametrize("day", [date(2018, 8, 2), "2018-08-02", "2018-08-02T00:00:00"])
def test_a_bound_of_instants_may_be_written_as_a_day_and_means_its_midnight(
    config: ModelConfig, rows: pd.DataFrame, day: date | str
) -> None:
    outcome = found(rows, config, "column_values_to_be_between", column="at", min_value=day)
    assert (outcome.passed, outcome.failed_rows) == (
        False,
        6,
    )  # of a row every four hours, those of the first day


def test_a_check_on_a_whole_column_names_what_was_observed_and_claims_no_failed_rows(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    mean = found(rows, config, "column_mean_to_be_between", column="amount", max_value=10)
    assert (mean.passed, mean.failed_rows, mean.first_keys) == (False, None, ())
    assert mean.sentence == "amount mean_to_be_between up to 10: it is 20.5"
    distinct = found(
        rows, config, "column_distinct_values_to_be_in_set", column="customer", value_set=[0]
    )
    assert (distinct.passed, distinct.failed_rows) == (False, None)


def test_rows_are_not_changed_by_validation(config: ModelConfig, rows: pd.DataFrame) -> None:
    rows = rows.assign(double=rows["amount"] * 2).set_index(pd.Index(range(40, 0, -1)))
    before = rows.copy()
    for stage in ("raw", "features"):
        validate(rows, config, window(config, END), stage)
    pd.testing.assert_frame_equal(rows, before)


def test_checks_run_before_prepare_where_all_their_columns_are_raw_and_after_it_otherwise(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    on_double = {"column": "double", "operator": ">", "value": 1}
    more = (
        check(
            "column_values_to_not_be_null",
            id="raw-if-double",
            column="amount",
            row_condition=on_double,
        ),
        check("column_pair_values_to_be_equal", id="both", column_A="amount", column_B="double"),
        check("table_row_count_to_be_between", id="table", min_value=1),
    )
    config = config.model_copy(update={"checks": (*config.checks, *more)})
    assert [check.id for check in checks_of(config, "raw")] == ["amount-known", "table"]
    assert [check.id for check in checks_of(config, "features")] == [
        "double-plausible",
        "raw-if-double",
        "both",
    ]
    raw = validate(rows, config, window(config, END), "raw")
    features = validate(
        rows.assign(double=rows["amount"] * 2), config, window(config, END), "features"
    )
    assert [o.check for o in raw.outcomes if not o.check.startswith("structure-")] == [
        "amount-known",
        "table",
    ]
    assert [o.check for o in features.outcomes if not o.check.startswith("structure-")] == [
        "double-plausible",
        "raw-if-double",
        "both",
    ]
    assert all(outcome.passed for outcome in check_features(rows.assign(double=1.0), config))


def test_a_model_without_declared_checks_is_still_checked_for_structure(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    report = validate(rows, config.model_copy(update={"checks": ()}), window(config, END), "raw")
    assert report.outcomes
    assert all(
        outcome.check.startswith("structure-") and outcome.passed for outcome in report.outcomes
    )
