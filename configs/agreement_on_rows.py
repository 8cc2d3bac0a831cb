"""What `data` and `split` may each say but not together: columns that are not declared, a target of the wrong type, a split without its column.

Not here: the other parts (agreement.py).
"""

from collections.abc import Iterator

from configs import source
from configs.problems import Problem, nearest
from configs.rows import ROW, ColumnSplit, PythonSource, TimeSplit
from configs.schema import ModelConfig


def disagreements_on_rows(config: ModelConfig) -> Iterator[Problem]:
    """Those of `data`, then those of `split`."""
    yield from _data_problems(config)
    yield from _split_problems(config)


def _data_problems(config: ModelConfig) -> Iterator[Problem]:
    data = config.data
    for role in ("key", "time", "target"):
        if (column := getattr(data, role)) is not None and column not in data.raw:
            yield Problem(("data", role), f"{column!r} is not declared; {nearest(column, data.raw)}")
    if ROW in data.columns and data.key != ROW:
        yield Problem(("data", "columns", ROW), "is the name of the key that is made where there is none; rename this column")
    if data.time and data.columns.get(data.time, "datetime") != "datetime":
        yield Problem(
            ("data", "columns", data.time),
            f"holds the time of a row and must be datetime, not {data.columns[data.time]}",
        )
    yield from _target_problems(config)
    for index, column in enumerate(data.private):
        if column not in data.raw:
            yield Problem(("data", "private", index), f"{column!r} is not declared; {nearest(column, data.raw)}")
    for index, column in enumerate(data.drop_nulls):
        if column not in data.raw and not data.prepare:
            yield Problem(("data", "drop_nulls", index), f"{column!r} is not declared; {nearest(column, data.raw)}")
    for index, feature in enumerate(data.features):
        if feature in (data.target, data.key):
            role = "target" if feature == data.target else "key"
            yield Problem(("data", "features", index), f"{feature!r} is the {role}: a model must not see it")
        elif feature in data.features[:index]:
            yield Problem(("data", "features", index), f"{feature!r} stands there twice")
        elif not data.prepare and feature not in data.raw:
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is not declared and no prepare computes it; {nearest(feature, data.raw)}",
            )
    if isinstance(data.source, PythonSource):
        module, _, name = data.source.function.rpartition(".")
        if name not in (known := source.names_in(module)):
            yield Problem(("data", "source", "function"), f"{data.source.function!r} cannot be imported; {nearest(name, known)}")


def _target_problems(config: ModelConfig) -> Iterator[Problem]:
    """Which types a target may have, and which of a binary one's values is the one to find."""
    target, dtype = config.data.target, config.data.columns.get(config.data.target)
    allowed = {"binary": ("int64", "bool", "string"), "multiclass": ("int64", "string"), "regression": ("int64", "float64")}
    if dtype and dtype not in allowed[config.kind]:
        yield Problem(
            ("data", "columns", target),
            f"is the target of a {config.kind} model and must be {' or '.join(allowed[config.kind])}, not {dtype}",
        )
    elif config.kind == "binary" and dtype and isinstance(config.data.positive, str) != (dtype == "string"):
        yield Problem(
            ("data", "positive"), f"{config.data.positive!r} cannot be a value of {target}, {dtype}: name the class to find"
        )


def _split_problems(config: ModelConfig) -> Iterator[Problem]:
    data, split = config.data, config.split
    if isinstance(split, TimeSplit):
        if data.time is None:
            yield Problem(("data", "time"), "is missing: split by time needs the column of a row's time")
        return
    if data.history_days:
        yield Problem(("data", "history_days"), "counts days before the training window, and this split has none; leave it out")
    for name in ("column", "group"):
        if (column := getattr(split, name, None)) and column not in data.raw:
            yield Problem(("split", name), f"{column!r} is not declared; {nearest(column, data.raw)}")
    if isinstance(split, ColumnSplit) and split.column in data.features:
        yield Problem(("split", "column"), f"{split.column!r} is a feature: it would tell a row's part to the model")
