"""The checks of a YAML, computed by Great Expectations; the only file that knows it, and imports it late: that takes seconds.

Structure comes first (structure.py); what the checks may say is known without this file (configs/expectations.py).
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from configs.checks import Check
from configs.errors import ConfigError, DataRejected, RatchetError
from configs.expectations import condition_columns
from configs.model import ModelConfig
from tasks.data import structure
from tasks.records import CheckOutcome, ValidationReport, Window

Stage = Literal["raw", "features"]

# counts, and where the first rows are that fail; were it asked for their keys, it would look up those of all rows that fail, one by one
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": structure.SHOWN_KEYS}


def validate(
    rows: pd.DataFrame, config: ModelConfig, window: Window | None, stage: Stage
) -> ValidationReport:
    """What every check of this stage found, in the order of the YAML; no declared check is run on rows whose structure is broken."""
    outcomes = (
        structure.check_raw(rows, config, window)
        if stage == "raw"
        else structure.check_features(rows, config)
    )
    if all(outcome.passed or outcome.severity != "critical" for outcome in outcomes):
        outcomes += check_expectations(rows, checks_of(config, stage), config)
    if not outcomes:
        raise RatchetError(
            f"no check was made of the {stage} rows: validation that checks nothing passes nothing"
        )
    return ValidationReport(stage, len(rows), outcomes)


def require_passed(
    report: ValidationReport, config: ModelConfig, window: Window | None, page: str = ""
) -> None:
    """Return when no critical check failed; DataRejected names each that did, with rows and first keys, and the report's page if it has one."""
    if not report.critical:
        return
    days = f" of {window.history_start:%Y-%m-%d} .. {window.holdout_end:%Y-%m-%d}" if window else ""
    head = f"the data{days} are not what the checks of {config.name} ask for."
    failures = "\n".join(f"  {outcome}" for outcome in report.failures)
    where = f" Report: {page}" if page else ""
    raise DataRejected(f"{head}\n{failures}\nNothing was trained, nothing registered.{where}")


def checks_of(config: ModelConfig, stage: Stage) -> tuple[Check, ...]:
    """The declared checks that run before prepare (all their columns are raw), or those that run after it."""
    raw = set(config.data.raw)
    return tuple(
        check
        for check in config.checks
        if ({*check.columns, *condition_columns(check.arguments)} <= raw) == (stage == "raw")
    )


def check_expectations(
    rows: pd.DataFrame, checks: Sequence[Check], config: ModelConfig
) -> tuple[CheckOutcome, ...]:
    """An outcome for each check, in their order. RatchetError when Great Expectations answers fewer than it was asked."""
    if not checks:
        return ()
    results = [(result.expectation_config.meta, result) for result in _run(rows, checks)]
    found = {meta["check"]: result for meta, result in results if "check" in meta}
    idle = {
        meta["condition_of"]
        for meta, result in results
        if "condition_of" in meta and not result.success
    }
    if missing := [check.id for check in checks if check.id not in found]:
        raise RatchetError(
            f"Great Expectations did not answer the checks {', '.join(missing)}; are two of them the same?"
        )
    return tuple(
        _outcome(rows, check, found[check.id], config, idle=check.id in idle) for check in checks
    )


