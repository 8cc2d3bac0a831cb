"""Candidate, champion and reference on the same rows: the candidate's kept holdout, read back, and the scores of each.

Each version prepares the rows with its own kept hook. Not here: what the scores are worth (comparison.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from configs.schema import ModelConfig
from tasks.data.hooks import Hooks, prepare
from tasks.data.labels import labels
from tasks.errors import ConfigError, HookFailed, Refused, UsageError
from tasks.model.scores import Scores
from tasks.records import RegisteredVersion, Role
from tasks.tracking import registry, rows, versions


@dataclass(frozen=True)
class Contestant:
    """A version with its scores of the rows on which all are compared, and the threshold it decides at."""

    version: RegisteredVersion
    config: ModelConfig
    hooks: Hooks
    scores: Scores
    threshold: float
    note: str = ""


@dataclass(frozen=True)
class Contest:
    """Who is compared on which rows; `problems` are what stops the comparison, `notes` what to know of it, in words."""

    config: ModelConfig
    rows: pd.DataFrame
    contestants: dict[Role, Contestant]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        compared = ", ".join(f"{role} {each.version.number}" for role, each in self.contestants.items())
        return f"{compared} on {len(self.rows):,} rows"


def hold(client: MlflowClient, config: ModelConfig, numbers: Mapping[Role, int | None]) -> Contest:
    """The contest of these versions under today's gate; what cannot be compared is a problem, in words."""
    candidate = registry.read_version(client, config.name, numbers["candidate"] or 0)
    try:
        recorded, hooks = versions.recorded(client, candidate)
        judged_by = config.model_copy(update={"data": recorded.data, "kind": recorded.kind})
        raw = versions.holdout(client, candidate)
        frame = _judged(recorded, hooks, raw)
    except (Refused, HookFailed, ConfigError) as error:
        return Contest(config, pd.DataFrame(), {}, (f"the holdout of version {candidate.number} cannot be judged on: {error}",))

    contestants: dict[Role, Contestant] = {}
    problems, notes, seen = [], [], pd.Series(False, index=frame.index)
    for role, number in numbers.items():
        if number is None:
            continue
        try:
            twin = next((each for each in contestants.values() if each.version.number == number), None)
            version = twin.version if twin else registry.read_version(client, config.name, number)
            known = versions.seen_keys(client, version)
            contestants[role] = twin or _enter(client, version, judged_by, raw, frame)
        except (Refused, HookFailed, ConfigError, UsageError) as error:
            problems.append(f"{role} {number} cannot be compared: {error}")
            continue
        if contestants[role].note:
            notes.append(f"{role} {number} {contestants[role].note}")
        if trained_on := frame[recorded.data.key].isin(known).sum():
            seen |= frame[recorded.data.key].isin(known)
            text = f"{role} {number} was trained on {trained_on:,} of the {len(frame):,} holdout rows"
            (notes if config.comparison.seen_rows == "leave_out" else problems).append(text)
    if seen.any() and config.comparison.seen_rows == "leave_out":
        notes.append(f"{int(seen.sum()):,} rows are left out for all")
        contestants = {role: _on(each, ~seen) for role, each in contestants.items()}
        frame = frame[~seen]
    elif seen.any():
        problems.append("retrain on other rows, or leave such rows out with comparison: {seen_rows: leave_out}")
    return Contest(judged_by, frame, contestants, tuple(problems), tuple(notes))


def _enter(
    client: MlflowClient, version: RegisteredVersion, judged_by: ModelConfig, raw: pd.DataFrame, frame: pd.DataFrame
) -> Contestant:
    config, hooks = versions.recorded(client, version)
    if config.kind != judged_by.kind:
        raise UsageError(f"it is {config.kind}, the candidate {judged_by.kind}; promote models of one kind under one name")
    own = _judged(config, hooks, raw)
    scored = versions.score(client, version, config, own)
    if not np.isfinite(np.asarray(scored.scores, dtype="float64")).all():
        raise Refused("it answers some rows with no number; mend what makes them in its prepare, and train again")
    if isinstance(scored.scores, pd.DataFrame):
        _demand_classes(scored.scores, labels(judged_by, frame))
    return Contestant(version, config, hooks, scored.scores, scored.threshold, scored.note)


def _judged(config: ModelConfig, hooks: Hooks, raw: pd.DataFrame) -> pd.DataFrame:
    """The rows that are judged, prepared with a version's own hook, in the order of the raw ones."""
    if absent := [column for column in config.data.columns if column not in raw]:
        raise Refused(f"the kept rows have no column {', '.join(absent)}; train a candidate on rows that have it")
    return prepare(config, hooks, raw.drop(columns=rows.JUDGED))[raw[rows.JUDGED]]


def _demand_classes(scores: pd.DataFrame, target: "pd.Series[Any]") -> None:
    if unknown := sorted(map(str, set(target) - set(scores.columns))):
        raise Refused(
            f"it does not know the class {', '.join(unknown)}, which the holdout has; rename the model, or promote by hand"
        )


def _on(contestant: Contestant, mask: "pd.Series[bool]") -> Contestant:
    return Contestant(
        contestant.version, contestant.config, contestant.hooks, contestant.scores[mask], contestant.threshold, contestant.note
    )


def others(contest: Contest) -> Iterator[tuple[Role, Contestant]]:
    """Those that the candidate is compared with."""
    return ((role, each) for role, each in contest.contestants.items() if role != "candidate")
