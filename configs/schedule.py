"""The `schedule` section of a YAML: when training starts by itself.

Not here: the scheduler, which is Prefect's (deployments/runner.py).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field

from configs.problems import Problem
from configs.section import Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


class Schedule(Section):
    """A cron expression and its time zone."""

    cron: str = Field(description="When to train, as a cron expression of five fields.")
    timezone: str = Field(
        default="UTC", description="Time zone of the cron expression, such as Europe/Paris."
    )


def schedule_problems(config: "ModelConfig") -> Iterator[Problem]:
    """A time zone that does not exist, or else a cron expression that is not one."""
    if config.schedule is None:
        return
    try:
        zone = ZoneInfo(config.schedule.timezone)
    # zoneinfo's errors for an unknown name, a malformed one, and a folder of its database
    except (KeyError, ValueError, OSError):
        yield Problem(
            ("schedule", "timezone"),
            f"{config.schedule.timezone!r} is not a time zone; write one like Europe/Paris",
        )
        return
    try:
        CronSim(config.schedule.cron, datetime.now(zone))
    except CronSimError as error:
        yield Problem(
            ("schedule", "cron"),
            f"{config.schedule.cron!r} is not a cron expression ({error}); "
            "write one like 0 3 * * *",
        )
