"""Rows prepared as in production: the hook sees no target that nobody could know yet.

What a model is judged on must not shape its features. So the targets of judged rows are null while
the rows are prepared, and stand in them again afterwards. Where the YAML says after how many days
labels are known, the judged rows of each day are prepared with the labels that were known on it, as
rows are that are scored.
Not here: calling the hook (hooks.py); rows to score, whose targets are null as well (new_rows.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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

# a longer holdout is prepared several days at a time, with the labels known on the first of them
MOST_PASSES = 31
# the training days whose features are prepared again, with the labels that were known on them
DAYS_CHECKED = 3
# what floats may lose in another order of sums: of a column's spread, and of its largest number
OF_SPREAD, OF_LARGEST = 1e-6, 1e-12


@dataclass(frozen=True)
class Judged:
    """Which rows are judged, shape (n,); of rows split by time also the holdout's period."""

    mask: "pd.Series[bool]"
    period: Period | None = None


def prepare(
    config: ModelConfig, hooks: Hooks, raw: pd.DataFrame, window: Window | None
) -> pd.DataFrame:
    """The prepared rows of a training run; `raw` must hold all of its rows.

    HookFailed where the hook changes which rows are judged, or makes features of training rows from
    targets that were not known then.
    """
    period = Period(window.holdout_start, window.holdout_end) if window else None
    judged = Judged(splits.holdout_mask(config, raw, window), period)
    prepared = prepare_judged(config, hooks, raw, judged)
    _require_same_split(config, raw, prepared)
    if window and _shows_labels(config):
        training = Period(window.train_start, window.train_end)
        _require_known_labels(config, hooks, raw, prepared, judged, training)
    return prepared


def prepare_judged(
    config: ModelConfig, hooks: Hooks, raw: pd.DataFrame, judged: Judged
) -> pd.DataFrame:
    """The prepared rows, of which some are judged.

    HookFailed where the hook needs a target that is not known, or changes one.
    """
    target = config.data.raw_target
    if not config.data.prepare or target is None:
        return hooks_of_model.prepare(config, hooks, raw)
    unknown = judged.mask
    if judged.period:
        unknown = unknown | (raw[config.data.time] >= judged.period.start)
    prepared = _prepare_without(unknown, config, hooks, raw)
    if judged.period and _shows_labels(config):
        days = _prepared_days(config, hooks, raw, judged.mask, judged.period)
        prepared = pd.concat([prepared[~judged.mask], *days]).loc[raw.index]
    return prepared.assign(**{target: raw[target]})


def _require_same_split(config: ModelConfig, raw: pd.DataFrame, prepared: pd.DataFrame) -> None:
    """Raise HookFailed unless the rows are divided after `prepare` as they are before it."""
    split = config.split
    by = (config.data.key, config.data.time, split.group, getattr(split, "column", None))
    changed = [
        column
        for column in dict.fromkeys(by)
        if column
        and not (
            column in prepared
            and prepared[column].dtype == raw[column].dtype
            and _equal(prepared[column], raw[column])
        )
    ]
    if changed:
        raise HookFailed(
            f"hook {config.data.prepare} removed or changed {', '.join(changed)}, which identifies "
            "or splits the rows: other rows would be judged; write new values to another column"
        )


def _shows_labels(config: ModelConfig) -> bool:
    """Whether the hook may use targets of the holdout, once they are known."""
    data = config.data
    return bool(data.prepare and data.raw_target and data.labels_known_after_days is not None)


def _prepared_days(
    config: ModelConfig, hooks: Hooks, raw: pd.DataFrame, judged: "pd.Series[bool]", period: Period
) -> Iterator[pd.DataFrame]:
    """The judged rows of each day, prepared with the labels that were known on it."""
    times, days = raw[config.data.time], np.array(period.days)
    for some in np.array_split(days, min(len(days), MOST_PASSES)):
        of_days = judged & (times >= some[0]) & (times < some[-1] + ONE_DAY)
        if of_days.any():
            unknown = times >= _known_until(config, some[0])
            yield _prepare_without(unknown, config, hooks, raw)[of_days]


def _known_until(config: ModelConfig, day: datetime) -> datetime:
    """The instant up to which labels are known on a day, as rows are scored on it."""
    days = config.data.labels_known_after_days
    assert days is not None
    return days_before(day, days - 1)


