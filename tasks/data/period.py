"""A stretch of time whose rows are read, and the days that it touches."""

from dataclasses import dataclass
from datetime import datetime, timedelta

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """The time from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    @property
    def first_midnight(self) -> datetime:
        return midnight_before(self.start)

    @property
    def last_midnight(self) -> datetime:
        midnight = midnight_before(self.end)
        return midnight if midnight == self.end else midnight + ONE_DAY

    @property
    def days(self) -> list[datetime]:
        """The midnight at which each day of the period begins; first and last may be part days."""
        count = (self.last_midnight - self.first_midnight).days
        return [self.first_midnight + n * ONE_DAY for n in range(count)]


def midnight_before(instant: datetime) -> datetime:
    """The midnight at or before an instant."""
    return datetime.combine(instant.date(), datetime.min.time())
