"""Canonical JSON (RFC 8785): one text for one value, whoever writes it, and the sha256 of that text.

Not here: what is written with it (ledger.py), digests of data and files (tasks/data/digests.py).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from configs.errors import UsageError


def write(document: Mapping[str, Any]) -> str:
    """The one text of a document; UsageError names the first value that JSON cannot hold, such as NaN."""
    return _text_of(dict(document))


def read(text: str) -> dict[str, Any]:
    """The document of a text; written again, it is the same text."""
    document: dict[str, Any] = json.loads(text, parse_int=_number)
    return document


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(value: Any) -> str:
    """The sha256 of the canonical JSON of any value: a mapping, a list, a text, a number."""
    return sha256(_text_of(value))


def _text_of(value: Any) -> str:
    try:
        return rfc8785.dumps(value).decode()
    except ValueError as error:
        raise UsageError(
            f"{_culprit(value).lstrip('.') or 'this'} cannot go on record: {error}"
        ) from error


def _culprit(value: Any) -> str:
    """Where in a document the first value stands that has no JSON, as `.metrics.cost` or `.slices[2].rows`."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        parts = [(f".{key}", part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"[{index}]", part) for index, part in enumerate(value)]
    return next((name + _culprit(part) for name, part in parts if not _has_json(part)), "")


def _has_json(value: Any) -> bool:
    try:
        rfc8785.dumps(value)
    except ValueError:
        return False
    return True


def _number(digits: str) -> int | float:
    # RFC 8785 writes a large float without a point, and takes no integer of that size: read it back as the float it was
    return whole if abs(whole := int(digits)) < 2**53 else float(digits)
