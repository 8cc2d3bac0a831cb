"""A contest, assembled: the candidate's stored holdout, scored by each version that is compared.

Each version prepares the rows with its own stored hooks.
Not here: what a contest is (contest.py).
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from configs.errors import ConfigError, HookFailed, Refused, UsageError
from configs.model import ModelConfig
from tasks.comparison.contest import Baseline, Contest, Contestant
from tasks.data.blinding import Judged, prepare_judged
from tasks.data.hooks import Hooks
from tasks.data.labels import labels
from tasks.data.period import Period
from tasks.model import baselines
from tasks.records import RegisteredVersion, Role, VersionNumbers
from tasks.tracking import registry, stored_rows, versions


@dataclass(frozen=True)
class Holdout:
    """A candidate's stored holdout: raw with its history, and prepared by the candidate's hooks."""

    candidate: RegisteredVersion
    config: ModelConfig
    hooks: Hooks
    raw: pd.DataFrame
    rows: pd.DataFrame

    def prepared_by(self, config: ModelConfig, hooks: Hooks) -> pd.DataFrame:
        """The rows prepared with a version's own hooks."""
        return _prepared(self.candidate, config, hooks, self.raw)


def assemble(client: MlflowClient, config: ModelConfig, numbers: VersionNumbers) -> Contest:
    """Score the candidate's holdout with each version, for a comparison under this configuration.

    UsageError for a candidate that is not registered; what else cannot be compared is a problem.
    """
    candidate = registry.read_version(client, config.name, numbers["candidate"] or 0)
    contest = Contest(config, {"candidate": candidate})
    try:
        holdout = _read_holdout(client, candidate)
    except (Refused, HookFailed, ConfigError) as error:
        problem = f"the holdout of version {candidate.number} cannot be used: {error}"
        return _with_records(client, contest, numbers).with_problem(problem)

    comparison_config = config.model_copy(
        update={"data": holdout.config.data, "kind": holdout.config.kind}
    )
    contest = replace(contest, config=comparison_config, rows=holdout.rows)
    for role, number in numbers.items():
        if number is not None:
            contest = _with_version(client, contest, role, number, holdout)
    if any(rule.against == "baseline" for rule in contest.config.gate):
        contest = _with_baseline(client, contest)
    return _without_training_rows(client, contest)


def _read_holdout(client: MlflowClient, candidate: RegisteredVersion) -> Holdout:
    config, hooks = versions.read_config_and_hooks(candidate)
    raw = versions.read_holdout(client, candidate)
    return Holdout(candidate, config, hooks, raw, _prepared(candidate, config, hooks, raw))


def _with_records(client: MlflowClient, contest: Contest, numbers: VersionNumbers) -> Contest:
    """The contest with the records of all versions that the registry has, and no scores."""
    records = versions.read_versions(client, contest.config.name, numbers)
    return replace(contest, versions=records)


def _with_version(
    client: MlflowClient, contest: Contest, role: Role, number: int, holdout: Holdout
) -> Contest:
    """The contest with one version more, or with the reason why it cannot be compared."""
    for contestant in contest.contestants.values():
        if contestant.version.number == number:
            return _with_contestant(contest, role, contestant)
    try:
        version = contest.versions.get(role)
        version = version or registry.read_version(client, contest.config.name, number)
        contest = replace(contest, versions={**contest.versions, role: version})
        return _with_contestant(contest, role, _score(client, version, contest, holdout))
    except (Refused, HookFailed, ConfigError, UsageError) as error:
        return contest.with_problem(f"{role} {number} cannot be compared: {error}")


def _with_contestant(contest: Contest, role: Role, contestant: Contestant) -> Contest:
    notes = contest.notes
    if contestant.note:
        notes += (f"{role} {contestant.version.number} {contestant.note}",)
    return replace(
        contest,
        versions={**contest.versions, role: contestant.version},
        contestants={**contest.contestants, role: contestant},
        notes=notes,
    )


def _with_baseline(client: MlflowClient, contest: Contest) -> Contest:
    """The contest with the baseline that is best in the main metric on these rows."""
    candidate = contest.contestants.get("candidate")
    if candidate is None:
        return contest
    config, rows = contest.config, contest.rows
    try:
        table = versions.read_baselines(client, candidate.version)
    except Refused as error:
        return contest.with_problem(
            f"candidate {candidate.version.number} cannot be compared with a baseline: {error}"
        )
    scores = baselines.from_one_table(table, rows[config.data.key], candidate.scores)
    strongest = baselines.strongest(config, rows, scores)
    thresholds = {
        metric: baselines.best_threshold(config, metric, rows, scores[strongest])
        for metric in config.metric_names
    }
    baseline = Baseline(strongest, scores[strongest], thresholds)
    note = f"Rules compare with the baseline {strongest.replace('_', ' ')}"
    if config.main_metric and len(scores) > 1:
        note += f", the best of {len(scores)} in {config.main_metric} on these rows"
    return replace(contest, baseline=baseline, notes=(*contest.notes, f"{note}."))


