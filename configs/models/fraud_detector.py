"""The hooks of fraud_detector: its window features, the rows it is not judged on, its own metric.

They are plain functions of pandas frames and import nothing from ratchet: their source is stored
with each version of the model and runs wherever that version scores.

Not here: which columns are read, and which are features (fraud_detector.yaml).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

WINDOW_DAYS = (1, 7, 30)
# The same as delay_days in the YAML: a fraud is reported within a week
LABEL_DELAY_DAYS = 7
LAST_NIGHT_HOUR = 6
CARDS_A_DAY = 100

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Instants = NDArray[np.datetime64]


class Window(Protocol):
    """The bounds of a run's window that the hooks use; ends are exclusive."""

    @property
    def train_start(self) -> datetime: ...
    @property
    def train_end(self) -> datetime: ...
    @property
    def holdout_start(self) -> datetime: ...


def add_window_features(raw: pd.DataFrame) -> pd.DataFrame:
    """Add 14 columns to the rows: their time, the customer's activity, the terminal's risk.

    The rows keep their order. A customer's windows are the last 1, 7 and 30 days up to and
    including the transaction's own second: number of transactions and mean amount. A terminal's
    windows end 7 days earlier, because labels take a week: number of transactions and share of
    frauds, 0 where there are no transactions. The older end of a window is exclusive. A label that
    is not known yet counts as no fraud; labels of the newest 7 days are used for no row.

    Raises ValueError for a missing time or amount.
    """
    _require_known(raw, "TX_DATETIME", "TX_AMOUNT")
    when = raw["TX_DATETIME"]
    features: dict[str, Any] = {
        "TX_DURING_WEEKEND": (when.dt.day_of_week >= 5).astype("int64"),
        "TX_DURING_NIGHT": (when.dt.hour <= LAST_NIGHT_HOUR).astype("int64"),
    }
    instants, ranks = np.unique(when.to_numpy(dtype="datetime64[us]"), return_inverse=True)

    customers = _Timeline(raw["CUSTOMER_ID"], instants, ranks, _cents(raw))
    for days, number, cents in customers.windows(ending_days_ago=0):
        features[f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"] = number
        features[f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW"] = cents / number / 100

    is_fraud = raw["TX_FRAUD"].fillna(0).to_numpy(dtype=np.float64)
    terminals = _Timeline(raw["TERMINAL_ID"], instants, ranks, is_fraud)
    for days, number, frauds in terminals.windows(ending_days_ago=LABEL_DELAY_DAYS):
        features[f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW"] = number
        features[f"TERMINAL_ID_RISK_{days}DAY_WINDOW"] = frauds / np.maximum(number, 1)

    return raw.assign(**features)


def known_compromised(rows: pd.DataFrame, window: Window) -> "pd.Series[bool]":
    """True for holdout rows of cards already known to be compromised: finding them needs no model.

    On day d these are the cards of customers with a fraud from the start of training up to and
    including day d - (delay + 1 day): all labels of that day have arrived when d begins. `rows` are
    all rows from the start of training to the end of the holdout. The mask has their index.
    """
    when = rows["TX_DATETIME"]
    delay = window.holdout_start - window.train_end
    known_frauds = when.where((rows["TX_FRAUD"] == 1) & (when >= window.train_start))
    first_fraud = known_frauds.groupby(rows["CUSTOMER_ID"]).transform("min")
    known_from = first_fraud.dt.normalize() + delay + timedelta(days=1)
    is_known: pd.Series[bool] = (when >= window.holdout_start) & (when >= known_from)
    return is_known


def card_precision_at_100(rows: pd.DataFrame, scores: ArrayLike) -> float:
    """The share of defrauded cards among a day's 100 most suspicious, averaged over the days.

    Greater is better. A card's score is that of its most suspicious transaction of the day; a card
    detected on one day is left out of later days. Equal scores rank by CUSTOMER_ID, the smaller
    first. The share is of 100 even on a day with fewer cards. `scores` are in the order of `rows`.

    Source: Fraud Detection Handbook (Le Borgne et al., 2022), Card Precision@k.
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
    detected_before: set[Any] = set()
    shares = []
    for _, today in ranked.groupby("day"):
        inspected = today[~today["card"].isin(detected_before)].head(CARDS_A_DAY)
        detected = inspected["card"][inspected["defrauded"] == 1]
        detected_before.update(detected)
        shares.append(len(detected) / CARDS_A_DAY)
    return fmean(shares)


class _Timeline:
    """Rows sorted by owner and time, with running totals of their values.

    A window is the rows between two positions, and its sum the difference of two totals.
    `instants` are all distinct times, sorted; `ranks` holds the position of each row's time among
    them. A row's key combines its owner's number and its rank in one integer, so that one search
    finds a time among the owner's rows.
    """

    def __init__(
        self, owners: "pd.Series[Any]", instants: Instants, ranks: Integers, values: Floats
    ) -> None:
        self.instants = instants
        owner_numbers = pd.factorize(owners)[0].astype(np.int64)
        keys = owner_numbers * len(instants) + ranks
        self.order = np.argsort(keys)
        self.keys = keys[self.order]
        self.ranks = ranks[self.order]
        self.totals = np.concatenate(([0.0], np.cumsum(values[self.order])))

    def windows(self, ending_days_ago: int) -> Iterator[tuple[int, Floats, Floats]]:
        """Each window's days, with the number and the sum of its rows.

        Both have a value for each row: of its owner's rows in (end - days, end].
        """
        end = self._positions_days_before(ending_days_ago)
        for days in WINDOW_DAYS:
            start = self._positions_days_before(ending_days_ago + days)
            number = self._in_original_order(end - start)
            total = self._in_original_order(self.totals[end] - self.totals[start])
            yield days, number, total

    def _positions_days_before(self, days: int) -> Integers:
        """For each sorted row, the position after its owner's last row at least `days` earlier."""
        ends = self.instants - np.timedelta64(days, "D")
        ranks_after_end = np.searchsorted(self.instants, ends, side="right")
        # In place, because with millions of rows every array counts
        searched_keys = ranks_after_end[self.ranks]
        searched_keys += self.keys
        searched_keys -= self.ranks
        return np.searchsorted(self.keys, searched_keys)

    def _in_original_order(self, values: NDArray[np.number[Any]]) -> Floats:
        """Values of the sorted rows, in the order in which the rows came."""
        by_row = np.empty(len(values))
        by_row[self.order] = values
        return by_row


def _cents(raw: pd.DataFrame) -> Floats:
    """The amounts in whole cents.

    They add up exactly, so a row's features do not depend on which other customers are present.
    """
    cents: Floats = np.rint(raw["TX_AMOUNT"].to_numpy(dtype=np.float64) * 100)
    return cents


def _require_known(raw: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        missing = int(raw[column].isna().sum())
        if missing:
            raise ValueError(
                f"{missing:,} of {len(raw):,} {column} are null: every later window would be wrong"
            )
