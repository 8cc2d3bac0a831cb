"""Data that fail the checks stop a run, named by check, count and key, and keep private values."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
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
from tasks.data.splits import window_until
from tasks.data.structure import check_features, check_raw
from tasks.data.validation import check_expectations, checks_of, require_passed, validate
from tasks.records import CheckOutcome, ValidationReport

# the tiny model's rows begin seven days earlier
END = datetime(2018, 8, 8)
SECRET = 770077

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def config(tiny: Path) -> ModelConfig:
    return read_file(tiny)


@pytest.fixture
def rows() -> pd.DataFrame:
    """Forty good rows of the tiny model: amounts 1 .. 40, keys 100 .. 139."""
    n = np.arange(40)
    at = pd.date_range("2018-08-01", periods=40, freq="4h").astype("datetime64[us]")
    return pd.DataFrame(
        {"id": n + 100, "at": at, "customer": n % 4, "amount": n + 1.0, "bad": n % 2}
    )


def with_private(config: ModelConfig, *columns: str) -> ModelConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"private": columns})})


def check(expect: str, severity: Any = "critical", id: str = "it", **arguments: Any) -> Check:
    return Check(id=id, expect=expect, severity=severity, **arguments)


def outcome_of(
    rows: pd.DataFrame,
    config: ModelConfig,
    expect: str,
    severity: str = "critical",
    **arguments: Any,
) -> CheckOutcome:
    (outcome,) = check_expectations(rows, [check(expect, severity, **arguments)], config)
    return outcome


def put(column: str, places: list[int], value: Any) -> Spoil:
    """Puts a value at some places of a column."""
    return lambda rows: rows.assign(**{column: rows[column].mask(rows.index.isin(places), value)})


@dataclass(frozen=True)
class Trap:
    """Good rows that are spoiled, and the one check that must fail on them."""

    spoil: Spoil
    check: str
    sentence: str
    failed_rows: int | None = None
    first_keys: tuple[str, ...] = ()


TRAPS = {
    "a missing column": Trap(
        lambda rows: rows.drop(columns="amount"), "columns", "there is no column amount"
    ),
    "a doubled column": Trap(
        lambda rows: pd.concat([rows, rows[["amount"]]], axis=1),
        "columns",
        "there is more than one column amount",
    ),
    "no rows": Trap(lambda rows: rows.iloc[:0], "not-empty", "there are no rows"),
    "an infinity": Trap(
        put("amount", [3, 5], np.inf),
        "finite-amount",
        "2 of 40 rows have an infinite amount",
        2,
        ("103", "105"),
    ),
    "minus infinity": Trap(
        put("amount", [7], -np.inf),
        "finite-amount",
        "1 of 40 rows have an infinite amount",
        1,
        ("107",),
    ),
    "nothing but nulls": Trap(
        lambda rows: rows.assign(amount=np.nan), "any-amount", "amount is null in all 40 rows"
    ),
    "a duplicate key": Trap(
        put("id", [9], 100),
        "key-unique",
        "2 of 40 rows share their id with another row",
        2,
        ("100", "100"),
    ),
    "a null time": Trap(put("at", [2], pd.NaT), "known-at", "1 of 40 rows have no at", 1, ("102",)),
    "a row before the window": Trap(
        put("at", [4], datetime(2018, 7, 31, 23, 59)),
        "time-in-window",
        "1 of 40 rows are outside 2018-08-01 .. 2018-08-08",
        1,
        ("104",),
    ),
    "a row at the window's end": Trap(
        put("at", [39], END), "time-in-window", "1 of 40 rows are outside", 1, ("139",)
    ),
    "a target of two": Trap(
        put("bad", [6], 2),
        "target-binary",
        "1 of 40 rows have a bad that is not 0 or 1",
        1,
        ("106",),
    ),
}


def is_structural(outcome: CheckOutcome) -> bool:
    return outcome.check.startswith("structure-")


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_a_structural_trap_is_a_critical_failure_with_its_count_and_keys(
    config: ModelConfig, rows: pd.DataFrame, trap: Trap
) -> None:
    report = validate(trap.spoil(rows), config, window_until(config, END), "raw")
    (outcome,) = report.critical
    assert outcome.check == f"structure-{trap.check}"
    assert (outcome.failed_rows, outcome.first_keys) == (trap.failed_rows, trap.first_keys)
    assert trap.sentence in outcome.sentence
    # no declared check is believed on broken rows
    assert all(is_structural(outcome) for outcome in report.outcomes)
    with pytest.raises(DataRejected):
        require_passed(report, config, window_until(config, END))


def test_a_null_key_is_a_critical_failure(config: ModelConfig, rows: pd.DataFrame) -> None:
    columns = config.data.columns | {"id": "string"}
    config = config.model_copy(update={"data": config.data.model_copy(update={"columns": columns})})
    rows = rows.assign(id=rows["id"].astype("str").mask(rows.index == 8))
    failures = [
        outcome
        for outcome in check_raw(rows, config, window_until(config, END))
        if not outcome.passed
    ]
    assert [(outcome.check, outcome.severity, outcome.failed_rows) for outcome in failures] == [
        ("structure-known-id", "critical", 1)
    ]


def test_good_rows_pass_every_structural_check(config: ModelConfig, rows: pd.DataFrame) -> None:
    assert all(outcome.passed for outcome in check_raw(rows, config, window_until(config, END)))


FEATURE_TRAPS = {
    "is missing": Trap(lambda rows: rows, "features", "there is no column double"),
    "is text": Trap(
        lambda rows: rows.assign(double=rows["amount"].astype("str")),
        "feature-types",
        "double is str: a feature that train.preprocess does not encode must be a number",
    ),
    "is all null": Trap(
        # the other six are history, which `prepare` alone needs
        lambda rows: rows.assign(double=np.nan),
        "any-double",
        "double is null in all 34 rows",
    ),
    "is infinite": Trap(
        lambda rows: rows.assign(double=rows["amount"].mask(rows.index == 20, np.inf)),
        "finite-double",
        "1 of 34 rows have an infinite double",
    ),
}


@pytest.mark.parametrize("trap", FEATURE_TRAPS.values(), ids=FEATURE_TRAPS.keys())
def test_a_feature_that_prepare_spoiled_is_a_critical_failure(
    config: ModelConfig, rows: pd.DataFrame, trap: Trap
) -> None:
    (outcome,) = validate(trap.spoil(rows), config, window_until(config, END), "features").critical
    assert outcome.check == f"structure-{trap.check}"
    assert trap.sentence in outcome.sentence


def test_many_failed_rows_show_only_their_first_keys(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    (outcome,) = [
        o for o in check_raw(rows.assign(bad=2), config, window_until(config, END)) if not o.passed
    ]
    assert outcome.failed_rows == 40
    assert outcome.first_keys == ("100", "101", "102", "103", "104")
    assert (
        outcome_of(
            rows, config, "column_values_to_be_between", column="amount", max_value=0
        ).first_keys
        == outcome.first_keys
    )


def test_a_critical_failure_stops_with_check_rows_and_first_keys(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    report = validate(
        put("amount", [3, 5, 11], np.nan)(rows), config, window_until(config, END), "raw"
    )
    with pytest.raises(DataRejected) as refusal:
        require_passed(report, config, window_until(config, END))
    message = str(refusal.value)
    assert "the data of 2018-08-01 .. 2018-08-08 fail the checks of tiny" in message
    assert (
        "amount-known   critical   3 of 40 rows fail column_values_to_not_be_null(amount), "
        "0 allowed   first keys 103, 105, 111"
    ) in message
    assert "Fix the data or the checks." in message
    assert "Nothing was trained, nothing registered." in message


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_failure_that_is_not_critical_is_recorded_and_goes_on(
    config: ModelConfig, rows: pd.DataFrame, severity: str
) -> None:
    low = check("column_values_to_be_between", severity, id="low", column="amount", max_value=38)
    config = config.model_copy(update={"checks": (low,)})
    report = validate(rows, config, window_until(config, END), "raw")
    require_passed(report, config, window_until(config, END))
    assert [(o.check, o.severity, o.failed_rows, o.first_keys) for o in report.failures] == [
        ("low", severity, 2, ("138", "139"))
    ]
    assert f"{severity}: low 2 of 40 rows fail" in str(report)


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


def test_a_check_that_cannot_be_computed_is_critical_whatever_it_declares(
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
    # the others are still computed
    assert last.passed


def test_equal_checks_under_two_ids_are_both_answered(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    twins = [check("column_values_to_be_unique", id=id, column="bad") for id in ("one", "two")]
    loose = check("column_values_to_be_unique", "info", id="three", column="bad")
    outcomes = check_expectations(rows, [*twins, loose], config)
    assert [(outcome.check, outcome.severity, outcome.passed) for outcome in outcomes] == [
        ("one", "critical", False),
        ("two", "critical", False),
        ("three", "info", False),
    ]


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
        ConfigError, match=r"check it: column_values_to_be_in_set cannot be used: .*value_set"
    ):
        outcome_of(rows, config, "column_values_to_be_in_set", column="bad", value_set=3)


# each of them fails, in its own way, on rows whose word and customer are secret
CHECKS_OF_CUSTOMER: list[tuple[str, dict[str, Any]]] = [
    ("column_max_to_be_between", {"max_value": SECRET - 1}),
    ("column_mean_to_be_between", {"max_value": 0.5}),
    ("column_sum_to_be_between", {"max_value": 1}),
    ("column_values_to_be_between", {"max_value": SECRET - 1}),
    ("column_values_to_be_in_set", {"value_set": [1, SECRET + 1]}),
    ("column_values_to_not_be_in_set", {"value_set": [SECRET]}),
    ("column_distinct_values_to_be_in_set", {"value_set": [1, SECRET + 1]}),
    ("column_distinct_values_to_contain_set", {"value_set": [1, SECRET + 1]}),
    ("column_most_common_value_to_be_in_set", {"value_set": [1]}),
    (
        "column_quantile_values_to_be_between",
        {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}},
    ),
]
CHECKS_OF_WORD: list[tuple[str, dict[str, Any]]] = [
    ("column_values_to_match_regex", {"regex": f"^not {SECRET}$"}),
    ("column_values_to_be_between", {"max_value": SECRET}),
    ("column_mean_to_be_between", {"max_value": SECRET}),
]
CHECKS_OF_SEVERAL_COLUMNS: list[tuple[str, dict[str, Any]]] = [
    ("column_pair_values_to_be_equal", {"column_A": "customer", "column_B": "amount"}),
    ("compound_columns_to_be_unique", {"column_list": ["customer", "bad"]}),
]
SECRET_CONDITIONS = [
    {"column": "customer", "operator": "==", "value": SECRET},
    {"column": "word", "operator": ">", "value": SECRET},
]


def checks_of_private_columns() -> tuple[Check, ...]:
    expectations = [
        *((expect, {"column": "customer", **rest}) for expect, rest in CHECKS_OF_CUSTOMER),
        *((expect, {"column": "word", **rest}) for expect, rest in CHECKS_OF_WORD),
        *CHECKS_OF_SEVERAL_COLUMNS,
    ]
    for condition in SECRET_CONDITIONS:
        arguments = {"column": "amount", "max_value": 1, "row_condition": condition}
        expectations.append(("column_values_to_be_between", arguments))
    return tuple(
        check(expect, id=f"c{n}", **arguments) for n, (expect, arguments) in enumerate(expectations)
    )


@pytest.mark.parametrize(
    "names", [("customer", "word"), ("customer", "word", "id")], ids=["values", "values and keys"]
)
def test_a_private_columns_values_and_arguments_never_appear(
    config: ModelConfig, rows: pd.DataFrame, names: tuple[str, ...]
) -> None:
    checks = checks_of_private_columns()
    config = with_private(config.model_copy(update={"checks": checks}), *names)
    rows = rows.assign(customer=SECRET, word=f"word {SECRET}")
    raw = rows[list(config.data.columns)]
    report = replace(
        validate(raw, config, window_until(config, END), "raw"),
        outcomes=check_expectations(rows, checks, config),
    )
    assert len(report.critical) == len(checks)
    for text in texts_of(report, config):
        digits = text.replace(",", "")
        for number in (SECRET, SECRET - 1, SECRET + 1):
            assert str(number) not in digits


def texts_of(report: ValidationReport, config: ModelConfig) -> list[str]:
    """What people see of a report that stops a run: the refusal, the sentence, the document."""
    with pytest.raises(DataRejected) as refusal:
        require_passed(report, config, window_until(config, END))
    return [str(refusal.value), str(report), json.dumps(asdict(report))]


SPOILED: dict[str, Spoil] = {
    "a wrong target": lambda rows: rows.assign(bad=2),
    "one key": lambda rows: rows.assign(id=SECRET),
    "infinities": put("amount", [0, 1], np.inf),
    "times outside the window": lambda rows: rows.assign(at=END),
    "a declared check": lambda rows: rows,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_private_key_appears_neither_in_the_message_nor_in_the_report(
    config: ModelConfig, rows: pd.DataFrame, spoil: Spoil
) -> None:
    below = check("column_values_to_be_between", column="amount", max_value=1)
    config = config.model_copy(update={"checks": (below,)})
    rows = spoil(rows.assign(id=SECRET + rows.index))
    open_report, closed_report = (
        validate(rows, one, window_until(config, END), "raw")
        for one in (config, with_private(config, "id"))
    )
    # the secret does appear where the key is not private
    first_digits = str(SECRET)[:4]
    assert first_digits in json.dumps(asdict(open_report))
    for text in texts_of(closed_report, config):
        assert first_digits not in text
    assert [outcome.failed_rows for outcome in open_report.outcomes] == [
        outcome.failed_rows for outcome in closed_report.outcomes
    ]


def test_mostly_allows_a_share_of_failures_and_not_one_row_more(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    outcomes = [
        outcome_of(
            rows, config, "column_values_to_be_between", column="amount", max_value=most, mostly=0.9
        )
        for most in (36, 35)
    ]
    assert [(outcome.passed, outcome.failed_rows) for outcome in outcomes] == [
        (True, 4),
        (False, 5),
    ]
    assert outcomes[0].first_keys == ()
    assert outcomes[1].sentence == (
        "5 of 40 rows fail column_values_to_be_between(amount, max_value=35), 10.00% allowed"
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
    outcomes = check_expectations(rows, checks, with_private(config))
    sentences = [
        f"{failed} of {of} rows fail column_values_to_be_between(amount, max_value=20), 0 allowed"
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
    assert outcome_of(
        rows, config, "table_row_count_to_equal", value=0, row_condition=NOTHING
    ).passed
    some = outcome_of(
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
        outcome_of(
            rows,
            config,
            "column_quantile_values_to_be_between",
            column="amount",
            quantile_ranges={"quantiles": [0.5, 0.9], "value_ranges": values},
        )
        for values in ranges
    ]
    assert [outcome.passed for outcome in outcomes] == [True, False]
    assert "could not be computed" not in outcomes[1].sentence


@pytest.mark.parametrize("day", [date(2018, 8, 2), "2018-08-02", "2018-08-02T00:00:00"])
def test_a_bound_of_instants_may_be_written_as_a_day_and_means_its_midnight(
    config: ModelConfig, rows: pd.DataFrame, day: date | str
) -> None:
    outcome = outcome_of(rows, config, "column_values_to_be_between", column="at", min_value=day)
    # there is a row every four hours, so six on the first day
    assert (outcome.passed, outcome.failed_rows) == (False, 6)


def test_a_check_on_a_whole_column_names_what_was_observed_and_claims_no_failed_rows(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    mean = outcome_of(rows, config, "column_mean_to_be_between", column="amount", max_value=10)
    assert (mean.passed, mean.failed_rows, mean.first_keys) == (False, None, ())
    assert mean.sentence == "column_mean_to_be_between(amount, max_value=10): it is 20.5"
    distinct = outcome_of(
        rows, config, "column_distinct_values_to_be_in_set", column="customer", value_set=[0]
    )
    assert (distinct.passed, distinct.failed_rows) == (False, None)


def test_rows_are_not_changed_by_validation(config: ModelConfig, rows: pd.DataFrame) -> None:
    rows = rows.assign(double=rows["amount"] * 2).set_index(pd.Index(range(40, 0, -1)))
    before = rows.copy()
    for stage in ("raw", "features"):
        validate(rows, config, window_until(config, END), stage)
    pd.testing.assert_frame_equal(rows, before)


def test_checks_run_before_prepare_where_all_their_columns_are_raw_and_after_it_otherwise(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    on_double = {"column": "double", "operator": ">", "value": 1}
    conditional = check(
        "column_values_to_not_be_null",
        id="raw-if-double",
        column="amount",
        row_condition=on_double,
    )
    pair = check("column_pair_values_to_be_equal", id="both", column_A="amount", column_B="double")
    table = check("table_row_count_to_be_between", id="table", min_value=1)
    checks = (*config.checks, conditional, pair, table)
    config = config.model_copy(update={"checks": checks})
    prepared = rows.assign(double=rows["amount"] * 2)

    before, after = ["amount-known", "table"], ["double-plausible", "raw-if-double", "both"]
    assert [check.id for check in checks_of(config, "raw")] == before
    assert [check.id for check in checks_of(config, "features")] == after
    raw = validate(rows, config, window_until(config, END), "raw")
    features = validate(prepared, config, window_until(config, END), "features")
    assert [o.check for o in raw.outcomes if not is_structural(o)] == before
    assert [o.check for o in features.outcomes if not is_structural(o)] == after


def test_good_features_pass_every_structural_check(config: ModelConfig, rows: pd.DataFrame) -> None:
    prepared = rows.assign(double=1.0)
    assert all(outcome.passed for outcome in check_features(prepared, config))


def test_a_model_without_declared_checks_is_still_checked_for_structure(
    config: ModelConfig, rows: pd.DataFrame
) -> None:
    report = validate(
        rows, config.model_copy(update={"checks": ()}), window_until(config, END), "raw"
    )
    assert report.outcomes
    assert all(is_structural(outcome) and outcome.passed for outcome in report.outcomes)
