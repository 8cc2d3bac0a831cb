"""A schedule in a YAML: when training starts by itself, or scoring.

Not here: the scheduler, which is Prefect's (deployments/runner.py).
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field

from configs.problems import Location, Problem
from configs.section import Section


class Schedule(Section):
    """A cron expression and its time zone."""

    cron: str = Field(description="When to start, as a cron expression of five fields.")
    timezone: str = Field(
        default="UTC", description="Time zone of the cron expression, such as Europe/Paris."
    )


def schedule_problems(schedule: Schedule | None, location: Location) -> Iterator[Problem]:
    """A time zone that does not exist, or else a cron expression that is not one."""
    if schedule is None:
        return
    try:
        zone = ZoneInfo(schedule.timezone)
    # zoneinfo's errors for an unknown name, a malformed one, and a folder of its database
    except (KeyError, ValueError, OSError):
        yield Problem(
            (*location, "timezone"),
            f"{schedule.timezone!r} is not a time zone; write one like Europe/Paris",
        )
        return
    try:
        CronSim(schedule.cron, datetime.now(zone))
    except CronSimError as error:
        yield Problem(
            (*location, "cron"),
            f"{schedule.cron!r} is not a cron expression ({error}); write one like 0 3 * * *",
        )
