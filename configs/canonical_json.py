"""Canonical JSON (RFC 8785): one text for each value, whoever writes it, and that text's sha256.

Not here: the documents written with it (tasks/release/ledger.py); digests of data and files
(tasks/data/digests.py).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from configs.errors import UsageError

# From here on a float no longer holds every integer, and RFC 8785 takes none
FIRST_INEXACT_INTEGER = 2**53


def write(document: Mapping[str, Any]) -> str:
    """The canonical text of a document.

    Raises UsageError, which names the first value that JSON cannot hold, such as NaN.
    """
    return _text_of(dict(document))


def read(text: str) -> dict[str, Any]:
    """The document of a canonical text; written again, it gives the same text."""
    document: dict[str, Any] = json.loads(text, parse_int=_number)
    return document


def sha256(text: str) -> str:
    """The hexadecimal sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest(value: Any) -> str:
    """The sha256 of the canonical JSON of any value: a mapping, a list, a text, a number."""
    return sha256(_text_of(value))


def _text_of(value: Any) -> str:
    try:
        return rfc8785.dumps(value).decode()
    except ValueError as error:
        path = _path_to_unwritable(value).lstrip(".") or "this"
        raise UsageError(f"{path} cannot be recorded: {error}") from error


def _path_to_unwritable(value: Any) -> str:
    """The path to the first value without JSON, as `.metrics.cost` or `.slices[2].rows`."""
    for step, item in _items(value):
        if not _is_writable(item):
            return step + _path_to_unwritable(item)
    return ""


def _items(value: Any) -> list[tuple[str, Any]]:
    """The values directly within a mapping or a list, each with its step on a path."""
    if isinstance(value, dict):
        return [(f".{key}", item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    return []


def _is_writable(value: Any) -> bool:
    try:
        rfc8785.dumps(value)
    except ValueError:
        return False
    return True


def _number(digits: str) -> int | float:
    # RFC 8785 writes a large float without a point: read it back as the float it was
    integer = int(digits)
    if abs(integer) < FIRST_INEXACT_INTEGER:
        return integer
    return float(digits)
