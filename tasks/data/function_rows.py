"""The rows that a Python function returns, as the types that a YAML declares.

Not here: rows in files (file_rows.py); what a type takes (declared_types.py).
"""

import importlib
from typing import Any

import pandas as pd
import pyarrow as pa

from configs.data import ROW, Data
from configs.errors import DataRejected
from configs.source import PythonSource
from tasks.data import declared_types
from tasks.data.declared_types import Misfit
from tasks.foreign_errors import cause, told_as


def read(source: PythonSource, data: Data, may_lack: str | None = None) -> pa.Table:
    """The declared columns of the frame that the source's function returns.

    The column `may_lack` is null where the frame has none of that name. Raise DataRejected where
    the function raises or returns something else.
    """
    frame = _call(source, data)
    if may_lack and may_lack not in frame:
        frame = frame.assign(**{may_lack: None})
    present = list(frame.columns)
    missing = [name for name in data.columns if name not in present]
    if missing:
        raise DataRejected(
            f"{source.function} returned no column {', '.join(missing)}; "
            f"it returned {', '.join(map(str, present))}"
        )
    repeated = [name for name in data.columns if present.count(name) > 1]
    if repeated:
        raise DataRejected(f"{source.function} returned column {', '.join(repeated)} twice")
    table = pa.table({name: _typed(source, data, frame[name]) for name in data.columns})
    if data.key == ROW:
        table = table.append_column(ROW, pa.array(range(len(table))).cast(pa.string()))
    return table


def _call(source: PythonSource, data: Data) -> pd.DataFrame:
    module, _, name = source.function.rpartition(".")
    remedy = "fix it or data.source.arguments"
    with told_as(f"{source.function} failed", data.private, DataRejected, remedy):
        function = getattr(importlib.import_module(module), name)
        returned = function(**source.arguments)
    frame = getattr(returned, "frame", returned)
    if not isinstance(frame, pd.DataFrame):
        raise DataRejected(
            f"{source.function} returned {type(returned).__name__}; it must return a DataFrame, "
            "or an object that has one as `frame`"
        )
    return frame


def _typed(source: PythonSource, data: Data, column: "pd.Series[Any]") -> pa.ChunkedArray:
    declared = data.columns[str(column.name)]
    try:
        values = pa.chunked_array([pa.array(column, from_pandas=True)])
        return declared_types.cast(values, declared)
    except Misfit as misfit:
        sentence = misfit.sentence(str(column.name), private=column.name in data.private)
        place = "" if misfit.row is None else f", row {misfit.row + 1:,}"
        raise DataRejected(f"{source.function} returned{place}: {sentence}") from None
    except pa.ArrowException as error:
        # values of several types, or of one that Arrow does not have
        raise DataRejected(
            f"{source.function} returned {column.name} as {column.dtype}, which is not "
            f"{declared}; convert it there"
        ) from cause(error, data.private)
