"""Card transactions of a made-up town, with three ways of fraud, so that everything can be tried without anybody's data.

The town is a ring road: terminals stand along it, each customer lives at one place of it and pays mostly nearby. A transaction
is fraudulent because its amount is above a limit (scenario 1), because its terminal is compromised for four weeks (2), or because
its customer is, for two weeks in which some of the amounts are inflated (3). The town is in full swing from its first day on.

Here are the rows and their daily files. Not here: what a model computes from them (configs/models/fraud_detector.py),
reading them back (sources.py), or wrong rows on purpose: whoever wants a bad day spoils a frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DAY_SECONDS = 24 * 60 * 60

TRANSACTIONS_A_DAY = 1.9  # of a customer, in the mean
TYPICAL_AMOUNT = 50.0  # of a customer, in the mean
REACH = 25  # terminals on either side of home that a customer goes to: one standard deviation

SUSPICIOUS_AMOUNT = 240.0
TERMINAL_DAYS = 28
TERMINAL_RATE = 0.00019  # of all terminals, newly compromised each day
CUSTOMER_DAYS = 14
CUSTOMER_RATE = 0.0005  # of all customers, newly compromised each day
INFLATED_SHARE = 0.4  # of a compromised customer's transactions
INFLATION = 6.0

# What is drawn has a stream of its own for each purpose and day: the first days stay the same however many follow.
TOWN, TRAFFIC, TERMINALS, CUSTOMERS = range(4)

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Town:
    """Who lives and who sells where. Places are numbered along the ring, one terminal each; `ring` says which terminal."""

    seed: int
    daily_rates: Floats
    typical_amounts: Floats
    homes: Integers
    ring: Integers


def simulate(
    days: int, *, seed: int = 0, start: date, customers: int = 5_000, terminals: int = 10_000
) -> pd.DataFrame:
    """All transactions of `days` days from `start` on, in the order of their time; about 1.9 a day and customer, 0.9 % frauds.

    The same arguments give the same rows, and more days only add rows at the end. Two terminals a customer keep a terminal
    as busy as by default, at one transaction a day: with far fewer transactions it takes longer to tell a compromised one.
    """
    town = _settle(seed, customers, terminals)
    frame = pd.concat([_day(town, day) for day in range(days)], ignore_index=True)
    first = np.datetime64(start, "us")
    frame.insert(0, "TRANSACTION_ID", np.arange(len(frame), dtype=np.int64))
    frame.insert(1, "TX_DATETIME", first + frame["TX_TIME_SECONDS"].to_numpy().astype("timedelta64[s]"))
    return frame


def write_days(frame: pd.DataFrame, folder: Path) -> tuple[Path, ...]:
    """One file `<YYYY-MM-DD>.parquet` in `folder` for each day of the frame; a day that has a file already is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(rows, folder / f"{day}.parquet") for day, rows in frame.groupby(frame["TX_DATETIME"].dt.date))


def _write(rows: pd.DataFrame, path: Path) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    rows.to_parquet(partial, index=False)
    partial.replace(path)  # a reader finds the whole day or none: no glob over *.parquet sees the partial file
    return path


def _settle(seed: int, customers: int, terminals: int) -> Town:
    draw = np.random.default_rng([seed, TOWN])
    return Town(
        seed=seed,
        daily_rates=draw.gamma(3.0, TRANSACTIONS_A_DAY / 3.0, customers),
        typical_amounts=draw.gamma(4.0, TYPICAL_AMOUNT / 4.0, customers),
        homes=draw.integers(0, terminals, customers),
        ring=draw.permutation(terminals).astype(np.int64),
    )


def _day(town: Town, day: int) -> pd.DataFrame:
    """One day of the town, in the order of time, as raw columns without key and instant."""
    draw = np.random.default_rng([town.seed, TRAFFIC, day])
    customer = np.repeat(np.arange(len(town.homes)), draw.poisson(town.daily_rates))
    draw.shuffle(customer)
    second = np.sort((DAY_SECONDS * draw.beta(2.5, 2.5, len(customer))).astype(np.int64))
    place = town.homes[customer] + np.rint(draw.normal(0, REACH, len(customer))).astype(np.int64)
    terminal = town.ring[place % len(town.ring)]
    amount = np.maximum(0.01, town.typical_amounts[customer] * draw.gamma(4.0, 1 / 4.0, len(customer)))
    inflated = _compromised_customers(town, day)[customer] & (draw.random(len(customer)) < INFLATED_SHARE)
    scenario = np.select([inflated, _compromised_terminals(town, day)[terminal], amount > SUSPICIOUS_AMOUNT], [3, 2, 1])
    return pd.DataFrame(
        {
            "CUSTOMER_ID": customer,
            "TERMINAL_ID": terminal,
            "TX_AMOUNT": np.round(np.where(inflated, INFLATION * amount, amount), 2),
            "TX_TIME_SECONDS": day * DAY_SECONDS + second,
            "TX_TIME_DAYS": np.full(len(customer), day, dtype=np.int64),
            "TX_FRAUD": (scenario > 0).astype(np.int64),
            "TX_FRAUD_SCENARIO": scenario.astype(np.int64),
        }
    )
