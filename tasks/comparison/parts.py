"""The parts of the holdout on which a rule is judged: all rows, or the parts of a slice.

Not here: what is measured on them (sampling.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
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
    """The parts of a slice that have rows, in order; all rows as one, without a slice.

    Rows without a value of the column are a part of their own, the last.
    """
    if slice_name is None:
        return [whole(rows)]
    cuts = [_cut(rows[column], cut) for column, cut in config.slices[slice_name].items()]
    names = cuts[0].names
    for other in cuts[1:]:
        names = names + ", " + other.names
    combinations = (", ".join(part_names) for part_names in product(*(cut.order for cut in cuts)))
    masks = {name: (names == name).to_numpy(dtype=bool) for name in combinations}
    return [Part(name, mask) for name, mask in masks.items() if mask.any()]


def name_of_missing(column: str) -> str:
    """What a part of rows without a value of the column is called."""
    return f"{column} is missing"


@dataclass(frozen=True)
class _Cut:
    """One column, cut: the name of each row's part, and all names in order."""

    names: "pd.Series[str]"
    order: list[str]


def _cut(column: "pd.Series[Any]", cut: Any) -> _Cut:
    missing = name_of_missing(str(column.name))
    if cut == "values":
        known = f"{column.name} = " + column.dropna().astype("str")
        names = known.reindex(column.index, fill_value=missing)
        return _Cut(names, [*sorted(known.unique()), missing])
    edges = [float(edge) for edge in cut]
    order = _bin_names(str(column.name), edges)
    # the lower edge belongs to a bin, the upper does not
    places = np.searchsorted(edges, column.to_numpy("float64", na_value=np.nan), side="right")
    names = pd.Series(np.array(order)[places], index=column.index).where(column.notna(), missing)
    return _Cut(names, [*order, missing])


def _bin_names(column: str, edges: Sequence[float]) -> list[str]:
    texts = [f"{edge:.15g}" for edge in edges]
    inner = [f"{low} <= {column} < {high}" for low, high in pairwise(texts)]
    return [f"{column} < {texts[0]}", *inner, f"{column} >= {texts[-1]}"]
