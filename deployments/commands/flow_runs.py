"""`ratchet train`, `score`, `promote` and `watch`: start a flow run, or find one.

Not here: how a run is followed (progress.py).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from configs.errors import UsageError
from configs.reading import read_model
from configs.settings import Settings
from configs.split import TimeSplit
from deployments.commands.arguments import AS_JSON, AS_REQUESTER, MODEL, VERSION
from deployments.commands.past_days import train_past_days
from deployments.commands.progress import follow_and_print, start_and_follow
from deployments.prefect_api import Prefect

DAY = click.DateTime(["%Y-%m-%d"])
MOST_DAYS = 10_000


class Days(click.ParamType[timedelta]):
    """A number of days, written as 7d or 7."""

    name = "days"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        number = str(value).removesuffix("d")
        if not number.isdecimal() or not 0 < int(number) < MOST_DAYS:
            self.fail(f"{value!r} is not a number of days; write it as 7d", param, ctx)
        return timedelta(days=int(number))


@click.command(epilog="Example: ratchet train fraud_detector --as-of 2018-08-15")
@MODEL
@click.option(
    "--as-of",
    type=click.DateTime(),
    help="The instant up to which labels are complete; "
    "default: the end of the newest day minus the label delay.",
)
@click.option(
    "--from",
    "first",
    type=DAY,
    metavar="DATE",
    help="Train once for each of several past days, in order: the first --as-of.",
)
@click.option("--to", "last", type=DAY, metavar="DATE", help="With --from: no --as-of is later.")
@click.option(
    "--every", type=Days(), metavar="DAYS", help="With --from: between two --as-of; default: 1d."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="train.KEY=VALUE",
    help="Change a training setting for this run only.",
)
@click.option("--explore", is_flag=True, help="Only log: read no holdout, register nothing.")
@AS_JSON
def train(
    model: str,
    as_of: datetime | None,
    first: datetime | None,
    last: datetime | None,
    every: timedelta | None,
    overrides: tuple[str, ...],
    explore: bool,
    as_json: bool,
) -> None:
    """Train a candidate of MODEL, and request its promotion if the YAML says so."""
    past_days = _past_days(as_of, first, last, every)
    settings = Settings()
    config = read_model(model, settings, overrides)
    parameters: dict[str, Any] = {"overrides": list(overrides), "explore": explore}
    if past_days:
        if not isinstance(config.split, TimeSplit):
            raise UsageError(f"{model} is not split by time ({config.split}); leave out --from")
        train_past_days(settings, model, past_days, parameters, as_json=as_json)
        return
    parameters["as_of"] = as_of.isoformat() if as_of else None
    start_and_follow(settings, "train_candidate", model, parameters, as_json=as_json)


def _past_days(
    as_of: datetime | None,
    first: datetime | None,
    last: datetime | None,
    every: timedelta | None,
) -> Sequence[datetime]:
    """The days to train as of; none where only one run is wanted."""
    if first is None:
        if last or every:
            raise click.UsageError("--to and --every go with --from.")
        return ()
    if as_of or last is None:
        raise click.UsageError("--from goes with --to, and without --as-of.")
    if last < first:
        raise click.UsageError(f"--to {last:%Y-%m-%d} is before --from {first:%Y-%m-%d}.")
    step = every or timedelta(days=1)
    return [first + number * step for number in range((last - first) // step + 1)]


@click.command(epilog="Example: ratchet promote fraud_detector 7")
@MODEL
@VERSION
@click.option(
    "--replace-pending", is_flag=True, help="Withdraw the pending request and submit this one."
)
@AS_REQUESTER
@AS_JSON
def promote(model: str, version: int, replace_pending: bool, who: str, as_json: bool) -> None:
    """Request the promotion of VERSION of MODEL: the gate judges it now, then a person answers."""
    settings = Settings()
    read_model(model, settings)
    parameters = {"version": version, "instead": replace_pending, "asked_by": who}
    run = start_and_follow(settings, "promote_candidate", model, parameters, as_json=as_json)
    if run.suspended and not as_json:
        click.echo(f"  ratchet show {model} {version}")
        click.echo(f'  ratchet approve {model} {version} --reason "..."')


@click.command(epilog="Example: ratchet score fraud_detector --from 2018-08-15 --out scores")
@MODEL
@click.option(
    "--out",
    metavar="DIR",
    help="Folder for the scores, or an address such as s3://bucket/scores; "
    "default: the one in the YAML (scoring: {out: ...}).",
)
@click.option(
    "--from",
    "first",
    type=DAY,
    metavar="DATE",
    help="First day to score; default: the day after the newest one in the folder, "
    "or the last day if it has none.",
)
@click.option(
    "--to",
    "last",
    type=DAY,
    metavar="DATE",
    help="Last day to score; default: the newest of the data.",
)
@AS_JSON
def score(
    model: str, out: str | None, first: datetime | None, last: datetime | None, as_json: bool
) -> None:
    """Score new rows of MODEL with its champion, and write the scores as Parquet files.

    Each day becomes a file of its own, DIR/MODEL/date=2018-08-15/scores.parquet, which replaces the
    one of an earlier run. Rows without times are all scored, into DIR/MODEL/scores.parquet.
    """
    settings = Settings()
    config = read_model(model, settings)
    if out is None and config.scoring is None:
        raise click.UsageError(f"Name a folder with --out, or in the YAML of {model}: scoring.out.")
    parameters = {
        "out": out if out is None or "://" in out else str(Path(out).expanduser().absolute()),
        "first": first.date().isoformat() if first else None,
        "last": last.date().isoformat() if last else None,
    }
    start_and_follow(settings, "score_batch", model, parameters, as_json=as_json)


@click.command(epilog="Example: ratchet watch")
@click.argument("run", required=False)
@AS_JSON
def watch(run: str | None, as_json: bool) -> None:
    """Follow the run with the id RUN, or the run that began last."""
    with Prefect(Settings()) as prefect:
        flow_run = prefect.read(run) if run else prefect.newest()
        follow_and_print(prefect, flow_run, as_json=as_json)
