"""One chunk of rows scored: prepared by the version's own hook, checked, and made into a table.

Not here: which chunks there are (tasks/data/new_rows.py); where the tables go (partitions.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature, validate_schema

from configs.errors import ConfigError, DataRejected, RatchetError, UsageError
from configs.model import ModelConfig
from tasks.data import digests
from tasks.data.declared_types import ARROW_TYPES
from tasks.data.hooks import Hooks, prepare
from tasks.data.new_rows import Chunk
from tasks.data.selection import select
from tasks.foreign_errors import reason
from tasks.model.scores import as_table, decisions
from tasks.scoring.summary import Summary, summarise
from tasks.tracking import versions
from tasks.tracking.versions import Scorer, VersionScores


@dataclass(frozen=True)
class Stamp:
    """What is the same in all rows of a job: which version scored them, in which run, and when."""

    model_version: int
    run: str
    scored_at: datetime


@dataclass(frozen=True)
class OpenVersion:
    """A version that is loaded: it prepares and scores rows, as often as it is asked."""

    name: str
    config: ModelConfig
    hooks: Hooks
    model_signature: ModelSignature
    scorer: Scorer

    def score(self, chunk: Chunk, stamp: Stamp) -> tuple[pa.Table | None, Summary]:
        """The chunk's new rows with their scores, and their summary; no table where there are none.

        DataRejected for rows that the model signature or the model refuses.
        """
        raw, mask, _ = select(self.config, chunk.raw, labelled=False)
        is_new = chunk.is_new[mask]
        _require_identified(self.config, raw[is_new])
        if not is_new.any():
            return None, Summary(left_out=int(chunk.is_new.sum()))
        rows = _complete_rows(self.config, prepare(self.config, self.hooks, raw)[is_new])
        left_out = int(chunk.is_new.sum()) - len(rows)
        if rows.empty:
            return None, Summary(left_out=left_out)
        features = rows[list(self.config.data.features)]
        scored = self._score(rows, features)
        decided = _decisions(self.config, scored)
        given = digests.of_rows(rows[[self.config.data.key]].join(features))
        table = _table(self.config, rows, scored, decided, stamp)
        return table, summarise(_one_score(scored), decided, left_out, given)

    def _score(self, rows: pd.DataFrame, features: pd.DataFrame) -> VersionScores:
        try:
            validate_schema(features, self.model_signature.inputs)
            scored = self.scorer(rows)
        except (MlflowException, ConfigError) as error:
            raise DataRejected(
                f"{self.name} cannot score these rows: {_reason(self.config, features, error)}"
            ) from error.__cause__
        if not np.isfinite(np.asarray(scored.scores, dtype="float64")).all():
            raise DataRejected(f"{self.name} gives some rows a score that is not a number")
        return scored


def open_version(name: str, config: ModelConfig, hooks: Hooks, files: Path) -> OpenVersion:
    """The version in these verified model files, which must stay while it scores.

    UsageError where its key or time has the name of a column that is written beside them.
    """
    ours = {"score", "prediction", "decision", "model_version", "run", "scored_at"}
    if taken := ours & {config.data.key, config.data.time}:
        raise UsageError(
            f"the column {taken.pop()} of {name} has the name of a column of its scores; "
            "rename it, and train again"
        )
    model_signature = Model.load(str(files)).signature
    return OpenVersion(name, config, hooks, model_signature, versions.scorer(config, files))


def _require_identified(config: ModelConfig, rows: pd.DataFrame) -> None:
    """Return if each new row has a key of its own, and a time where rows have one."""
    for name in (config.data.key, config.data.time):
        unknown = int(rows[name].isna().sum()) if name else 0
        if unknown:
            raise DataRejected(
                f"{unknown:,} of {len(rows):,} new rows have no {name}; fix them in the source"
            )
    shared = int(rows[config.data.key].duplicated(keep=False).sum())
    if shared:
        raise DataRejected(
            f"{shared:,} of {len(rows):,} new rows share their {config.data.key} with another; "
            "leave the copies out of the source"
        )


def _complete_rows(config: ModelConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows but those that the model was never trained or judged on; the target is unknown."""
    columns = [name for name in config.data.drop_nulls if name != config.data.target]
    missing = [name for name in (*columns, *config.data.features) if name not in rows]
    if missing:
        raise DataRejected(
            f"hook {config.data.prepare} made no column {', '.join(missing)} of the new rows; "
            "it must make the same columns when the target is null"
        )
    return rows.dropna(subset=columns)


def _reason(config: ModelConfig, features: pd.DataFrame, error: Exception) -> str:
    """Why the rows are refused, and what to do about them."""
    nulls = features.isna().sum()
    if nulls.any():
        counts = [f"{count:,} have no {name}" for name, count in nulls[nulls > 0].items()]
        return (
            f"of {len(features):,}, {', '.join(counts)}; give them their values, "
            "or train a model that takes nulls, or that leaves them out (data.drop_nulls)"
        )
    if isinstance(error, RatchetError):
        text = str(error)
    else:
        text = reason(error, config.data.private_inputs)
    return f"{text.rstrip('.')}; fix the rows, or train again on rows like these"


def _decisions(config: ModelConfig, scored: VersionScores) -> "pd.Series[Any] | None":
    """The answers at the stored threshold; None for a number, which needs no decision."""
    if config.kind == "regression":
        return None
    return decisions(config, scored.scores, scored.threshold)


def _one_score(scored: VersionScores) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """One number for each row: of several classes, the score of the likeliest."""
    scores = scored.scores
    one = scores.max(axis="columns") if isinstance(scores, pd.DataFrame) else scores
    return one.to_numpy(dtype="float64")


def _type_of_decisions(config: ModelConfig) -> pa.DataType | None:
    """The type of a class; None, which is what its values say, where `prepare` makes the target."""
    if config.kind == "binary":
        return pa.int64()
    target = config.data.raw_target
    return ARROW_TYPES[config.data.raw[target]] if target else None


def _table(
    config: ModelConfig,
    rows: pd.DataFrame,
    scored: VersionScores,
    decided: "pd.Series[Any] | None",
    stamp: Stamp,
) -> pa.Table:
    data = config.data
    columns = {
        name: pa.array(rows[name], ARROW_TYPES[data.raw[name]], from_pandas=True)
        for name in dict.fromkeys((data.key, data.time))
        if name
    }
    for name, values in as_table(scored.scores).items():
        columns[str(name)] = pa.array(values, pa.float64())
    if decided is not None:
        columns["decision"] = pa.array(decided, _type_of_decisions(config))
    same: Sequence[tuple[str, pa.Scalar]] = (
        ("model_version", pa.scalar(stamp.model_version)),
        ("run", pa.scalar(stamp.run)),
        ("scored_at", pa.scalar(stamp.scored_at, pa.timestamp("us"))),
    )
    columns |= {name: pa.repeat(value, len(rows)) for name, value in same}
    return pa.table(columns)
