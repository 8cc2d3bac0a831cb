"""`ratchet train` and `ratchet promote`: start a flow run on the running stack and watch it."""

from datetime import datetime

import click

from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.people import as_name
from deployments.commands.watching import demand_success, watch
from deployments.prefect_api import FlowRun, Prefect
from tasks.release.ledger import Ledger
from tasks.release.standing import standing


@click.command(epilog="Example: ratchet train fraud_detector --as-of 2018-08-15")
@click.argument("model")
@click.option(
    "--as-of",
    type=click.DateTime(),
    help="Instant up to which labels are complete; default: end of the newest day less the delay.",
)
@click.option("--set", "overrides", multiple=True, metavar="train.KEY=VALUE", help="Change the training of this run alone.")
@click.option("--explore", is_flag=True, help="Log only: read no holdout, register nothing.")
def train(model: str, as_of: datetime | None, overrides: tuple[str, ...], explore: bool) -> None:
    """Train a candidate of MODEL; where its YAML says so, its promotion is asked for."""
    settings = Settings()
    read_model(model, settings, overrides)
    parameters = {"as_of": as_of.isoformat() if as_of else None, "overrides": list(overrides), "explore": explore}
    with Prefect(settings) as prefect:
        run = _started(prefect, prefect.start("train_candidate", model, parameters))
        run = watch(prefect, run)
    demand_success(run)
    click.echo(run.message)
    click.echo(f"  {settings.prefect_ui}/runs/flow-run/{run.id}")


@click.command(epilog="Example: ratchet promote fraud_detector 7")
@click.argument("model")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--instead", is_flag=True, help="Take the place of the request that waits now.")
@as_name
def promote(model: str, version: int, instead: bool, who: str) -> None:
    """Ask for the promotion of VERSION of MODEL: the gate judges it now, a person answers."""
    settings = Settings()
    read_model(model, settings)
    parameters = {"version": version, "instead": instead, "asked_by": who}
    with Prefect(settings) as prefect:
        run = watch(prefect, _started(prefect, prefect.start("promote_candidate", model, parameters)))
    demand_success(run)
    pending = standing(model, Ledger(settings.ledger_url).events(model)).pending
    click.echo(f'{pending or run.message}\n  ratchet show {model} {version}\n  ratchet approve {model} {version} --reason "..."')


def _started(prefect: Prefect, run: FlowRun) -> FlowRun:
    click.echo(f"started   {prefect.settings.prefect_ui}/runs/flow-run/{run.id}")
    return run