def _score(
    client: MlflowClient, version: RegisteredVersion, contest: Contest, holdout: Holdout
) -> Contestant:
    """The version with its scores; Refused or UsageError where they cannot be compared."""
    config, hooks, rows = holdout.config, holdout.hooks, holdout.rows
    if version.number != holdout.candidate.number:
        config, hooks = versions.read_config_and_hooks(version)
        if config.kind != contest.config.kind:
            raise UsageError(
                f"it is {config.kind}, the candidate {contest.config.kind}; "
                "promote models of one kind under one name"
            )
        rows = holdout.prepared_by(config, hooks)
    scored = versions.score(client, version, config, rows)
    if not np.isfinite(np.asarray(scored.scores, dtype="float64")).all():
        raise Refused("its score of some rows is not a number; fix its prepare and train it again")
    if isinstance(scored.scores, pd.DataFrame):
        _require_classes(scored.scores, contest)
    return Contestant(version, config, hooks, scored.scores, scored.threshold, scored.note)


def _prepared(
    candidate: RegisteredVersion, config: ModelConfig, hooks: Hooks, raw: pd.DataFrame
) -> pd.DataFrame:
    """The candidate's holdout, prepared with a version's own hooks, in the order of `raw`."""
    if absent := [column for column in config.data.columns if column not in raw]:
        names = ", ".join(absent)
        raise Refused(f"the stored rows have no column {names}; train a candidate on rows with it")
    judged = Judged(raw[stored_rows.IS_HOLDOUT], _holdout_period(candidate))
    prepared = prepare_judged(config, hooks, raw.drop(columns=stored_rows.IS_HOLDOUT), judged)
    return prepared[judged.mask]


def _holdout_period(candidate: RegisteredVersion) -> Period | None:
    """The period of the candidate's holdout; None unless it was split by time."""
    start, end = (candidate.params.get(name, "") for name in ("holdout_start", "holdout_end"))
    if not (start and end):
        return None
    return Period(datetime.fromisoformat(start), datetime.fromisoformat(end))


def _require_classes(scores: pd.DataFrame, contest: Contest) -> None:
    """Return if the version has a score for each class of the holdout."""
    target = labels(contest.config, contest.rows)
    if unknown := sorted(map(str, set(target) - set(scores.columns))):
        raise Refused(
            f"it does not know the class {', '.join(unknown)}, which the holdout has; "
            "promote the candidate under another name"
        )


def _without_training_rows(client: MlflowClient, contest: Contest) -> Contest:
    """The contest on rows that no version was trained on; a problem where the gate refuses that."""
    keys = contest.rows[contest.config.data.key]
    seen = pd.Series(False, index=contest.rows.index)
    remarks = []
    for role, contestant in contest.contestants.items():
        trained_on = keys.isin(versions.read_training_keys(client, contestant.version))
        if trained_on.any():
            version = f"{role} {contestant.version.number}"
            count = f"{int(trained_on.sum()):,} of the {len(keys):,} holdout rows"
            remarks.append(f"{version} was trained on {count}")
        seen |= trained_on
    if not remarks:
        return contest
    if contest.config.comparison.seen_rows == "refuse" or seen.all():
        remedy = "retrain on other rows"
        if not seen.all():
            remedy += ", or leave such rows out with comparison: {seen_rows: leave_out}"
        return replace(contest, problems=(*contest.problems, *remarks, remedy))
    return _on_rows(contest, ~seen, (*remarks, f"{int(seen.sum()):,} rows are left out for all"))


def _on_rows(contest: Contest, mask: "pd.Series[bool]", notes: tuple[str, ...]) -> Contest:
    """The contest on some of its rows."""
    contestants = {
        role: replace(contestant, scores=contestant.scores[mask])
        for role, contestant in contest.contestants.items()
    }
    baseline = contest.baseline
    return replace(
        contest,
        rows=contest.rows[mask],
        contestants=contestants,
        baseline=baseline and replace(baseline, scores=baseline.scores[mask]),
        notes=(*contest.notes, *notes),
    )
