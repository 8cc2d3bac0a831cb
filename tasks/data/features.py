"""Features in the plain types that every estimator and MLflow's model signature take.

Not here: computing them (hooks.py); whether they are any good (structure.py).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

TEXT = pd.StringDtype(na_value=np.nan)


def with_plain_features(rows: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """The rows, each feature of a type that NumPy does not have as one that it has.

    Nullable numbers and flags become floats with NaN, categories and objects the values they
    hold, texts `str`.
    """
    plain = {}
    for name in features:
        # a feature that is missing or there twice is for the structural checks to find
        if list(rows.columns).count(name) == 1 and not _is_plain(rows[name].dtype):
            plain[name] = _plain(rows[name])
    return rows.assign(**plain) if plain else rows


def _is_plain(dtype: Any) -> bool:
    return dtype == TEXT or (isinstance(dtype, np.dtype) and dtype.kind != "O")


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind == "O":
        column = column.astype(object).convert_dtypes()
        if _is_plain(column.dtype):
            return column
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        floats = column.to_numpy("float64", na_value=np.nan)
        return pd.Series(floats, index=column.index, name=column.name)
    if pd.api.types.is_string_dtype(column.dtype):
        return column.astype(TEXT)
    return column
