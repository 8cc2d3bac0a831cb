"""The demo's data: simulated card transactions, with a bad day and wrong labels on purpose.

Not here: how transactions are drawn (tasks/data/simulation.py); the story (demo.py).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd

DAYS = 60
THURSDAY = 3


def start_for(today: date) -> date:
    """The last Thursday from which the demo's days have all passed.

    Near today, so that ages look as they would; a Thursday, so that weekends, and with them all
    figures, stay the same.
    """
    latest = today - timedelta(days=DAYS + 1)
    return latest - timedelta(days=(latest.weekday() - THURSDAY) % 7)


START = start_for(datetime.now(UTC).date())
# the instant up to which the candidates know their labels: the last day comes after it
AS_OF = START + timedelta(days=DAYS)
MISSING_AMOUNTS = 40
HOLDOUT_DAYS = 7


def last_day_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the day that begins at AS_OF."""
    return rows[rows["TX_DATETIME"] >= pd.Timestamp(AS_OF)]


@dataclass(frozen=True)
class DemoData:
    """The transactions of 61 days, and the folder into which they are written as daily files."""

    folder: Path

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All transactions, right as they are."""
        from tasks.data.simulation import simulate

        return simulate(DAYS + 1, seed=0, start=START)

    @property
    def first_days(self) -> pd.DataFrame:
        """The transactions of the 60 days before AS_OF."""
        return self.rows[self.rows["TX_DATETIME"] < pd.Timestamp(AS_OF)]

    def write(self, rows: pd.DataFrame) -> None:
        """Write the days of these rows over those that the folder has."""
        from tasks.data.simulation import write_days

        write_days(rows, self.folder)

    def last_day_without_amounts(self) -> pd.DataFrame:
        """The last day, with the amounts of its first 40 transactions missing."""
        day = last_day_of(self.rows)
        missing = day["TRANSACTION_ID"].rank() <= MISSING_AMOUNTS
        return day.assign(TX_AMOUNT=day["TX_AMOUNT"].mask(missing))

    def rows_with_wrong_labels(self) -> pd.DataFrame:
        """All transactions, with the labels before the holdout's week shuffled.

        As many are frauds as before, but which ones is left to chance.
        """
        before_holdout = pd.Timestamp(AS_OF - timedelta(days=HOLDOUT_DAYS))
        trained_on = self.rows["TX_DATETIME"] < before_holdout
        labels = self.rows.loc[trained_on, "TX_FRAUD"]
        mislabelled = self.rows.copy()
        mislabelled.loc[trained_on, "TX_FRAUD"] = labels.sample(frac=1, random_state=0).to_numpy()
        return mislabelled
