"""`ratchet status` and `ratchet history`: what the ledger says, and nothing else."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from configs.reading import model_names, model_path
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from tasks.release.ledger import Event, Ledger
from tasks.release.standing import CHAMPION_CHANGES, champion_on, standing


@click.command(epilog="Example: ratchet status")
@AS_JSON
def status(as_json: bool) -> None:
    """Every model: its champion, since when, by whom, and what waits."""
    settings = Settings()
    ledger = Ledger(settings.ledger_url)
    models = sorted({*model_names(settings), *ledger.models()})
    rows = [_status(model, ledger.events(model)) for model in models]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    headings = ("model", "champion", "since (UTC)", "by", "newest", "waits for")
    _print_table(headings, (list(row.values()) for row in rows))


@click.command(epilog="Example: ratchet history fraud_detector --on 2018-08-08T00:00")
@MODEL
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="What was in production at this instant, UTC.",
)
@AS_JSON
def history(model: str, on: datetime | None, as_json: bool) -> None:
    """Every decision about MODEL, newest first."""
    settings = Settings()
    events = Ledger(settings.ledger_url).events(model)
    if not events:
        model_path(model, settings)
    if on:
        champion = champion_on(events, on)
        click.echo(
            str(champion)
            if champion
            else f"No version of {model} was in production on {on:%Y-%m-%d %H:%M} UTC."
        )
    elif as_json:
        click.echo(json.dumps([asdict(event) for event in events], indent=1, default=str))
    elif not events:
        click.echo(
            f"Nothing has been decided about {model} yet. Train a candidate: ratchet train {model}"
        )
    else:
        print_history(events)


def next_step() -> str:
    """What somebody who typed nothing but `ratchet` may want to do next."""
    from deployments.stack import is_up

    settings = Settings()
    names = model_names(settings)
    if not names:
        return (
            f"There is no model in {settings.models}. Put a YAML there, then: ratchet config check"
        )
    if not is_up(settings):
        return f"Nothing is up in {settings.home}. Start it: ratchet up. To see the whole story first: ratchet demo"
    ledger = Ledger(settings.ledger_url)
    for model in names:
        if pending := standing(model, ledger.events(model)).pending:
            return f"Version {pending.version_to} of {model} waits for an answer. Look at it: ratchet show {model}"
    if idle := [model for model in names if not ledger.events(model)]:
        return f"Nothing has been decided about {idle[0]} yet. Train a candidate: ratchet train {idle[0]}"
    return "All is well. Every model at a glance: ratchet status"


def print_history(events: Sequence[Event]) -> None:
    """A line for each event, newest first."""
    headings = ("seq", "when (UTC)", "what", "version", "who", "why")
    rows = (
        [str(e.sequence), f"{e.time:%Y-%m-%d %H:%M}", e.event, _versions(e), e.who, e.why]
        for e in reversed(events)
    )
    _print_table(headings, rows)


def _status(model: str, events: tuple[Event, ...]) -> dict[str, str]:
    now = standing(model, events)
    newest = max(events, key=lambda event: (event.version_to or 0, event.sequence), default=None)
    return {
        "model": model,
        "champion": str(now.champion.version_to) if now.champion else "-",
        "since": f"{now.champion.time:%Y-%m-%d %H:%M}" if now.champion else "-",
        "by": f"{now.champion.who}, {now.champion.identity}" if now.champion else "-",
        "newest": f"{newest.version_to} {newest.event.replace('_', ' ')}" if newest else "-",
        "waits_for": f"an approval of {now.pending.version_to}" if now.pending else "-",
    }


def _versions(event: Event) -> str:
    was = (
        f" was {event.version_from}"
        if event.event in CHAMPION_CHANGES and event.version_from
        else ""
    )
    return f"{event.version_to or '-'}{was}"


def _print_table(headings: tuple[str, ...], rows: Iterable[list[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(
            heading,
            no_wrap=heading not in ("who", "why", "by", "newest", "waits for"),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    Console(width=80 if not Console().is_terminal else None, highlight=False, markup=False).print(
        table
    )
