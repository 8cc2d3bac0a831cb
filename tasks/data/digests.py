"""Digests: what makes "the same rows" and "the same files" a fact."""

import hashlib
from pathlib import Path

import pandas as pd


def of_rows(frame: pd.DataFrame) -> str:
    """sha256 over every row, and the names and types of the columns; the index does not count.

    Comparable within one minor version of pandas, whose row hash it rests on.
    """
    digest = hashlib.sha256(
        repr([(name, str(dtype)) for name, dtype in frame.dtypes.items()]).encode()
    )
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_folder(folder: Path, *, leave_out: frozenset[str] = frozenset()) -> str:
    """sha256 over the names and contents of all files below a folder, but those named in `leave_out`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in leave_out:
            digest.update(f"{path.relative_to(folder).as_posix()}\0{of_file(path)}\n".encode())
    return digest.hexdigest()
