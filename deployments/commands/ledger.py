"""`ratchet ledger verify`: the ledger's chains of hashes, and the evidence that their events cite.

Not here: how a chain is checked (tasks/release/chain.py).
"""

import json

import click

from configs.errors import LedgerDamaged, UsageError
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, complete_model
from tasks.release.ledger import Ledger


@click.group()
def ledger() -> None:
    """Check the ledger."""


@ledger.command(epilog="Example: ratchet ledger verify")
@click.argument("models", nargs=-1, shell_complete=complete_model)
@AS_JSON
def verify(models: tuple[str, ...], as_json: bool) -> None:
    """Check that no recorded event was changed or removed.

    Checks MODELS, or every model. Finds edited rows, rows missing in the middle, and evidence that
    is gone or changed. A tail that was cut off cannot be found.
    """
    ledger = Ledger(Settings().ledger_url)
    recorded = ledger.models()
    if unknown := [model for model in models if model not in recorded]:
        raise UsageError(f"the ledger has no events of {', '.join(unknown)}")
    rows, faults = _verify(ledger, models or recorded)
    if as_json:
        answers = [
            {"model": model, "rows": rows.get(model), "problem": faults.get(model)}
            for model in models or recorded
        ]
        click.echo(json.dumps(answers, indent=1))
    elif not recorded:
        click.echo("The ledger is empty.")
    else:
        for model, count in rows.items():
            click.echo(f"{model}: {count} events, chain and evidence intact.")
    if faults:
        raise LedgerDamaged("\n".join(faults.values()))


def _verify(ledger: Ledger, models: tuple[str, ...]) -> tuple[dict[str, int], dict[str, str]]:
    """The rows of each model whose chain holds, and the first fault of each other."""
    rows: dict[str, int] = {}
    faults: dict[str, str] = {}
    for model in models:
        try:
            rows[model] = ledger.verify(model)
        except LedgerDamaged as error:
            faults[model] = str(error)
    return rows, faults
