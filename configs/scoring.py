"""The `scoring` section of a YAML: where the champion's scores go, and when they are made.

Not here: scoring (tasks/scoring).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from configs.problems import Problem
from configs.schedule import Schedule, schedule_problems
from configs.section import Section
from configs.source import DATA_FOLDER

if TYPE_CHECKING:
    from configs.model import ModelConfig


class Scoring(Section):
    """A folder, and a schedule if new rows are scored without anybody asking."""

    out: str = Field(
        description=(
            "Folder for the scores: a full path, an address such as s3://bucket/scores, or a path "
            "that begins with ${RATCHET_DATA}."
        )
    )
    schedule: Schedule | None = Field(
        default=None, description="When scoring starts by itself; if left out, never."
    )


def scoring_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What is wrong with the folder or the schedule."""
    if config.scoring is None:
        return
    out = config.scoring.out
    if not out.startswith((f"{DATA_FOLDER}/", "/")) and "://" not in out:
        yield Problem(
            ("scoring", "out"), f"is {out}; write a full path, or begin it with {DATA_FOLDER}/"
        )
    yield from schedule_problems(config.scoring.schedule, ("scoring", "schedule"))
