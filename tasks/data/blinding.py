"""Rows prepared as in production: the hook sees no target that nobody could know yet.

What a model is judged on must not shape its features. So the targets of judged rows are null while
the rows are prepared, and stand in them again afterwards. Where the YAML says after how many days
labels are known, only the newest are null, and no feature may depend on one that was not known when
its own row was made.
Not here: calling the hook (hooks.py); rows to score, whose targets are null as well (new_rows.py).
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from configs.errors import HookFailed
from configs.model import ModelConfig
from tasks.data import hooks as hooks_of_model
from tasks.data import splits
from tasks.data.hooks import Hooks
from tasks.data.period import ONE_DAY, Period, days_before
from tasks.records import Window

SEED = 0


@dataclass(frozen=True)
class Judged:
    """Which rows are judged, shape (n,); of rows split by time also the holdout's period."""

    mask: "pd.Series[bool]"
    period: Period | None = None


def prepare(
    config: ModelConfig, hooks: Hooks, raw: pd.DataFrame, window: Window | None
) -> pd.DataFrame:
    """The prepared rows of a training run; `raw` must hold all of its rows."""
    period = Period(window.holdout_start, window.holdout_end) if window else None
    return prepare_judged(
        config, hooks, raw, Judged(splits.holdout_mask(config, raw, window), period)
    )


def prepare_judged(
    config: ModelConfig, hooks: Hooks, raw: pd.DataFrame, judged: Judged
) -> pd.DataFrame:
    """The prepared rows, of which some are judged.

    HookFailed where the hook needs a target that is not known, or changes one.
    """
    target = config.data.raw_target
    if not config.data.prepare or target is None:
        return hooks_of_model.prepare(config, hooks, raw)
    unknown = _unknown(config, raw, judged)
    shown = raw.assign(**{target: _hidden(raw[target], unknown)})
    prepared = _prepare_with_nulls(config, hooks, shown, raw)
    if target in prepared and not _equal(prepared[target], shown[target]):
        raise HookFailed(
            f"hook {config.data.prepare} changed the target {target}; "
            "write the new values to another column, and name that as data.target"
        )
    days = config.data.labels_known_after_days
    if days is not None and judged.period:
        _require_known_labels(config, hooks, shown, prepared, judged.period, days)
    return prepared.assign(**{target: raw[target]})


def _unknown(config: ModelConfig, raw: pd.DataFrame, judged: Judged) -> "pd.Series[bool]":
    """The rows whose target is not known when the last judged row is made."""
    if judged.period is None:
        return judged.mask
    days = config.data.labels_known_after_days
    times = raw[config.data.time]
    if days is None:
        return judged.mask | (times >= judged.period.start)
    return times >= days_before(judged.period.end, days)


def _hidden(target: "pd.Series[Any]", unknown: "pd.Series[bool]") -> "pd.Series[Any]":
    """The target with a null where it is unknown, of the types in which rows are read."""
    if not unknown.any():
        return target
    if target.dtype.kind == "i":
        target = target.astype("Int64")
    elif target.dtype.kind == "b":
        target = target.astype("boolean")
    return target.mask(unknown)


def _prepare_with_nulls(
    config: ModelConfig, hooks: Hooks, shown: pd.DataFrame, raw: pd.DataFrame
) -> pd.DataFrame:
    """The prepared rows; HookFailed says whether it is the nulls that the hook does not take."""
    try:
        return hooks_of_model.prepare(config, hooks, shown)
    except HookFailed as failure:
        try:
            hooks_of_model.prepare(config, hooks, raw)
        except HookFailed:
            raise failure from failure.__cause__
        raise HookFailed(
            f"{failure}. It fails where {config.data.target} is null, "
            "as it is in rows that are judged or scored"
        ) from failure.__cause__


def _require_known_labels(
    config: ModelConfig,
    hooks: Hooks,
    shown: pd.DataFrame,
    prepared: pd.DataFrame,
    holdout: Period,
    days: int,
) -> None:
    """Prepare again with other labels from `days` before the middle of the holdout on.

    HookFailed where a feature of a row before the middle is another one.
    """
    middle = holdout.start + timedelta(days=math.ceil((holdout.end - holdout.start) / ONE_DAY / 2))
    times, target = shown[config.data.time], str(config.data.raw_target)
    is_earlier = times < middle
    changed = _other_values(shown[target], times >= days_before(middle, days))
    again = hooks_of_model.prepare(config, hooks, shown.assign(**{target: changed}))
    dependent = [
        name
        for name in config.data.features
        if not _equal(prepared.loc[is_earlier, name], again.loc[is_earlier, name])
    ]
    if dependent:
        raise HookFailed(
            f"hook {config.data.prepare} made {', '.join(dependent)} from targets that were not "
            f"known yet: labels are known after {days:,} days (data.labels_known_after_days)"
        )


def _other_values(target: "pd.Series[Any]", chosen: "pd.Series[bool]") -> "pd.Series[Any]":
    """The target with a random one of its values in the chosen rows."""
    values = target.dropna().unique()
    drawn = np.random.default_rng(SEED).integers(len(values), size=len(target))
    return target.where(~chosen, pd.Series(values[drawn], index=target.index))


def _equal(first: "pd.Series[Any]", second: "pd.Series[Any]") -> bool:
    """Whether both hold the same values, but for what floats lose in another order of sums."""
    if pd.api.types.is_float_dtype(first) and pd.api.types.is_float_dtype(second):
        return bool(np.isclose(first, second, rtol=1e-9, equal_nan=True).all())
    same = (first == second) | (first.isna() & second.isna())
    return bool(same.fillna(False).all())
