"""`ratchet approve` and `reject`: the answer to a promotion that waits, given through its flow."""

from typing import Literal

import click

from configs.errors import UsageError
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, AS_NAME, MODEL, VERSION
from deployments.commands.progress import follow, tell
from deployments.prefect_api import Prefect
from tasks.release.ledger import Ledger
from tasks.release.standing import standing


@click.command(epilog='Example: ratchet approve fraud_detector 7 --reason "better at night"')
@MODEL
@VERSION
@click.option("--reason", required=True, help="Why; it goes on record.")
@AS_NAME
@AS_JSON
def approve(model: str, version: int, reason: str, who: str, as_json: bool) -> None:
    """Say yes: VERSION of MODEL goes into production if the facts are still those that were judged."""
    _answer("approve", model, version, reason, who, as_json)


@click.command(epilog='Example: ratchet reject fraud_detector 7 --reason "too few frauds to tell"')
@MODEL
@VERSION
@click.option("--reason", required=True, help="Why; it goes on record.")
@AS_NAME
@AS_JSON
def reject(model: str, version: int, reason: str, who: str, as_json: bool) -> None:
    """Say no: the champion of MODEL stays."""
    _answer("reject", model, version, reason, who, as_json)


def _answer(
    decision: Literal["approve", "reject"],
    model: str,
    version: int,
    reason: str,
    who: str,
    as_json: bool,
) -> None:
    settings = Settings()
    read_model(model, settings)
    ledger = Ledger(settings.ledger_url)
    pending = standing(model, ledger.events(model)).pending
    if pending is None or pending.version_to != version:
        waits = f"version {pending.version_to} does" if pending else "nothing does"
        raise UsageError(
            f"version {version} of {model} does not wait for an answer; {waits}. Ask for it: ratchet promote {model} {version}"
        )
    form = {"decision": decision, "your_name": who, "reason": reason, "evidence": pending.evidence}
    with Prefect(settings) as prefect:
        flow_run = pending.flow_run or ""
        said = len(prefect.lines(flow_run, 0))
        prefect.answer(flow_run, form)
        run = follow(prefect, prefect.read(flow_run), said, aside=as_json)
        tell(prefect, run, as_json, wanted="Rejected" if decision == "reject" else "Promoted")
