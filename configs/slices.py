"""The `slices` section of a YAML: ways to cut the holdout into parts that are judged separately.

Not here: cutting the rows (tasks/comparison/parts.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from configs.data import unknown_column
from configs.problems import Problem
from configs.section import Column, Identifier, Number

if TYPE_CHECKING:
    from configs.model import ModelConfig

# How a column is cut: each value is a part, or the parts are bins with these inner edges
Cut = Literal["values"] | tuple[Number, ...]
Slices = dict[Identifier, dict[Column, Cut]]


def slice_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What is wrong with each slice, and what does not agree between it and `data`."""
    for name, columns in config.slices.items():
        if not columns:
            yield Problem(
                ("slices", name), "names no column; write COLUMN: values, or COLUMN: [50, 200]"
            )
        for column, cut in columns.items():
            location = ("slices", name, column)
            if column in config.data.private:
                yield Problem(
                    location, f"{column!r} is private: its values would appear in reports"
                )
            yield from unknown_column(config.data, column, location)
            if not _is_possible(cut):
                yield Problem(
                    location, "write the inner edges of bins in ascending order: [50, 200]"
                )
            dtype = config.data.raw.get(column, "float64")
            if cut != "values" and dtype not in ("int64", "float64"):
                yield Problem(
                    location, f"cuts {column!r}, {dtype}, into bins of numbers; write values"
                )


def _is_possible(cut: Cut) -> bool:
    if cut == "values":
        return True
    return bool(cut) and list(cut) == sorted(set(cut))
