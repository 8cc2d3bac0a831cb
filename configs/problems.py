"""A problem in a YAML: where it is, and a sentence that says what is wrong and what is allowed.

Not here: finding problems (schema_problems.py and the file of each section); naming file and line
(reading.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

# The keys and positions that lead to a value: ("gate", 0, "metric")
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake. The sentence goes on from the location: "data.key: 'idd' is not declared"."""

    location: Location
    sentence: str

    def __str__(self) -> str:
        place = ".".join(map(str, self.location)) or "model"
        return f"{place}: {self.sentence}"


def nearest(wrong: str, allowed: Iterable[str]) -> str:
    """Half a sentence that offers the allowed names most like the wrong one, or all of them."""
    names = sorted({str(name) for name in allowed})
    close = get_close_matches(wrong, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if names:
        return f"choose from: {', '.join(names)}"
    return "there are none"
