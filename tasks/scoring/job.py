"""A scoring job: the rows of each partition scored by one version, and written as a whole.

Not here: which rows and which version (plan.py); scoring some of them (rows.py); how partitions
lie in their folder (partitions.py).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mlflow import MlflowClient

from configs.errors import DataRejected
from configs.model import ModelConfig
from tasks.data.hooks import Hooks
from tasks.data.new_rows import Chunk, DailyRows, read_blocks
from tasks.records import RegisteredVersion
from tasks.scoring import summary
from tasks.scoring.champion import read_config_and_hooks
from tasks.scoring.partitions import Block, Partitions
from tasks.scoring.plan import ScoringPlan
from tasks.scoring.progress import Progress
from tasks.scoring.rows import OpenVersion, Stamp, open_version
from tasks.scoring.summary import Summary
from tasks.tracking import model_files, registry
from tasks.tracking.runs import Run


@dataclass(frozen=True)
class ScoringJob:
    """What a job works with: its run, its plan, and the version with all that is stored with it.

    `config` is the version's own, but for the source, which is today's.
    """

    client: MlflowClient
    run: Run
    plan: ScoringPlan
    version: RegisteredVersion
    config: ModelConfig
    hooks: Hooks

    @property
    def partitions(self) -> Partitions:
        return Partitions(self.plan.out, self.plan.model)

    @property
    def days(self) -> list[datetime | None]:
        """The days that have a partition each, or None for the one of rows without times."""
        return [*self.plan.days.midnights] if self.plan.days else [None]

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.version.number, self.run.id, self.plan.scored_at)


@dataclass(frozen=True)
class Written:
    """A partition that the job has written; `sha256` is that of its file, if it has any rows."""

    day: datetime | None
    summary: Summary
    sha256: str


@dataclass(frozen=True)
class Scored:
    """All partitions of a job, in their order, and the summary of all their rows."""

    partitions: tuple[Written, ...]
    total: Summary

    def __str__(self) -> str:
        rows = f"{self.total.rows:,} rows"
        if self.total.left_out:
            rows += f", {self.total.left_out:,} left out"
        return rows


def open_job(client: MlflowClient, run: Run, plan: ScoringPlan) -> ScoringJob:
    """The job of this plan; UsageError where its version was deleted from the registry."""
    version = registry.read_version(client, plan.model, plan.version)
    config, hooks = read_config_and_hooks(version, plan.source)
    return ScoringJob(client, run, plan, replace(version, sha256=plan.sha256), config, hooks)


def score(job: ScoringJob, root: Path, progress: Progress) -> Scored:
    """Score and write every partition that this run has not written yet.

    ModelRejected where the version's files are not those that were judged, or cannot be loaded;
    DataRejected for rows that it cannot score. Partitions that were written before stay.
    """

    def score_with(files: Path) -> Scored:
        version = open_version(str(job.version), job.config, job.hooks, files)
        return _score_all(job, root, version, progress)

    return model_files.read_verified(
        job.client, job.version.address, job.version.sha256, score_with
    )


def _score_all(job: ScoringJob, root: Path, version: OpenVersion, progress: Progress) -> Scored:
    chunks_of = _chunks_by_day(job, root)
    written = []
    for number, day in enumerate(job.days):
        partition = job.partitions.written_by(job.run.id, day)
        if partition:
            progress.skip((number + 1) / len(job.days))
        else:
            blocks = _blocks(job, version, number, chunks_of(day), progress)
            partition = job.partitions.write(job.run.id, day, blocks)
        written.append(Written(day, partition, job.partitions.sha256(day)))
    return Scored(tuple(written), summary.total([each.summary for each in written]))


def _chunks_by_day(job: ScoringJob, root: Path) -> Callable[[datetime | None], Iterable[Chunk]]:
    """What gives the chunks of a partition: of a day one; of rows without times blocks."""
    if job.plan.days is None:
        return lambda _: read_blocks(job.config, root)
    daily = DailyRows(job.config, job.plan.days.midnights, root)
    return lambda day: [daily.of(day)] if day else []


def _blocks(
    job: ScoringJob,
    version: OpenVersion,
    number: int,
    chunks: Iterable[Chunk],
    progress: Progress,
) -> Iterator[Block]:
    """The scored rows of each chunk of the partition with this number, counted from 0."""
    day = job.days[number]
    for chunk in chunks:
        try:
            table, summary_of_block = version.score(chunk, job.stamp)
        except DataRejected as error:
            raise DataRejected(f"{day:%Y-%m-%d}: {error}" if day else str(error)) from error
        yield table, summary_of_block
        progress.tell((number + chunk.share) / len(job.days), summary_of_block.rows)
