"""`ratchet train`, `promote` and `watch`: start a flow run on the running stack, or find one, and follow it."""

from datetime import datetime

import click

from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, AS_NAME, MODEL, VERSION
from deployments.commands.progress import follow_to_its_end
from deployments.prefect_api import Prefect


@click.command(epilog="Example: ratchet train fraud_detector --as-of 2018-08-15")
@MODEL
@click.option(
    "--as-of",
    type=click.DateTime(),
    help="Instant up to which labels are complete; default: end of the newest day less the delay.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="train.KEY=VALUE",
    help="Change the training of this run alone.",
)
@click.option("--explore", is_flag=True, help="Log only: read no holdout, register nothing.")
@AS_JSON
def train(
    model: str, as_of: datetime | None, overrides: tuple[str, ...], explore: bool, as_json: bool
) -> None:
    """Train a candidate of MODEL; where its YAML says so, its promotion is asked for."""
    settings = Settings()
    read_model(model, settings, overrides)
    parameters = {
        "as_of": as_of.isoformat() if as_of else None,
        "overrides": list(overrides),
        "explore": explore,
    }
    with Prefect(settings) as prefect:
        follow_to_its_end(prefect, prefect.start("train_candidate", model, parameters), as_json)


@click.command(epilog="Example: ratchet promote fraud_detector 7")
@MODEL
@VERSION
@click.option("--instead", is_flag=True, help="Take the place of the request that waits now.")
@AS_NAME
@AS_JSON
def promote(model: str, version: int, instead: bool, who: str, as_json: bool) -> None:
    """Ask for the promotion of VERSION of MODEL: the gate judges it now, a person answers."""
    settings = Settings()
    read_model(model, settings)
    parameters = {"version": version, "instead": instead, "asked_by": who}
    with Prefect(settings) as prefect:
        run = follow_to_its_end(
            prefect, prefect.start("promote_candidate", model, parameters), as_json
        )
    if run.suspended and not as_json:
        click.echo(
            f'  ratchet show {model} {version}\n  ratchet approve {model} {version} --reason "..."'
        )


@click.command(epilog="Example: ratchet watch")
@click.argument("run", required=False)
@AS_JSON
def watch(run: str | None, as_json: bool) -> None:
    """Follow a run that was started elsewhere: RUN by its id, else the one that began last."""
    with Prefect(Settings()) as prefect:
        follow_to_its_end(prefect, prefect.read(run) if run else prefect.newest(), as_json)
