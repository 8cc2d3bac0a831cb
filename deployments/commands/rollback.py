"""`ratchet rollback` and `reference`: production or its reference changed without a question, through the flow that writes the ledger."""

import click

from configs.errors import UsageError
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, AS_NAME, MODEL, VERSION
from deployments.commands.progress import follow_to_its_end
from deployments.prefect_api import Prefect
from tasks.release.ledger import Ledger
from tasks.release.standing import standing


@click.command(epilog='Example: ratchet rollback fraud_detector --reason "alerts doubled"')
@MODEL
@click.option(
    "--to",
    "version",
    type=click.IntRange(min=1),
    help="The former champion that serves again; default: the one before this one.",
)
@click.option("--reason", required=True, help="Why; it goes on record.")
@AS_NAME
@AS_JSON
def rollback(model: str, version: int | None, reason: str, who: str, as_json: bool) -> None:
    """Make a former champion of MODEL serve again; nobody is asked, and it goes on record."""
    settings = Settings()
    read_model(model, settings)
    _correct(
        settings, "roll_back", model, version or _previous(settings, model), reason, who, as_json
    )


@click.command(
    epilog='Example: ratchet reference fraud_detector 7 --reason "what the audit of July was about"'
)
@MODEL
@VERSION
@click.option("--reason", required=True, help="Why; it goes on record.")
@AS_NAME
@AS_JSON
def reference(model: str, version: int, reason: str, who: str, as_json: bool) -> None:
    """Make VERSION, which is or was the champion of MODEL, the mark below which no later champion may creep."""
    settings = Settings()
    read_model(model, settings)
    _correct(settings, "move_reference", model, version, reason, who, as_json)


def _previous(settings: Settings, model: str) -> int:
    now = standing(model, Ledger(settings.ledger_url).events(model))
    if now.previous:
        return now.previous
    left = ", ".join(map(str, sorted(now.former)))
    choice = (
        f"choose one with --to: {left}"
        if left
        else f"there is nothing to go back to: ratchet history {model}"
    )
    raise UsageError(f"{model} had no champion before this one; {choice}")


def _correct(
    settings: Settings, flow: str, model: str, version: int, reason: str, who: str, as_json: bool
) -> None:
    parameters = {"version": version, "reason": reason, "asked_by": who}
    with Prefect(settings) as prefect:
        follow_to_its_end(prefect, prefect.start(flow, model, parameters), as_json)
