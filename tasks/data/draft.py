"""A first YAML of a model, drafted from files of its rows, for a person to read and correct.

Not here: what the columns are (column_guess.py) and mean (role_guess.py); the checks in it
(suggestion.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from configs.built_in_metrics import Kind
from configs.data import Data
from configs.dtypes import Dtype
from configs.errors import DataRejected, UsageError
from configs.model import ModelConfig
from configs.source import CSV_ENDING, DATA_FOLDER, FilesSource
from tasks.data import column_guess, file_rows, files
from tasks.data.declared_types import to_frame
from tasks.data.role_guess import (
    Sample,
    guess_features,
    guess_key,
    guess_kind,
    guess_positive,
    guess_target,
    guess_time,
)
from tasks.data.suggestion import suggest

FEWEST_DAYS = 10
HOLDOUT_SHARE = 0.2

# in the order of the shipped models
KEYS = (
    *("name", "description", "owner", "kind", "data", "split", "checks", "train"),
    *("metrics", "gate"),
)
METRICS: dict[Kind, list[str]] = {
    "binary": ["average_precision", "roc_auc", "log_loss"],
    "multiclass": ["accuracy", "f1_macro", "log_loss"],
    "regression": ["root_mean_squared_error", "mean_absolute_error", "r2"],
}
ESTIMATORS: dict[Kind, str] = {
    "binary": "sklearn.ensemble.HistGradientBoostingClassifier",
    "multiclass": "sklearn.ensemble.HistGradientBoostingClassifier",
    "regression": "sklearn.ensemble.HistGradientBoostingRegressor",
}


@dataclass(frozen=True)
class Draft:
    """The document of a YAML, and what a person should know who reads it."""

    document: dict[str, Any]
    notes: list[str]


def draft(name: str, pattern: str, root: Path, owner: str, target: str | None = None) -> Draft:
    """A model called `name` of the files that match a glob, with checks that their rows pass.

    Raise DataRejected where the files cannot be read, UsageError where `target` is no column.
    """
    path = _path(pattern, root)
    sample = _sample(path, root)
    target = guess_target(sample, target)
    kind = guess_kind(sample, target)
    data = _data(sample, path, kind, target)
    document: dict[str, Any] = {
        "name": name,
        "description": f"Prediction of {target}",
        "owner": owner,
        "kind": kind,
        "data": data,
        "split": _split(sample, data),
        "train": _train(sample, kind, data["features"]),
        "metrics": METRICS[kind],
        "gate": [
            {"metric": METRICS[kind][0], "better_than": "baseline"},
            {"metric": METRICS[kind][0], "not_worse_than": "champion", "by": "5%"},
        ],
    }
    sample.notes.append("the gate asks only for more than a baseline: say what you need at least")
    document["checks"] = suggest(sample.rows, ModelConfig.model_validate(document))
    return Draft({key: document[key] for key in KEYS}, sample.notes)


def _path(pattern: str, root: Path) -> str:
    """The glob as a YAML has it: below the data folder if it is there.

    UsageError where it names no files that can be read.
    """
    if not re.search(rf"\.parquet$|{CSV_ENDING}", pattern):
        example = f"{pattern.rstrip('/')}/*.parquet"
        raise UsageError(
            f"{pattern} names no Parquet or CSV files; to read those of a folder, write a glob "
            f"in quotes: '{example}'"
        )
    if "://" in pattern:
        return pattern
    path = Path(pattern).expanduser().absolute()
    return f"{DATA_FOLDER}/{path.relative_to(root)}" if path.is_relative_to(root) else str(path)


def _sample(path: str, root: Path) -> Sample:
    source = FilesSource(kind="files", path=path)
    source_files = files.find(source, root)
    guess = column_guess.guess(source_files)
    if not guess.columns:
        raise DataRejected(f"{path} has no column of a type that can be declared")
    source = source.model_copy(update={"csv": guess.csv})
    # what is the target or a feature does not matter yet
    any_column = next(iter(guess.columns))
    data = Data(source=source, columns=guess.columns, target=any_column, features=(any_column,))
    rows = to_frame(pa.concat_tables([file_rows.read(file, data) for file in source_files]))
    if rows.empty:
        raise DataRejected(f"{path} has no rows; choose a file that has some")
    sample = Sample(source_files, guess, rows)
    useless = {name: why for name in guess.columns if (why := sample.why_useless(name))}
    sample.notes += [
        f"{name} is left out: it {why}" for name, why in (guess.left_out | useless).items()
    ]
    return sample


def _data(sample: Sample, path: str, kind: Kind, target: str) -> dict[str, Any]:
    columns = dict(sample.columns)
    if kind != "regression" and columns[target] == "float64":
        columns[target] = "int64"
    form = sample.guess.csv.model_dump(exclude_defaults=True)
    source = {"kind": "files", "path": path} | ({"csv": form} if form else {})
    data: dict[str, Any] = {"source": source, "columns": columns}
    key = guess_key(sample, target)
    time = guess_time(sample)
    if key:
        data["key"] = key
        sample.notes.append(f"key {key} is a guess: its values are unique in these rows")
    if time:
        data["time"] = time
        sample.notes.append(f"time {time} is a guess: is it known when the prediction is made?")
    data["target"] = target
    nulls = int(sample.rows[target].isna().sum())
    if nulls:
        data["drop_nulls"] = [target]
        sample.notes.append(f"{nulls:,} rows have no {target} and are left out (drop_nulls)")
    if kind == "binary":
        data |= guess_positive(sample, target)
    data["features"] = guess_features(sample, {key, time, target})
    return data


def _split(sample: Sample, data: dict[str, Any]) -> dict[str, Any]:
    """By time where there are enough days, else by hash."""
    by_hash = {"by": "hash", "holdout": HOLDOUT_SHARE}
    if "time" not in data:
        return by_hash
    times = sample.rows[data["time"]]
    days = (times.max().normalize() - times.min().normalize()).days + 1
    dated = {file.day for file in sample.files}
    if days < FEWEST_DAYS or (None not in dated and len(dated) < days):
        return by_hash
    holdout = max(1, round(days * HOLDOUT_SHARE))
    begin = times.max().normalize() - pd.Timedelta(days=holdout - 1)
    target = sample.rows[data["target"]]
    if min(target[times < begin].nunique(), target[times >= begin].nunique()) < 2:
        return by_hash
    return {"by": "time", "train_days": days - holdout, "delay_days": 0, "holdout_days": holdout}


def _train(sample: Sample, kind: Kind, features: Sequence[str]) -> dict[str, Any]:
    encodings: dict[Dtype, str] = {"string": "one_hot", "datetime": "date_parts"}
    preprocess = []
    for declared, encode in encodings.items():
        columns = [name for name in features if sample.columns[name] == declared]
        if columns:
            preprocess.append({"columns": columns, "encode": encode})
    train: dict[str, Any] = {"estimator": ESTIMATORS[kind]}
    return train | ({"preprocess": preprocess} if preprocess else {})
