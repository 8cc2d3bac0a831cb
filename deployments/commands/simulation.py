"""`ratchet simulate`: card transactions of a made-up town, as daily files.

Not here: how they are drawn (tasks/data/simulation.py).
"""

from datetime import datetime
from pathlib import Path

import click


@click.command(epilog="Example: ratchet simulate --days 65 --out .ratchet/data/transactions")
@click.option("--days", type=click.IntRange(min=1, max=3660), required=True, help="How many days.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder for the files, one a day.",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-01-01",
    show_default=True,
    help="The first day.",
)
@click.option(
    "--customers",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="How many customers, each with about 1.9 transactions a day.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed makes the same transactions.",
)
def simulate(days: int, out: Path, start: datetime, customers: int, seed: int) -> None:
    """Write DAYS of simulated card transactions, about 0.9% of them fraudulent."""
    from tasks.data.simulation import simulate as draw
    from tasks.data.simulation import write_days

    terminals = 2 * customers
    rows = draw(days, seed=seed, start=start.date(), customers=customers, terminals=terminals)
    files = write_days(rows, out)
    click.echo(
        f"{len(rows):,} transactions, {rows['TX_FRAUD'].mean():.2%} fraudulent, "
        f"in {len(files)} files: {files[0]} .. {files[-1].name}"
    )
