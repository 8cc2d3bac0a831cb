"""Rows without a key that were delivered twice: the same row, or a whole file, under another name.

A copy on both sides of a split is learned and then judged on.
Not here: rows that share their key (structure.py); leaving copies out (selection.py).
"""

from typing import Any

import pandas as pd

from configs.data import ROW
from tasks.data.columns import Inspection
from tasks.records import CheckOutcome

# two files of one row each may well hold the same one
FEWEST_ROWS = 2


def check_copies(inspection: Inspection) -> CheckOutcome:
    """Fail where two files hold the same rows; warn of single rows that are in several files.

    Rows are the same if all declared columns are, compared by their hash.
    """
    rows = inspection.rows
    columns = list(inspection.config.data.columns)
    hashes = pd.util.hash_pandas_object(rows[columns], index=False)
    shared = hashes.duplicated(keep=False)
    files = _files_of(rows[shared])
    in_several = files.groupby(hashes[shared]).transform("nunique") > 1
    copied = in_several.reindex(rows.index, fill_value=False)
    if copied.any() and (pair := _same_files(hashes, _files_of(rows), copied)):
        problem = (
            f"{pair[0]} and {pair[1]} hold the same rows; remove one of them, or name in "
            "data.drop_duplicates what makes rows copies"
        )
        return inspection.of_table("copies", problem, "")
    return inspection.of_rows(
        "copies",
        copied,
        "are in another file too, with the same values; if they are copies, leave them out with "
        "data.drop_duplicates",
        "warning",
    )


def _files_of(rows: pd.DataFrame) -> "pd.Series[Any]":
    """The file of each row; all rows of a source without files are of one."""
    return rows[ROW].str.replace(r":?\d+$", "", regex=True)


def _same_files(
    hashes: "pd.Series[Any]", files: "pd.Series[Any]", copied: "pd.Series[bool]"
) -> tuple[str, str] | None:
    """The first two files that hold the same rows, in any order."""
    is_whole = copied.groupby(files).all()
    first_with: dict[tuple[int, ...], str] = {}
    for file, of_file in hashes.groupby(files):
        if len(of_file) < FEWEST_ROWS or not is_whole[file]:
            continue
        earlier = first_with.setdefault(tuple(sorted(of_file)), str(file))
        if earlier != file:
            return earlier, str(file)
    return None
