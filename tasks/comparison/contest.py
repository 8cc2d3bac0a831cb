"""Candidate, champion and reference on the same rows: the candidate's kept holdout, read back, and the scores of each.

Each version prepares the rows with its own kept hook. Not here: what the scores are worth (comparison.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from configs.errors import ConfigError, HookFailed, Refused, UsageError
from configs.model import ModelConfig
from tasks.data.hooks import Hooks, prepare
from tasks.data.labels import labels
from tasks.model.scores import Scores
from tasks.records import RegisteredVersion, Role
from tasks.tracking import registry, stored_rows, versions


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

    @property
    def distinct(self) -> dict[Role, Contestant]:
        """The contestants, each version once: the champion may be the reference."""
        by_number = {each.version.number: role for role, each in reversed(self.contestants.items())}
        return {
            role: each
            for role, each in self.contestants.items()
            if by_number[each.version.number] == role
        }

    def __str__(self) -> str:
        compared = ", ".join(
            f"{role} {each.version.number}" for role, each in self.contestants.items()
        )
        return f"{compared} on {len(self.rows):,} rows"


def hold(client: MlflowClient, config: ModelConfig, numbers: Mapping[Role, int | None]) -> Contest:
    """The contest of these versions under today's gate; what cannot be compared is a problem, in words."""
    candidate = registry.read_version(client, config.name, numbers["candidate"] or 0)
    try:
        recorded, hooks = versions.read_config_and_hooks(candidate)
        judged_by = config.model_copy(update={"data": recorded.data, "kind": recorded.kind})
        raw = versions.read_holdout(client, candidate)
        frame = _judged(recorded, hooks, raw)
    except (Refused, HookFailed, ConfigError) as error:
        return Contest(
            config,
            pd.DataFrame(),
            {},
            (f"the holdout of version {candidate.number} cannot be judged on: {error}",),
        )

    contest = Contest(judged_by, frame, {})
    for role, number in numbers.items():
        if number is not None:
            contest = _with(client, contest, role, number, raw)
    return _without_seen_rows(client, contest)


def _with(
    client: MlflowClient, contest: Contest, role: Role, number: int, raw: pd.DataFrame
) -> Contest:
    """The contest with one version more, or with why it cannot be compared."""
    twin = next(
        (each for each in contest.contestants.values() if each.version.number == number), None
    )
    try:
        entered = twin or _enter(
            client, registry.read_version(client, contest.config.name, number), contest, raw
        )
    except (Refused, HookFailed, ConfigError, UsageError) as error:
        return replace(
            contest, problems=(*contest.problems, f"{role} {number} cannot be compared: {error}")
        )
    notes = (*contest.notes, f"{role} {number} {entered.note}") if entered.note else contest.notes
    return replace(contest, contestants=contest.contestants | {role: entered}, notes=notes)


def _without_seen_rows(client: MlflowClient, contest: Contest) -> Contest:
    """The contest on rows that none of its versions was trained on, or with who was trained on how many, as the gate wants it."""
    keys, seen, said = (
        contest.rows[contest.config.data.key],
        pd.Series(False, index=contest.rows.index),
        [],
    )
    for role, each in contest.contestants.items():
        known = keys.isin(versions.read_training_keys(client, each.version))
        if known.any():
            said.append(
                f"{role} {each.version.number} was trained on {int(known.sum()):,} of the {len(keys):,} holdout rows"
            )
        seen |= known
    if not said:
        return contest
    if contest.config.comparison.seen_rows == "refuse" or seen.all():
        remedy = (
            "retrain on other rows"
            if seen.all()
            else "retrain on other rows, or leave such rows out with comparison: {seen_rows: leave_out}"
        )
        return replace(contest, problems=(*contest.problems, *said, remedy))
    new = {
        role: replace(each, scores=each.scores[~seen]) for role, each in contest.contestants.items()
    }
    notes = (*contest.notes, *said, f"{int(seen.sum()):,} rows are left out for all")
    return replace(contest, rows=contest.rows[~seen], contestants=new, notes=notes)


def _enter(
    client: MlflowClient, version: RegisteredVersion, contest: Contest, raw: pd.DataFrame
) -> Contestant:
    config, hooks = versions.read_config_and_hooks(version)
    if config.kind != contest.config.kind:
        raise UsageError(
            f"it is {config.kind}, the candidate {contest.config.kind}; promote models of one kind under one name"
        )
    own = _judged(config, hooks, raw)
    scored = versions.score(client, version, config, own)
    if not np.isfinite(np.asarray(scored.scores, dtype="float64")).all():
        raise Refused(
            "it answers some rows with no number; mend what makes them in its prepare, and train again"
        )
    if isinstance(scored.scores, pd.DataFrame):
        _demand_classes(scored.scores, labels(contest.config, contest.rows))
    return Contestant(version, config, hooks, scored.scores, scored.threshold, scored.note)


def _judged(config: ModelConfig, hooks: Hooks, raw: pd.DataFrame) -> pd.DataFrame:
    """The rows that are judged, prepared with a version's own hook, in the order of the raw ones."""
    if absent := [column for column in config.data.columns if column not in raw]:
        raise Refused(
            f"the kept rows have no column {', '.join(absent)}; train a candidate on rows that have it"
        )
    return prepare(config, hooks, raw.drop(columns=stored_rows.JUDGED))[raw[stored_rows.JUDGED]]


def _demand_classes(scores: pd.DataFrame, target: "pd.Series[Any]") -> None:
    if unknown := sorted(map(str, set(target) - set(scores.columns))):
        raise Refused(
            f"it does not know the class {', '.join(unknown)}, which the holdout has; rename the model, or promote by hand"
        )
