"""The plan of a scoring job: settled by its first attempt, stored, followed by later attempts.

So one version scores the whole job even if the champion changes meanwhile, and a retry writes the
same bytes. Not here: plans of training runs (tasks/tracking/plans.py).
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import load_dict
from pydantic import TypeAdapter

from configs.errors import UsageError
from configs.model import ModelConfig
from configs.reading import read_model
from configs.settings import Settings
from configs.source import DATA_FOLDER, Source
from tasks.data import sources
from tasks.data.period import ONE_DAY, Period
from tasks.release.ledger import Ledger
from tasks.scoring.champion import find_champion, read_config_and_hooks
from tasks.scoring.partitions import Partitions
from tasks.tracking.runs import Run

PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class Days:
    """The days from first to last, both included."""

    first: datetime
    last: datetime

    @property
    def midnights(self) -> list[datetime]:
        return Period(self.first, self.last + ONE_DAY).days

    def __str__(self) -> str:
        return " .. ".join(dict.fromkeys(f"{day:%Y-%m-%d}" for day in (self.first, self.last)))


@dataclass(frozen=True)
class ScoringPlan:
    """What a job does: which version scores, the rows of which source and days, and where to.

    `days` is None for rows without times, which are scored together. `sha256` is the digest of the
    version's model files. `scored_at`, in UTC, is when the job was planned.
    """

    model: str
    version: int
    sha256: str
    source: Source
    days: Days | None
    out: str
    scored_at: datetime

    def __str__(self) -> str:
        rows = self.days or "all rows"
        return f"{rows} by version {self.version} of {self.model}"


ADAPTER = TypeAdapter(ScoringPlan)


def settle(
    client: MlflowClient,
    run: Run,
    settings: Settings,
    model: str,
    out: str | None,
    first: date | None,
    last: date | None,
) -> ScoringPlan | None:
    """The plan that the first attempt of this run stored; a first attempt makes and stores it.

    None where all days have been scored. UsageError where there is no champion, or there are no
    such days.
    """
    stored = read_stored(client, run)
    if stored:
        return stored
    today = read_model(model, settings)
    source, out = today.data.source, out or _folder_of(today, settings.data)
    champion = find_champion(Ledger(settings.ledger_url), client, model)
    config, _ = read_config_and_hooks(champion, source)
    days = None
    if config.data.time is None:
        _require_no_days(config, first, last)
    else:
        scored = Partitions(out, model).newest_day()
        days = _settle_days(config, settings.data, scored, _midnight(first), _midnight(last))
        if days is None:
            return None
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    plan = ScoringPlan(model, champion.number, champion.sha256, source, days, out, now)
    text = json.dumps(ADAPTER.dump_python(plan, mode="json"), indent=1)
    client.log_text(run.id, text, PLAN_FILE)
    return plan


def _folder_of(config: ModelConfig, root: Path) -> str:
    """The folder that the YAML names; UsageError where it names none."""
    if config.scoring is None:
        raise UsageError(
            f"there is no folder for the scores of {config.name}; name one with --out, "
            "or in its YAML: scoring: {out: ...}"
        )
    return config.scoring.out.replace(DATA_FOLDER, str(root), 1)


def _settle_days(
    config: ModelConfig,
    root: Path,
    scored: datetime | None,
    first: datetime | None,
    last: datetime | None,
) -> Days | None:
    """The days asked for, by default those after the newest that is scored, or the newest one."""
    end = last or sources.end_of_newest_day(config.data, root) - ONE_DAY
    begin = first or (scored + ONE_DAY if scored else end)
    if begin <= end:
        return Days(begin, end)
    if first:
        raise UsageError(
            f"there are no days from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, the last one; "
            "choose a first day that is not after it"
        )
    return None


def _require_no_days(config: ModelConfig, first: date | None, last: date | None) -> None:
    if first or last:
        raise UsageError(
            f"the rows of {config.name} have no times (data.time), so all of them are scored; "
            "leave out --from and --to"
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day) if day else None


def read_stored(client: MlflowClient, run: Run) -> ScoringPlan | None:
    """The plan that an earlier attempt of this run stored, or None."""
    if PLAN_FILE not in {artifact.path for artifact in client.list_artifacts(run.id)}:
        return None
    return ADAPTER.validate_python(load_dict(f"{run.artifacts}/{PLAN_FILE}"))
