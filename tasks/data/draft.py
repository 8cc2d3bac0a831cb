"""A first YAML of a model, drafted from files of its rows, for a person to read and correct.

Not here: what the columns are (column_guess.py); the checks in it (suggestion.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from configs.built_in_metrics import Kind
from configs.data import Data, Dtype
from configs.errors import DataRejected, UsageError
from configs.model import ModelConfig
from configs.problems import nearest
from configs.source import DATA_FOLDER, FilesSource
from tasks.data import column_guess, file_rows, files
from tasks.data.column_guess import Guess
from tasks.data.declared_types import to_frame
from tasks.data.files import File
from tasks.data.suggestion import suggest

TARGET_NAMES = ("target", "label", "class", "outcome", "y")
# a target of more whole numbers or texts is not one of classes; a text of more is not a category
MOST_CLASSES, MOST_CATEGORIES = 20, 50
FEWEST_DAYS = 10
HOLDOUT_SHARE = 0.2

# in the order of the shipped models
KEYS = (
    *("name", "description", "owner", "kind", "data", "split", "checks", "train"),
    *("metrics", "gate"),
)
METRICS: dict[Kind, list[str]] = {
    "binary": ["average_precision", "roc_auc", "log_loss"],
    "multiclass": ["f1_macro", "accuracy", "log_loss"],
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


@dataclass
class Sample:
    """The rows of some files, and what their columns probably mean."""

    files: Sequence[File]
    guess: Guess
    rows: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, Dtype]:
        """The columns that a model can use, with their types."""
        return {
            name: declared
            for name, declared in self.guess.columns.items()
            if not self.why_useless(name)
        }

    def why_useless(self, name: str) -> str:
        """Why the checks that hold for any model would refuse the column; empty if they do not."""
        column = self.rows[name]
        if column.isna().all():
            return "is null in all rows"
        if self.guess.columns[name] == "float64" and np.isinf(column).any():
            return "holds infinite numbers"
        return ""


def draft(name: str, pattern: str, root: Path, owner: str, target: str | None = None) -> Draft:
    """A model called `name` of the files that match a glob, with checks that their rows pass.

    Raise DataRejected where the files cannot be read, UsageError where `target` is no column.
    """
    path = _path(pattern, root)
    sample = _sample(path, root)
    target = _target(sample, target)
    kind = _kind(sample, target)
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
        "gate": [{"metric": METRICS[kind][0], "not_worse_than": "champion", "by": "5%"}],
    }
    document["checks"] = suggest(sample.rows, ModelConfig.model_validate(document))
    return Draft({key: document[key] for key in KEYS}, sample.notes)


def _path(pattern: str, root: Path) -> str:
    """The glob as a YAML has it: below the data folder if it is there."""
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


def _target(sample: Sample, wished: str | None) -> str:
    columns = sample.columns
    if wished is not None and wished not in columns:
        raise UsageError(f"--target: there is no column {wished!r}; {nearest(wished, columns)}")
    fit = [name for name in columns if _can_be_target(sample, name)]
    named = [name for name in fit if name.lower() in TARGET_NAMES]
    if not wished and not fit:
        raise UsageError("no column looks like a target; name the one to predict with --target")
    target = wished or (named or fit)[-1]
    if not wished:
        sample.notes.append(
            f"target {target} is a guess: say which column to predict with --target"
        )
    nulls = int(sample.rows[target].isna().sum())
    if nulls:
        raise UsageError(
            f"the target {target} is null in {nulls:,} rows; remove those rows, or choose another "
            "column with --target"
        )
    return target


def _can_be_target(sample: Sample, name: str) -> bool:
    """Whether a column is one of numbers, or of few texts, none of them null."""
    column, declared = sample.rows[name], sample.columns[name]
    is_class_or_number = declared != "string" or column.nunique() <= MOST_CLASSES
    return (
        declared != "datetime"
        and is_class_or_number
        and column.nunique() > 1
        and bool(column.notna().all())
    )


def _kind(sample: Sample, target: str) -> Kind:
    values = sample.rows[target]
    declared = sample.columns[target]
    if declared == "datetime":
        raise UsageError(f"--target: {target} is a time; a model predicts a class or a number")
    distinct = values.nunique()
    if distinct < 2:
        raise UsageError(f"the target {target} is the same in all rows; choose another column")
    is_whole = declared != "float64" or bool((values % 1 == 0).all())
    if distinct == 2 and is_whole:
        return "binary"
    if declared == "string" or (is_whole and distinct <= MOST_CLASSES):
        return "multiclass"
    return "regression"


def _data(sample: Sample, path: str, kind: Kind, target: str) -> dict[str, Any]:
    columns = dict(sample.columns)
    if kind != "regression" and columns[target] == "float64":
        columns[target] = "int64"
    form = sample.guess.csv.model_dump(exclude_defaults=True)
    source = {"kind": "files", "path": path} | ({"csv": form} if form else {})
    data: dict[str, Any] = {"source": source, "columns": columns}
    key = _key(sample, target)
    time = _time(sample)
    if key:
        data["key"] = key
        sample.notes.append(f"key {key} is a guess: its values are unique in these rows")
    if time:
        data["time"] = time
        sample.notes.append(f"time {time} is a guess: is it known when the prediction is made?")
    data["target"] = target
    if kind == "binary":
        data |= _positive(sample, target)
    data["features"] = _features(sample, {key, time, target})
    return data


def _key(sample: Sample, target: str) -> str | None:
    """A column of unique whole numbers or texts whose name says that it identifies a row."""
    for name, declared in sample.columns.items():
        is_name = name.lower() in ("id", "key", "uuid") or name.lower().endswith(
            ("_id", "id", "key")
        )
        if is_name and name != target and declared in ("int64", "string"):
            column = sample.rows[name]
            if column.notna().all() and column.is_unique:
                return name
    return None


def _time(sample: Sample) -> str | None:
    """The first column of times without nulls, none of which is in the future."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for name, declared in sample.columns.items():
        if declared == "datetime":
            times = sample.rows[name]
            if times.notna().all() and times.max() <= now:
                return name
    return None


def _positive(sample: Sample, target: str) -> dict[str, Any]:
    """The class to find, where it is not 1: true, or the rarer one."""
    counts = sample.rows[target].value_counts()
    values = set(counts.index)
    if values == {0, 1} and sample.columns[target] != "bool":
        return {}
    positive: Any = counts.index[-1]
    if sample.columns[target] == "bool":
        positive = True
    elif not isinstance(positive, str):
        positive = int(positive)
    sample.notes.append(f"positive {positive!r} is a guess: the class to find")
    return {"positive": positive}


def _features(sample: Sample, roles: set[str | None]) -> list[str]:
    features = []
    for name, declared in sample.columns.items():
        if name in roles:
            continue
        if declared == "string" and sample.rows[name].nunique() > MOST_CATEGORIES:
            sample.notes.append(
                f"{name} is no feature: it has {sample.rows[name].nunique():,} different texts; "
                "encode: counts would use the words in it"
            )
            continue
        features.append(name)
    if not features:
        raise UsageError("no column is left from which the target could be predicted")
    return features


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
