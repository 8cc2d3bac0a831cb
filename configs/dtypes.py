"""The types that a YAML declares for its columns, and the values that these can be compared with.

Not here: reading a column as its type (tasks/data/declared_types.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

Dtype = Literal["int64", "float64", "bool", "string", "datetime"]
Types = Mapping[str, Dtype]

EXAMPLES: dict[Dtype, str] = {
    "int64": "a whole number",
    "float64": "a number",
    "bool": "true or false",
    "string": "a text, in quotes if it looks like a number",
    "datetime": "a time like 2026-01-31T00:00:00",
}


def as_instant(value: object) -> datetime | None:
    """The time, in UTC, that a value is or that a text reads as; a day stands for its midnight."""
    if not isinstance(value, date | str):
        return None
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def values_problems(what: str, values: Sequence[Any], column: str, dtype: Dtype) -> Iterator[str]:
    """The first of the values that no value of the column can equal."""
    for value in values:
        if not _is_of(value, dtype):
            shown = repr(value) if isinstance(value, str) else str(value)
            yield (
                f"{what} {shown} is compared with {column}, which is declared as {dtype}; "
                f"write {EXAMPLES[dtype]}"
            )
            return


def _is_of(value: Any, dtype: Dtype) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match dtype:
        case "string":
            return isinstance(value, str)
        case "datetime":
            return as_instant(value) is not None
        case "bool":
            return isinstance(value, bool) or (is_number and value in (0, 1))
    return is_number


def has_zone(value: object) -> bool:
    """Whether a value is a text of a time that names its zone."""
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False
