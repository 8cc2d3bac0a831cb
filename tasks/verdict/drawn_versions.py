"""How candidate (blue, solid) and champion (orange, dashed) are drawn wherever both are.

Not here: the plots (plots.py, curves.py).
"""

from dataclasses import dataclass
from typing import Any

from tasks.comparison.contest import Contest, Contestant

STYLES: dict[str, dict[str, Any]] = {
    "candidate": {"color": "tab:blue", "linestyle": "-"},
    "champion": {"color": "tab:orange", "linestyle": "--"},
}
MARKERS = {"candidate": "o", "champion": "x"}


@dataclass(frozen=True)
class Drawn:
    """A version as it is drawn: its label, its scores, its style."""

    role: str
    label: str
    contestant: Contestant
    style: dict[str, Any]

    @property
    def color(self) -> str:
        return str(self.style["color"])


def drawn_versions(contest: Contest) -> list[Drawn]:
    return [
        Drawn(role, f"{role} {contestant.version.number}", contestant, STYLES[role])
        for role, contestant in contest.contestants.items()
        if role in STYLES
    ]
