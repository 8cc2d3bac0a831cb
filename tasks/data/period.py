"""A stretch of time whose rows are read, and the days that it touches."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from configs.errors import UsageError

ONE_DAY = timedelta(days=1)
# a day has a midnight at its end
LAST_DAY = datetime(9999, 12, 31)


@dataclass(frozen=True)
class Period:
    """The time from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end > LAST_DAY:
            raise UsageError(f"the rows cannot be read up to {self.end}; choose an earlier day")

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


def days_before(instant: datetime, days: int) -> datetime:
    """The instant so many days earlier; UsageError where the calendar has none."""
    try:
        return instant - timedelta(days=days)
    except OverflowError:
        raise UsageError(
            f"there are no {days:,} days before {instant:%Y-%m-%d}; choose a later day"
        ) from None


def midnight_before(instant: datetime) -> datetime:
    """The midnight at or before an instant."""
    return datetime.combine(instant.date(), datetime.min.time())
