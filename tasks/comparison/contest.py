"""Candidate, champion, reference and baseline on the same rows, with the scores of each.

Not here: how they are read and scored (assembly.py), what the scores are worth (comparison.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.model.scores import THRESHOLD, Scores
from tasks.records import Competitor, RegisteredVersion, Role


@dataclass(frozen=True)
class Contestant:
    """A version with its scores of the shared rows, and the threshold it decides at."""

    version: RegisteredVersion
    config: ModelConfig
    hooks: Hooks
    scores: Scores
    threshold: float
    note: str = ""

    def is_same_model_as(self, other: "Contestant") -> bool:
        """Whether both answer every row alike, and have the same files or were trained alike."""
        mine, theirs = self.version, other.version
        is_trained_alike = (
            bool(mine.data_digest)
            and mine.data_digest == theirs.data_digest
            and self.config.train == other.config.train
            and self.config.data == other.config.data
            and self.config.split == other.config.split
        )
        return (
            (mine.sha256 == theirs.sha256 or is_trained_alike)
            and self.hooks.source == other.hooks.source
            and self.threshold == other.threshold
            and np.array_equal(self.scores, other.scores)
        )


@dataclass(frozen=True)
class Baseline:
    """The strongest baseline of the candidate, with its scores of the shared rows.

    `thresholds` are those at which it decides best, by metric.
    """

    name: str
    scores: Scores
    thresholds: Mapping[str, float] = field(default_factory=dict)


def threshold_of(competitor: Contestant | Baseline, metric: str) -> float:
    """The threshold at which it decides, where this metric looks at decisions."""
    if isinstance(competitor, Contestant):
        return competitor.threshold
    return competitor.thresholds.get(metric, THRESHOLD)


@dataclass(frozen=True)
class Contest:
    """Which versions are compared, on which rows.

    `versions` are the records of all that the registry has, `contestants` those that could score
    the rows. There is a `baseline` if a rule compares with it. `problems` say what prevents the
    comparison, `notes` what to know of it.
    """

    config: ModelConfig
    versions: dict[Role, RegisteredVersion]
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    contestants: dict[Role, Contestant] = field(default_factory=dict)
    baseline: Baseline | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def competitors(self) -> dict[Competitor, Contestant | Baseline]:
        """Everything whose scores can be compared, by its role."""
        competitors: dict[Competitor, Contestant | Baseline] = dict(self.contestants.items())
        if self.baseline:
            competitors["baseline"] = self.baseline
        return competitors

    @property
    def first_roles(self) -> dict[int, Role]:
        """The first role of each version, by its number: the champion may be the reference too."""
        first_roles: dict[int, Role] = {}
        for role, contestant in self.contestants.items():
            first_roles.setdefault(contestant.version.number, role)
        return first_roles

    @property
    def distinct(self) -> dict[Competitor, Contestant | Baseline]:
        """The competitors, with each version once, in its first role."""
        roles = {*self.first_roles.values(), "baseline"}
        return {role: one for role, one in self.competitors.items() if role in roles}

    def with_problem(self, problem: str) -> "Contest":
        return replace(self, problems=(*self.problems, problem))

    def __str__(self) -> str:
        compared = (f"{role} {each.version.number}" for role, each in self.contestants.items())
        return f"{', '.join(compared)} on {len(self.rows):,} rows"
