"""Validation: the outcome of every check on the rows of one stage, and the refusal if one fails.

Structure comes first (structure.py), then the checks of the YAML. Not here: how Great
Expectations computes them (expectations.py); what they may say (configs/expectations.py).
"""

from collections.abc import Sequence

import pandas as pd

from configs.checks import Check
from configs.errors import DataRejected, RatchetError
from configs.expectations import condition_columns
from configs.model import ModelConfig
from tasks.data import expectations, structure
from tasks.data.expectations import ExpectationResult
from tasks.records import CheckOutcome, ValidationReport, Window
from tasks.records import Stage as Stage

# the arguments that say what is required, in the order in which they are shown
SHOWN_ARGUMENTS = ("min_value", "max_value", "value", "value_set", "regex", "type_")


def validate(
    rows: pd.DataFrame,
    config: ModelConfig,
    window: Window | None,
    stage: Stage,
    selection: Sequence[CheckOutcome] = (),
) -> ValidationReport:
    """The outcome of every check of this stage, in the order of the YAML.

    Before them stand those of the `selection` of the rows.

    Where the structure of the rows is broken, no declared check is run on them. Features are
    checked from the first training day on: before it, `prepare` lacks the history that it needs.
    """
    if stage == "features":
        rows = _from_training_on(rows, config, window)
    if stage == "raw":
        outcomes = (*selection, *structure.check_raw(rows, config, window))
    else:
        outcomes = structure.check_features(rows, config)
    if all(outcome.passed or outcome.severity != "critical" for outcome in outcomes):
        outcomes += check_expectations(rows, checks_of(config, stage), config)
    if not outcomes:
        raise RatchetError(f"no check was run on the {stage} rows, so nothing is known of them")
    return ValidationReport(stage, len(rows), outcomes)


def _from_training_on(
    rows: pd.DataFrame, config: ModelConfig, window: Window | None
) -> pd.DataFrame:
    if window is None or config.data.time not in rows:
        return rows
    return rows[rows[config.data.time] >= window.train_start]


def require_passed(
    report: ValidationReport, config: ModelConfig, window: Window | None, page: str = ""
) -> None:
    """Raise DataRejected if a critical check failed.

    Its message has a line for each check that failed, with counts and first keys, and the address
    of the report's page if there is one.
    """
    if not report.critical:
        return
    days = ""
    if window:
        days = f" of {window.history_start:%Y-%m-%d} .. {window.holdout_end:%Y-%m-%d}"
    failures = "\n".join(f"  {outcome}" for outcome in report.failures)
    address = f" Report: {page}" if page else ""
    raise DataRejected(
        f"the data{days} fail the checks of {config.name}:\n{failures}\n"
        f"Fix the data or the checks. Nothing was trained, nothing registered.{address}"
    )


def checks_of(config: ModelConfig, stage: Stage) -> tuple[Check, ...]:
    """The declared checks of a stage: `raw` if all their columns are raw, else `features`."""
    raw_columns = set(config.data.raw)
    wants_raw = stage == "raw"
    return tuple(
        check for check in config.checks if (_columns_of(check) <= raw_columns) == wants_raw
    )


def check_expectations(
    rows: pd.DataFrame, checks: Sequence[Check], config: ModelConfig
) -> tuple[CheckOutcome, ...]:
    """The outcome of each declared check, in their order."""
    if not checks:
        return ()
    results = expectations.compute(rows, checks)
    return tuple(_outcome_of(rows, check, results[check.id], config) for check in checks)


def _outcome_of(
    rows: pd.DataFrame, check: Check, result: ExpectationResult, config: ModelConfig
) -> CheckOutcome:
    if result.error:
        error = result.error
        if _is_private(check, config):
            error = "the reason may quote a private column, and is left out"
        sentence = f"could not be computed: {error}"
        return CheckOutcome(check.id, "critical", False, sentence, len(rows))
    if result.nothing_checked:
        sentence = "no row meets its row_condition: nothing was checked"
        return CheckOutcome(check.id, check.severity, False, sentence, len(rows), failed_rows=0)
    return CheckOutcome(
        check.id,
        check.severity,
        passed=result.success,
        sentence=_sentence_of(check, result, config),
        rows=len(rows),
        failed_rows=result.failed_rows,
        first_keys=_first_keys(rows, result, config),
    )


def _first_keys(
    rows: pd.DataFrame, result: ExpectationResult, config: ModelConfig
) -> tuple[str, ...]:
    """Keys of the first rows that failed; none where the check passed or the key is private."""
    key = config.data.key
    if result.success or key in config.data.private:
        return ()
    return tuple(str(rows.at[label, key]) for label in result.first_labels)


def _sentence_of(check: Check, result: ExpectationResult, config: ModelConfig) -> str:
    """What was found, as in: 5 of 40 rows fail column_values_to_be_unique(id), 0 allowed."""
    requirement = f"{check.expect}({', '.join(_shown_arguments(check, config))})"
    if result.failed_rows is not None:
        allowed = 1 - float(check.arguments.get("mostly", 1.0))
        limit = f"{allowed:.2%}" if allowed else "0"
        counts = f"{result.failed_rows:,} of {result.checked_rows:,} rows"
        return f"{counts} fail {requirement}, {limit} allowed"
    if result.observed is not None and not _is_private(check, config):
        return f"{requirement}: it is {result.observed:,.6g}"
    return requirement


def _shown_arguments(check: Check, config: ModelConfig) -> list[str]:
    """The check's columns, and what is required of them unless a column is private."""
    if _is_private(check, config):
        return list(check.columns)
    arguments = check.arguments
    required = [f"{name}={arguments[name]}" for name in SHOWN_ARGUMENTS if name in arguments]
    return [*check.columns, *required]


def _is_private(check: Check, config: ModelConfig) -> bool:
    return bool(_columns_of(check) & set(config.data.private))


def _columns_of(check: Check) -> set[str]:
    """The columns that a check reads, in its row_condition too."""
    return {*check.columns, *condition_columns(check.arguments)}
