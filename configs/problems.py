"""What is wrong in a YAML, where, and the half sentence that says what is allowed instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    location: Location
    sentence: str


def nearest(wrong: str, allowed: Iterable[str]) -> str:
    """Half a sentence: the nearest of the allowed names, or all of them."""
    names = sorted(set(map(str, allowed)))
    close = get_close_matches(wrong, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"allowed are {', '.join(names)}" if names else "none is allowed"
