"""Card transactions of an invented town, with three kinds of fraud: rows to try everything with.

The town is a ring road. Terminals stand along it; each customer lives at one place of it and pays
mostly nearby. A transaction is a fraud because its amount is above a limit (scenario 1), because
its terminal is compromised for four weeks (2), or because its customer is compromised for two
weeks, in which some of the amounts are inflated (3). Compromises are as frequent on the first day
as on any other.

Here are the rows and their daily files. Not here: what a model computes from them
(configs/models/fraud_detector.py); reading them back (sources.py); wrong rows, which whoever
wants a bad day makes from a frame.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from configs.errors import UsageError

DAY_SECONDS = 24 * 60 * 60

# means over all customers
TRANSACTIONS_A_DAY = 1.9
TYPICAL_AMOUNT = 50.0

# standard deviation of how many terminals away from home a customer pays
REACH_TERMINALS = 25

SUSPICIOUS_AMOUNT = 245.0
# the share of a compromised customer's transactions that is inflated, and the factor
INFLATED_SHARE = 0.5
INFLATION = 10.0

# Each purpose draws from a random stream of its own, anew each day, so that the first days stay
# the same however many follow.
TOWN, TRAFFIC, TERMINALS, CUSTOMERS = range(4)

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Compromise:
    """How often terminals or customers are compromised, as a share of all a day, and how long."""

    stream: int
    daily_rate: float
    lasting_days: int


TERMINAL_COMPROMISE = Compromise(TERMINALS, daily_rate=0.00015, lasting_days=28)
CUSTOMER_COMPROMISE = Compromise(CUSTOMERS, daily_rate=0.0004, lasting_days=14)


@dataclass(frozen=True)
class Town:
    """The customers' habits and homes, and the terminal at each place of the ring.

    `daily_rates`, `typical_amounts` and `homes` have one value a customer; a home is a place, and
    `ring` holds the terminal of each place.
    """

    seed: int
    daily_rates: Floats
    typical_amounts: Floats
    homes: Integers
    ring: Integers


def simulate(
    days: int, *, seed: int = 0, start: date, customers: int = 5_000, terminals: int = 10_000
) -> pd.DataFrame:
    """The transactions of `days` days from `start` on, in order of time, 0.9% of them frauds.

    The same arguments give the same rows, about 1.9 a day and customer, and more days only add
    rows at the end. With two terminals a customer, as by default, each terminal has about one
    transaction a day; at quieter ones a compromise is harder to see.
    """
    if min(days, customers, terminals) < 1:
        raise UsageError(
            f"{days} days, {customers} customers, {terminals} terminals: at least one of each is "
            "needed"
        )
    town = _make_town(seed, customers, terminals)
    frame = pd.concat([_rows_of_day(town, day) for day in range(days)], ignore_index=True)
    since_start = frame["TX_TIME_SECONDS"].to_numpy().astype("timedelta64[s]")
    frame.insert(0, "TRANSACTION_ID", np.arange(len(frame), dtype=np.int64))
    frame.insert(1, "TX_DATETIME", np.datetime64(start, "us") + since_start)
    return frame


def write_days(frame: pd.DataFrame, folder: Path) -> tuple[Path, ...]:
    """Write `<YYYY-MM-DD>.parquet` for each day of the frame, over what is there; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    days = frame.groupby(frame["TX_DATETIME"].dt.normalize())
    return tuple(_write_day(rows, folder / f"{day:%Y-%m-%d}.parquet") for day, rows in days)


def _write_day(rows: pd.DataFrame, path: Path) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    rows.to_parquet(partial, index=False)
    # a reader sees the whole day or none: a glob over *.parquet does not match the partial file
    partial.replace(path)
    return path


def _make_town(seed: int, customers: int, terminals: int) -> Town:
    random = np.random.default_rng([seed, TOWN])
    return Town(
        seed=seed,
        daily_rates=random.gamma(3.0, TRANSACTIONS_A_DAY / 3.0, customers),
        typical_amounts=random.gamma(4.0, TYPICAL_AMOUNT / 4.0, customers),
        homes=random.integers(0, terminals, customers),
        ring=random.permutation(terminals).astype(np.int64),
    )


def _rows_of_day(town: Town, day: int) -> pd.DataFrame:
    """One day of the town, in order of time, with the raw columns except key and instant."""
    random = np.random.default_rng([town.seed, TRAFFIC, day])
    # one entry a transaction from here on
    customer = np.repeat(np.arange(len(town.homes)), random.poisson(town.daily_rates))
    random.shuffle(customer)
    count = len(customer)
    second = np.sort((DAY_SECONDS * random.beta(2.5, 2.5, count)).astype(np.int64))
    places_from_home = np.rint(random.normal(0, REACH_TERMINALS, count)).astype(np.int64)
    terminal = town.ring[(town.homes[customer] + places_from_home) % len(town.ring)]
    amount = town.typical_amounts[customer] * random.gamma(4.0, 1 / 4.0, count)
    amount = np.maximum(0.01, amount)

    at_compromised_terminal = _compromised_terminals(town, day)[terminal]
    of_compromised_customer = _compromised_customers(town, day)[customer]
    inflated = of_compromised_customer & (random.random(count) < INFLATED_SHARE)
    scenario = np.select([inflated, at_compromised_terminal, amount > SUSPICIOUS_AMOUNT], [3, 2, 1])
    return pd.DataFrame(
        {
            "CUSTOMER_ID": customer,
            "TERMINAL_ID": terminal,
            "TX_AMOUNT": np.round(np.where(inflated, INFLATION * amount, amount), 2),
            "TX_TIME_SECONDS": day * DAY_SECONDS + second,
            "TX_TIME_DAYS": np.full(count, day, dtype=np.int64),
            "TX_FRAUD": (scenario > 0).astype(np.int64),
            "TX_FRAUD_SCENARIO": scenario.astype(np.int64),
        }
    )


def _compromised_terminals(town: Town, day: int) -> Mask:
    return _compromised(TERMINAL_COMPROMISE, len(town.ring), town.seed, day)


def _compromised_customers(town: Town, day: int) -> Mask:
    return _compromised(CUSTOMER_COMPROMISE, len(town.homes), town.seed, day)


def _compromised(compromise: Compromise, population: int, seed: int, day: int) -> Mask:
    """True for each of the population that became compromised on `day` or shortly before.

    Days are counted from `lasting_days` before the first, so that compromises which began then
    are there on day 0.
    """
    compromised = np.zeros(population, dtype=np.bool_)
    for beginning in range(day + 1, day + 1 + compromise.lasting_days):
        # the total until each day is rounded down, so that small rates add up over days
        total_before = int(beginning * compromise.daily_rate * population)
        total = int((beginning + 1) * compromise.daily_rate * population)
        random = np.random.default_rng([seed, compromise.stream, beginning])
        victims = random.choice(population, total - total_before, replace=False)
        compromised[victims] = True
    return compromised
