"""The parts of the holdout on which a rule is judged: all rows, or those that a slice cuts them into.

Not here: what is measured on them (sampling.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.model import ModelConfig


@dataclass(frozen=True)
class Part:
    """Some rows of the holdout, and what they have in common; all rows have no name."""

    name: str
    mask: NDArray[np.bool_]


def whole(rows: pd.DataFrame) -> Part:
    return Part("", np.full(len(rows), True))


def parts_of(config: ModelConfig, rows: pd.DataFrame, slice_name: str | None) -> list[Part]:
    """The parts of a slice in the order of their names; all rows as one, without a slice."""
    if slice_name is None:
        return [whole(rows)]
    columns = config.slices[slice_name].items()
    first, *others = (_part_names(rows[column], cut) for column, cut in columns)
    names = first
    for other in others:
        names = names + ", " + other
    return [
        Part(str(name), (names == name).to_numpy(dtype=bool))
        for name in sorted(names.dropna().unique())
    ]


def _part_names(column: "pd.Series[Any]", cut: Any) -> "pd.Series[str]":
    """The name of each row's part: its value of the column, or the bin that holds it."""
    if cut == "values":
        return f"{column.name} = " + column.astype("str")
    edges = [float(edge) for edge in cut]
    names = np.array(_bin_names(str(column.name), edges))
    # the lower edge belongs to a bin, the upper does not
    places = np.searchsorted(edges, column.to_numpy(dtype="float64"), side="right")
    return pd.Series(names[places], index=column.index).where(column.notna())


def _bin_names(column: str, edges: Sequence[float]) -> list[str]:
    inner = [f"{low:g} <= {column} < {high:g}" for low, high in pairwise(edges)]
    return [f"{column} < {edges[0]:g}", *inner, f"{column} >= {edges[-1]:g}"]
