"""`ratchet show`: the evidence that a person decides on, from the ledger alone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from configs.errors import UsageError
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from tasks.release.ledger import Event, Ledger
from tasks.release.standing import standing
from tasks.verdict import wording


@click.command(epilog="Example: ratchet show fraud_detector 7")
@MODEL
@click.argument("version", type=click.IntRange(min=1), required=False)
@AS_JSON
def show(model: str, version: int | None, as_json: bool) -> None:
    """The evidence of VERSION of MODEL, and whether it waits; without VERSION, that of the one that waits."""
    settings = Settings()
    config = read_model(model, settings)
    ledger = Ledger(settings.ledger_url)
    events = ledger.events(model)
    pending = standing(model, events).pending
    judged = _judged(model, events, version or (pending.version_to if pending else None))
    document = ledger.evidence(judged.evidence or "")
    if as_json:
        click.echo(json.dumps({"evidence": judged.evidence, "document": document}, indent=1))
        return
    _print_evidence(document, judged)
    if pending and pending.version_to == judged.version_to:
        until = pending.time + timedelta(days=config.approval.expires_after_days)
        if until < datetime.now(UTC).replace(tzinfo=None):
            click.echo(
                f"\nExpired on {until:%Y-%m-%d %H:%M} UTC without an answer. Ask again: ratchet promote {model} {judged.version_to}"
            )
            return
        click.echo(f"\nWaiting for an approval until {until:%Y-%m-%d %H:%M} UTC.")
        click.echo(f'  ratchet approve {model} {judged.version_to} --reason "..."')
        where = (
            f"{settings.prefect_ui}/runs/flow-run/{pending.flow_run}"
            if settings.knows_servers
            else "once it is up: ratchet up"
        )
        click.echo(f"  or in Prefect: {where}")
    else:
        newest = next(event for event in reversed(events) if event.version_to == judged.version_to)
        Console(width=80, highlight=False, markup=False).print(f"\n{newest}")


def _judged(model: str, events: tuple[Event, ...], version: int | None) -> Event:
    """The newest event of this version that rests on evidence."""
    if version is None:
        raise UsageError(
            f"nothing of {model} waits for an answer; name a version: ratchet show {model} VERSION"
        )
    found = [event for event in events if event.version_to == version and event.evidence]
    if not found:
        raise UsageError(
            f"version {version} of {model} has not been judged; ask for it: ratchet promote {model} {version}"
        )
    return found[-1]


def _print_evidence(document: dict[str, Any], judged: Event) -> None:
    digest = (judged.evidence or "")[:8]
    click.echo(f"{wording.headline(document)}   evidence {digest[:4]} {digest[4:]}")
    _say(wording.answer(document))
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for name in ("rule", "candidate", "other", "surely", "verdict"):
        table.add_column(name, justify="right" if name in ("candidate", "other") else "left")
    for row in wording.table(document):
        table.add_row(*row.values())
    click.echo()
    Console(width=80, highlight=False, markup=False).print(table)
    click.echo()
    for sentence in (*wording.doubts(document), *wording.about(document)):
        _say(sentence)
    if document["changes"]:
        _say(f"Changed: {'; '.join(document['changes'])}.")


def _say(sentence: str) -> None:
    click.echo(click.wrap_text(sentence, width=80))
