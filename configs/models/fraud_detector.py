"""What fraud_detector computes by itself: its window features, whom it is not judged on, and a metric of its own.

Plain functions of pandas frames that import nothing of ratchet: their source is kept with each version of the model,
and runs where that is scored. Not here: which columns are read and which become features (fraud_detector.yaml).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

WINDOW_DAYS = (1, 7, 30)
LABEL_DELAY_DAYS = 7  # as delay_days in the YAML: a fraud is reported within a week
LAST_NIGHT_HOUR = 6
CARDS_A_DAY = 100

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Instants = NDArray[np.datetime64]


class Window(Protocol):
    """The bounds of one run that are needed here; ends are exclusive."""

    @property
    def train_start(self) -> datetime: ...
    @property
    def train_end(self) -> datetime: ...
    @property
    def holdout_start(self) -> datetime: ...


def add_window_features(raw: pd.DataFrame) -> pd.DataFrame:
    """The rows, in the order they came, with 14 columns more: when, how active the customer, how risky the terminal.

    A customer's windows are the last 1, 7 and 30 days up to and including the transaction's own second: number and
    mean amount. A terminal's end 7 days earlier, since labels take a week: number and share of frauds, 0 where there
    is none. The instant at a window's older end lies outside. A label that is not known yet counts as no fraud; those
    of the newest 7 days are used for no row. Raises ValueError for a time or an amount that is missing.
    """
    _demand_known(raw, "TX_DATETIME", "TX_AMOUNT")
    when = raw["TX_DATETIME"]
    features: dict[str, Any] = {
        "TX_DURING_WEEKEND": (when.dt.day_of_week >= 5).astype("int64"),
        "TX_DURING_NIGHT": (when.dt.hour <= LAST_NIGHT_HOUR).astype("int64"),
    }
    instants, ranks = np.unique(when.to_numpy(dtype="datetime64[us]"), return_inverse=True)
    for days, number, total in _Timeline(raw["CUSTOMER_ID"], instants, ranks, _cents(raw)).windows(
        ending_days_ago=0
    ):
        features[f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"] = number
        features[f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW"] = total / number / 100
    frauds = raw["TX_FRAUD"].fillna(0).to_numpy(dtype=np.float64)
    for days, number, total in _Timeline(raw["TERMINAL_ID"], instants, ranks, frauds).windows(
        ending_days_ago=LABEL_DELAY_DAYS
    ):
        features[f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW"] = number
        features[f"TERMINAL_ID_RISK_{days}DAY_WINDOW"] = total / np.maximum(number, 1)
    return raw.assign(**features)


def known_compromised(rows: pd.DataFrame, window: Window) -> "pd.Series[bool]":
    """True for the holdout rows of customers whose card is known to be compromised on that day: it needs no model.

    On day d these are the customers with a fraud between the start of training and day d - (delay + 1 day), both
    included: the labels of that day have all arrived when d begins. `rows` are all rows from the start of training to
    the end of the holdout.
    """
    when = rows["TX_DATETIME"]
    delay = window.holdout_start - window.train_end
    known_frauds = when.where((rows["TX_FRAUD"] == 1) & (when >= window.train_start))
    first_fraud = known_frauds.groupby(rows["CUSTOMER_ID"]).transform("min")
    known_from = first_fraud.dt.normalize() + delay + timedelta(days=1)
    known: pd.Series[bool] = (when >= window.holdout_start) & (when >= known_from)
    return known


def card_precision_at_100(rows: pd.DataFrame, scores: ArrayLike) -> float:
    """The share of defrauded cards among a day's 100 most suspicious ones; the mean over the days. Greater is better.

    A card's score is that of its most suspicious transaction of the day; a card found on one day is left out of later
    ones. Equal scores rank by CUSTOMER_ID, the smaller first. The share is of 100 also on a day with fewer cards.
    `scores` are in the order of `rows`. Source: Fraud Detection Handbook (Le Borgne et al., 2022), Card Precision@k.
    """
    transactions = pd.DataFrame(
        {
            "day": rows["TX_DATETIME"].dt.normalize().to_numpy(),
            "card": rows["CUSTOMER_ID"].to_numpy(),
            "score": np.asarray(scores),
            "defrauded": rows["TX_FRAUD"].to_numpy(),
        }
    )
    cards = transactions.groupby(["day", "card"], as_index=False).max()
    ranked = cards.sort_values(["score", "card"], ascending=[False, True])
    found: set[Any] = set()
    shares = []
    for _, today in ranked.groupby("day"):
        inspected = today[~today["card"].isin(found)].head(CARDS_A_DAY)
        defrauded = inspected["card"][inspected["defrauded"] == 1]
        found.update(defrauded)
        shares.append(len(defrauded) / CARDS_A_DAY)
    return fmean(shares)


class _Timeline:
    """Rows sorted by owner and time, with running totals: any window is the difference of two positions.

    `instants` are all times there are, sorted; `ranks` says which of them is a row's. A row's key is its owner's
    number and its rank in one integer, so that one search finds a time among the owner's rows.
    """

    def __init__(
        self, owners: "pd.Series[Any]", instants: Instants, ranks: Integers, values: Floats
    ) -> None:
        self.instants = instants
        keys = pd.factorize(owners)[0].astype(np.int64) * len(instants) + ranks
        self.order = np.argsort(keys)
        self.keys = keys[self.order]
        self.ranks = ranks[self.order]
        self.totals = np.concatenate(([0.0], np.cumsum(values[self.order])))

    def windows(self, ending_days_ago: int) -> Iterator[tuple[int, Floats, Floats]]:
        """Each window's days and, for each row, number and sum of its owner's rows in (end - days, end]."""
        last = self._position(ending_days_ago)
        for days in WINDOW_DAYS:
            first = self._position(ending_days_ago + days)
            yield (
                days,
                self._by_row(last - first),
                self._by_row(self.totals[last] - self.totals[first]),
            )

    def _position(self, days: int) -> Integers:
        """For each sorted row, the position past all of its owner's rows up to and including `days` before it."""
        instants_until = np.searchsorted(
            self.instants, self.instants - np.timedelta64(days, "D"), side="right"
        )
        wanted = instants_until[self.ranks]
        wanted += self.keys  # in place: with millions of rows every array counts
        wanted -= self.ranks
        return np.searchsorted(self.keys, wanted)

    def _by_row(self, values: NDArray[np.number[Any]]) -> Floats:
        """Values of the sorted rows, in the order in which the rows came."""
        by_row = np.empty(len(values))
        by_row[self.order] = values
        return by_row


def _cents(raw: pd.DataFrame) -> Floats:
    """Whole cents add up exactly: a row's features do not depend on which other customers' rows stand in the frame."""
    cents: Floats = np.rint(raw["TX_AMOUNT"].to_numpy(dtype=np.float64) * 100)
    return cents


def _demand_known(raw: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        if missing := int(raw[column].isna().sum()):
            raise ValueError(
                f"{missing:,} of {len(raw):,} {column} are null: every later window would be wrong"
            )