def _prepare_without(
    unknown: "pd.Series[bool]", config: ModelConfig, hooks: Hooks, raw: pd.DataFrame
) -> pd.DataFrame:
    """The prepared rows, with null for each target that is unknown.

    HookFailed says whether it is the nulls that the hook does not take.
    """
    target = str(config.data.raw_target)
    shown = raw.assign(**{target: _hidden(raw[target], unknown)})
    try:
        prepared = hooks_of_model.prepare(config, hooks, shown)
    except HookFailed as failure:
        try:
            hooks_of_model.prepare(config, hooks, raw)
        except HookFailed:
            raise failure from failure.__cause__
        raise HookFailed(
            f"{failure}. It fails where {target} is null, "
            "as it is in rows that are judged or scored"
        ) from failure.__cause__
    if target in prepared and not _equal(prepared[target], shown[target]):
        raise HookFailed(
            f"hook {config.data.prepare} changed the target {target}; "
            "write the new values to another column, and name that as data.target"
        )
    return prepared


def _hidden(target: "pd.Series[Any]", unknown: "pd.Series[bool]") -> "pd.Series[Any]":
    """The target with a null where it is unknown, of the types in which rows are read."""
    if not unknown.any():
        return target
    if target.dtype.kind == "i":
        target = target.astype("Int64")
    elif target.dtype.kind == "b":
        target = target.astype("boolean")
    return target.mask(unknown)


def _require_known_labels(
    config: ModelConfig,
    hooks: Hooks,
    raw: pd.DataFrame,
    prepared: pd.DataFrame,
    judged: Judged,
    training: Period,
) -> None:
    """Raise HookFailed unless some training days have the features they would have had then.

    A feature must be the same one without the targets that were not known on its day.
    """
    times = raw[config.data.time]
    of_training = times[(times >= training.start) & (times < training.end)].dt.normalize()
    days = np.sort(of_training.unique())
    for place in np.unique(np.linspace(0, len(days) - 1, DAYS_CHECKED).astype(int)):
        day = pd.Timestamp(days[place])
        unknown = judged.mask | (times >= _known_until(config, day.to_pydatetime()))
        as_then = _prepare_without(unknown, config, hooks, raw)
        of_day = (of_training == day).reindex(raw.index, fill_value=False)
        features = [name for name in config.data.features if name in prepared and name in as_then]
        dependent = [
            name
            for name in features
            if not _equal(prepared.loc[of_day, name], as_then.loc[of_day, name])
        ]
        if dependent:
            _require_repeatable(config, hooks, raw, unknown, as_then)
            raise HookFailed(
                f"hook {config.data.prepare} made {', '.join(dependent)} from targets that were "
                f"not known yet; use only targets of {config.data.labels_known_after_days:,} or "
                "more days before (data.labels_known_after_days)"
            )


def _require_repeatable(
    config: ModelConfig,
    hooks: Hooks,
    raw: pd.DataFrame,
    unknown: "pd.Series[bool]",
    prepared: pd.DataFrame,
) -> None:
    """Raise HookFailed unless the same rows are prepared alike a second time."""
    repeated = _prepare_without(unknown, config, hooks, raw)
    random = [
        name
        for name in config.data.features
        if name in prepared and not _equal(prepared[name], repeated[name])
    ]
    if random:
        raise HookFailed(
            f"hook {config.data.prepare} returns other values of {', '.join(random)} on each "
            "call; seed its random generator"
        )


def _equal(first: "pd.Series[Any]", second: "pd.Series[Any]") -> bool:
    """Whether both hold the same values, but for what floats lose in another order of sums."""
    if pd.api.types.is_float_dtype(first) and pd.api.types.is_float_dtype(second):
        numbers = first.to_numpy("float64", na_value=np.nan)
        finite = numbers[np.isfinite(numbers)]
        tolerance = 0.0
        if len(finite):
            tolerance = OF_SPREAD * float(np.std(finite)) + OF_LARGEST * float(np.abs(finite).max())
        others = second.to_numpy("float64", na_value=np.nan)
        return bool(np.isclose(numbers, others, rtol=0, atol=tolerance, equal_nan=True).all())
    same = (first == second) | (first.isna() & second.isna())
    return bool(same.fillna(False).all())