def _run(rows: pd.DataFrame, checks: Sequence[Check]) -> list[Any]:
    """One context, one batch, one suite: each further one hashes the whole frame again."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own imports; goes with the pin
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
        expectations = [_expectation(check) for check in checks] + [
            _condition_is_met(check) for check in checks if _may_be_idle(check)
        ]
        suite = context.suites.add(gx.ExpectationSuite(name="checks", expectations=expectations))
        definition = gx.ValidationDefinition(
            name="checks", data=asset.add_batch_definition_whole_dataframe("rows"), suite=suite
        )
        context.validation_definitions.add(definition)
        results: list[Any] = definition.run(
            batch_parameters={"dataframe": rows}, result_format=RESULT_FORMAT
        ).results
    return results


def _expectation(check: Check) -> Any:
    """The check as Great Expectations has it; one of an unknown type raises instead of being dropped."""
    # the id in meta also keeps two checks with equal arguments from being taken for one
    return _configured(check.expect, check.arguments, check.severity, {"check": check.id})


def _may_be_idle(check: Check) -> bool:
    """Whether no rows at all would pass: a sum, a count of values. How many rows there are may be the question itself."""
    return "row_condition" in check.arguments and not check.expect.startswith("table_row_count")


def _condition_is_met(check: Check) -> Any:
    arguments = {"min_value": 1, "row_condition": check.arguments["row_condition"]}
    return _configured(
        "table_row_count_to_be_between", arguments, check.severity, {"condition_of": check.id}
    )


def _configured(
    expect: str, arguments: Mapping[str, Any], severity: str, meta: dict[str, str]
) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    kwargs = dict(arguments)
    if condition := kwargs.get("row_condition"):
        kwargs["row_condition"] = _condition(condition)
    for bound in ("min_value", "max_value"):
        if isinstance(
            kwargs.get(bound), date | str
        ):  # a day cannot be compared with an instant: its midnight is meant
            kwargs[bound] = datetime.fromisoformat(str(kwargs[bound]))
    configuration = ExpectationConfiguration(
        type=f"expect_{expect}", kwargs=kwargs, severity=FailureSeverity(severity), meta=meta
    )
    try:
        return configuration.to_domain_obj()
    except ValueError as error:  # pydantic's, which names the argument
        raise ConfigError(
            f"{' '.join(meta.values())}: {expect} cannot be made: {' '.join(str(error).split())}"
        ) from error


def _condition(condition: Mapping[str, Any]) -> Any:
    from great_expectations.expectations import row_conditions

    column = row_conditions.Column(condition["column"])
    if condition["operator"] in ("is_null", "is_not_null"):
        return getattr(column, condition["operator"])()
    operator = {"in": "IN", "not in": "NOT_IN"}.get(condition["operator"], condition["operator"])
    return row_conditions.ComparisonCondition(
        column=column, operator=operator, parameter=condition["value"]
    )


def _outcome(
    rows: pd.DataFrame, check: Check, result: Any, config: ModelConfig, *, idle: bool
) -> CheckOutcome:
    if problem := _exception(result.exception_info):
        shown = (
            "why may quote a private column, and is left out"
            if _is_private(check, config)
            else problem
        )
        return CheckOutcome(
            check.id, "critical", False, f"could not be computed: {shown}", len(rows)
        )
    numbers = result.result
    if idle:
        return CheckOutcome(
            check.id,
            check.severity,
            False,
            "no row meets its row_condition: nothing was checked",
            len(rows),
            0,
        )
    failed = (
        numbers.get("unexpected_count") if "element_count" in numbers else None
    )  # else it counts distinct values, not rows
    keyless = result.success or config.data.key in config.data.private
    first = () if keyless else numbers.get("partial_unexpected_index_list") or ()
    keys = tuple(str(rows.at[label, config.data.key]) for label in first)
    return CheckOutcome(
        check.id,
        check.severity,
        bool(result.success),
        _sentence(check, numbers, config),
        len(rows),
        failed,
        keys,
    )


def _exception(info: Mapping[str, Any]) -> str | None:
    """The first line of what an expectation raised: the report is flat when nothing was, and nested by metric when something was."""
    reports = [info] if "raised_exception" in info else list(info.values())
    raised = [
        str(report.get("exception_message")) for report in reports if report.get("raised_exception")
    ]
    return raised[0].splitlines()[0] if raised else None


def _sentence(check: Check, numbers: Mapping[str, Any], config: ModelConfig) -> str:
    what = f"{' '.join(check.columns)} {check.expect.removeprefix('column_')} {_asked(check, config)}".strip()
    if "element_count" in numbers and "unexpected_count" in numbers:
        allowed = 1 - float(check.arguments.get("mostly", 1.0))
        limit = f"{allowed:.2%} allowed" if allowed else "0 allowed"
        return (
            f"{numbers['unexpected_count']:,} of {numbers['element_count']:,} fail {what}, {limit}"
        )
    observed = numbers.get("observed_value")
    shown = (
        observed
        if isinstance(observed, int | float | np.number) and not _is_private(check, config)
        else ""
    )
    return f"{what}{f': it is {shown:,.6g}' if shown != '' else ''}"


def _asked(check: Check, config: ModelConfig) -> str:
    """The arguments that say what is asked for; values of a private column's own are left out."""
    if _is_private(check, config):
        return ""
    named = {
        "min_value": "from",
        "max_value": "up to",
        "value": "",
        "value_set": "of",
        "regex": "",
        "type_": "",
    }
    return " ".join(
        f"{word} {check.arguments[name]}".strip()
        for name, word in named.items()
        if name in check.arguments
    )


def _is_private(check: Check, config: ModelConfig) -> bool:
    return bool({*check.columns, *condition_columns(check.arguments)} & set(config.data.private))
