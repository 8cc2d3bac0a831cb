"""Great Expectations: the only file that knows it, and imports it late, since that takes seconds.

Here checks become its expectations and its results become plain values. Not here: what follows
from them (validation.py); what a check may say, known without importing it
(configs/expectations.py).
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from configs.checks import Check
from configs.dtypes import as_instant
from configs.errors import ConfigError, RatchetError
from tasks.data.columns import SHOWN_KEYS

# Counts, and the labels of the first rows that fail. Given the key's column to look up as well,
# it would look up the key of every row that fails, one by one.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": SHOWN_KEYS}

# how each expectation is found again among the results, in its `meta`
CHECK, CONDITION_OF = "check", "condition_of"


@dataclass(frozen=True)
class ExpectationResult:
    """What Great Expectations found for one check.

    `error` is the first line of what it raised, empty where it raised nothing. `checked_rows` and
    `failed_rows` are None for an expectation of a whole column or table; `first_labels` are index
    labels of the first failed rows. `nothing_checked` says that no row met the row_condition.
    """

    success: bool
    error: str
    checked_rows: int | None
    failed_rows: int | None
    first_labels: tuple[Any, ...]
    observed: float | None
    nothing_checked: bool


def compute(rows: pd.DataFrame, checks: Sequence[Check]) -> dict[str, ExpectationResult]:
    """The result of each check by its id; RatchetError where Great Expectations left one out."""
    results = _run(rows, checks)
    unmet_conditions = {
        result.expectation_config.meta[CONDITION_OF]
        for result in results
        if CONDITION_OF in result.expectation_config.meta and not result.success
    }
    result_of_check = {}
    for result in results:
        check_id = result.expectation_config.meta.get(CHECK)
        if check_id:
            nothing_checked = check_id in unmet_conditions
            result_of_check[check_id] = _to_result(result, nothing_checked=nothing_checked)
    unanswered = [check.id for check in checks if check.id not in result_of_check]
    if unanswered:
        raise RatchetError(
            f"Great Expectations did not answer the checks {', '.join(unanswered)}; give each "
            "check an id and arguments of its own"
        )
    return result_of_check


def to_expectation(check: Check) -> Any:
    """The check as an expectation; ConfigError where its type or an argument is wrong."""
    # the id in meta also keeps two checks with equal arguments from counting as one
    return _make_expectation(check.expect, check.arguments, check.severity, {CHECK: check.id})


def _run(rows: pd.DataFrame, checks: Sequence[Check]) -> list[Any]:
    """Run one context, one batch and one suite: each further one hashes the whole frame again."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # of its own imports; goes with the pin
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
        expectations = [to_expectation(check) for check in checks]
        expectations += [_condition_is_met(check) for check in checks if _passes_on_nothing(check)]
        suite = context.suites.add(gx.ExpectationSuite(name="checks", expectations=expectations))
        batch = asset.add_batch_definition_whole_dataframe("rows")
        definition = gx.ValidationDefinition(name="checks", data=batch, suite=suite)
        context.validation_definitions.add(definition)
        run = definition.run(batch_parameters={"dataframe": rows}, result_format=RESULT_FORMAT)
    results: list[Any] = run.results
    return results


def _passes_on_nothing(check: Check) -> bool:
    """Whether a check might pass because no row meets its condition.

    A count of rows is exempt: that no row meets the condition may be what it requires.
    """
    is_row_count = check.expect.startswith("table_row_count")
    return "row_condition" in check.arguments and not is_row_count


def _condition_is_met(check: Check) -> Any:
    """The expectation that at least one row meets the check's row_condition."""
    arguments = {"min_value": 1, "row_condition": check.arguments["row_condition"]}
    meta = {CONDITION_OF: check.id}
    return _make_expectation("table_row_count_to_be_between", arguments, check.severity, meta)


def _make_expectation(
    expect: str, arguments: Mapping[str, Any], severity: str, meta: dict[str, str]
) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    configuration = ExpectationConfiguration(
        type=f"expect_{expect}",
        kwargs=_to_keywords(arguments),
        severity=FailureSeverity(severity),
        meta=meta,
    )
    try:
        # an unknown type raises here; in a suite's own dictionary it would be dropped silently
        return configuration.to_domain_obj()
    except ValueError as error:
        # pydantic's, which names the argument over several lines
        check_id, problem = " ".join(meta.values()), " ".join(str(error).split())
        raise ConfigError(f"check {check_id}: {expect} cannot be used: {problem}") from error


def _to_keywords(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A check's arguments as Great Expectations takes them."""
    keywords = dict(arguments)
    if condition := keywords.get("row_condition"):
        keywords["row_condition"] = _to_condition(condition)
    for bound in ("min_value", "max_value"):
        if instant := as_instant(keywords.get(bound)):
            keywords[bound] = instant
    return keywords


def _to_condition(condition: Mapping[str, Any]) -> Any:
    from great_expectations.expectations import row_conditions

    column, operator = row_conditions.Column(condition["column"]), condition["operator"]
    if operator in ("is_null", "is_not_null"):
        return getattr(column, operator)()
    operator = {"in": "IN", "not in": "NOT_IN"}.get(operator, operator)
    return row_conditions.ComparisonCondition(
        column=column, operator=operator, parameter=condition["value"]
    )


def _to_result(result: Any, *, nothing_checked: bool) -> ExpectationResult:
    details = result.result
    # without a count of elements, what failed is counted in distinct values
    counts_rows = "element_count" in details
    observed = details.get("observed_value")
    is_number = isinstance(observed, int | float | np.number)
    return ExpectationResult(
        success=bool(result.success),
        error=_first_error(result.exception_info),
        checked_rows=details["element_count"] if counts_rows else None,
        failed_rows=details.get("unexpected_count") if counts_rows else None,
        first_labels=tuple(details.get("partial_unexpected_index_list") or ()),
        observed=float(observed) if is_number else None,
        nothing_checked=nothing_checked,
    )


def _first_error(exception_info: Mapping[str, Any]) -> str:
    """The first line of what an expectation raised, or nothing.

    The report is flat where nothing was raised, and nested by metric where something was.
    """
    is_flat = "raised_exception" in exception_info
    reports = [exception_info] if is_flat else exception_info.values()
    for report in reports:
        if report.get("raised_exception"):
            return str(report.get("exception_message")).splitlines()[0]
    return ""
