"""Card transactions of a made-up town, with three ways of fraud: what everything can be tried with, nobody's data.

The town is a ring road: terminals stand along it, each customer lives at one place of it and pays mostly nearby. A
transaction is a fraud because its amount is above a limit (scenario 1), because its terminal is compromised for four
weeks (2), or because its customer is for two weeks, in which some of the amounts are inflated (3). Compromises are as
frequent on the first day as on any other.

Here are the rows and their daily files. Not here: what a model computes from them (configs/models/fraud_detector.py),
reading them back (sources.py), or wrong rows on purpose: whoever wants a bad day spoils a frame.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.errors import UsageError

DAY_SECONDS = 24 * 60 * 60

TRANSACTIONS_A_DAY = 1.9  # of a customer, in the mean
TYPICAL_AMOUNT = 50.0  # of a customer, in the mean
REACH = 25  # terminals on either side of home that a customer goes to: one standard deviation

SUSPICIOUS_AMOUNT = 245.0
INFLATED_SHARE = 0.5  # of a compromised customer's transactions
INFLATION = 10.0

# Each purpose draws from a stream of its own, anew each day: the first days stay the same however many follow.
TOWN, TRAFFIC, TERMINALS, CUSTOMERS = range(4)

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Compromise:
    """How a kind of victim gets compromised: `daily_rate` of all of them anew each day, for `lasting_days`."""

    stream: int
    daily_rate: float
    lasting_days: int


TERMINAL_COMPROMISE = Compromise(TERMINALS, daily_rate=0.00015, lasting_days=28)
CUSTOMER_COMPROMISE = Compromise(CUSTOMERS, daily_rate=0.0004, lasting_days=14)


@dataclass(frozen=True)
class Town:
    """Who lives and who sells where. Places are numbered along the ring; `ring` holds the terminal of each."""

    seed: int
    daily_rates: Floats
    typical_amounts: Floats
    homes: Integers
    ring: Integers


def simulate(
    days: int, *, seed: int = 0, start: date, customers: int = 5_000, terminals: int = 10_000
) -> pd.DataFrame:
    """The transactions of `days` days from `start` on, in order of time: about 1.9 a day and customer, 0.9 % frauds.

    The same arguments give the same rows, and more days only add rows at the end. Two terminals a customer keep each as
    busy as by default, with one transaction a day; at quieter ones a compromise is harder to see.
    """
    if min(days, customers, terminals) < 1:
        raise UsageError(
            f"{days} days, {customers} customers, {terminals} terminals: at least one of each is needed"
        )
    town = _settle(seed, customers, terminals)
    frame = pd.concat([_day(town, day) for day in range(days)], ignore_index=True)
    first = np.datetime64(start, "us")
    frame.insert(0, "TRANSACTION_ID", np.arange(len(frame), dtype=np.int64))
    frame.insert(
        1, "TX_DATETIME", first + frame["TX_TIME_SECONDS"].to_numpy().astype("timedelta64[s]")
    )
    return frame


def write_days(frame: pd.DataFrame, folder: Path) -> tuple[Path, ...]:
    """A file `<YYYY-MM-DD>.parquet` in `folder` for each day of the frame; one that is there already is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    days = frame.groupby(frame["TX_DATETIME"].dt.normalize())
    return tuple(_write(rows, folder / f"{day:%Y-%m-%d}.parquet") for day, rows in days)


def _write(rows: pd.DataFrame, path: Path) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    rows.to_parquet(partial, index=False)
    partial.replace(
        path
    )  # a reader finds the whole day or none: no glob over *.parquet sees the partial file
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
    amount = np.maximum(
        0.01, town.typical_amounts[customer] * draw.gamma(4.0, 1 / 4.0, len(customer))
    )
    skimmed = _compromised(TERMINAL_COMPROMISE, len(town.ring), town.seed, day)[terminal]
    stolen = _compromised(CUSTOMER_COMPROMISE, len(town.homes), town.seed, day)[customer]
    inflated = stolen & (draw.random(len(customer)) < INFLATED_SHARE)
    scenario = np.select([inflated, skimmed, amount > SUSPICIOUS_AMOUNT], [3, 2, 1])
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


def _compromised(kind: Compromise, population: int, seed: int, day: int) -> NDArray[np.bool_]:
    """True for those of the population that are compromised on `day`: it began today or in the days it lasts before."""
    victims = np.zeros(population, dtype=np.bool_)
    for began in range(
        day + 1, day + 1 + kind.lasting_days
    ):  # day 0 itself is number `lasting_days`
        newly = int((began + 1) * kind.daily_rate * population) - int(
            began * kind.daily_rate * population
        )
        victims[
            np.random.default_rng([seed, kind.stream, began]).choice(
                population, newly, replace=False
            )
        ] = True
    return victims
