"""Digests: what makes "the same rows" and "the same files" a fact."""

import hashlib
from pathlib import Path

import pandas as pd


def of_rows(frame: pd.DataFrame) -> str:
    """The sha256 of all rows and of the columns' names and types; the index does not count.

    Comparable only within one minor version of pandas, on whose row hash it rests.
    """
    columns = [(name, str(dtype)) for name, dtype in frame.dtypes.items()]
    row_hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    digest = hashlib.sha256(repr(columns).encode())
    digest.update(row_hashes.tobytes())
    return digest.hexdigest()


def of_file(path: Path) -> str:
    """The sha256 of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_folder(folder: Path, *, leave_out: frozenset[str] = frozenset()) -> str:
    """The sha256 of the names and contents of all files below a folder.

    Files whose name is in `leave_out` do not count.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in leave_out:
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{of_file(path)}\n".encode())
    return digest.hexdigest()
