"""`ratchet status` and `ratchet history`: what the ledger says, without any server.

Not here: the evidence behind a decision (show.py).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime

import click

from configs.reading import model_names, model_path, read_models
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from deployments.commands.output import print_sentence, print_table
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.release.standing import champion_on, standing
from tasks.verdict import wording

MINUTE = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class ModelStatus:
    """A model's row in `ratchet status`; `-` where there is nothing to say."""

    model: str
    champion: str = "-"
    since: str = "-"
    by: str = "-"
    newest: str = "-"
    waits_for: str = "-"
    problem: str = "-"


@click.command(epilog="Example: ratchet status")
@AS_JSON
def status(as_json: bool) -> None:
    """Show every model: its champion, since when, by whom, and what is waiting."""
    settings = Settings()
    ledger = Ledger(settings.ledger_url)
    broken = read_models(settings).broken
    models = sorted({*model_names(settings), *ledger.models()})
    rows = [_row(ledger, model, broken.get(model)) for model in models]
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
        return
    headings = ("model", "champion", "since (UTC)", "by", "newest", "waits for")
    cells = [astuple(row)[: len(headings)] for row in rows]
    print_table(headings, cells, wrapping=("by", "newest", "waits for"))
    for row in rows:
        if row.model in broken:
            click.echo(f"{row.model} is broken, so none of its runs can start:\n{row.problem}")
        elif row.problem != "-":
            print_sentence(f"{row.model}: {row.problem}")


@click.command(epilog="Example: ratchet history fraud_detector --on 2018-08-08T00:00")
@MODEL
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="Say what was in production at this instant, UTC.",
)
@AS_JSON
def history(model: str, on: datetime | None, as_json: bool) -> None:
    """Show every decision about MODEL, newest first."""
    settings = Settings()
    events = Ledger(settings.ledger_url).events(model)
    if not events:
        # raises for a model that does not exist
        model_path(model, settings)
    if on and as_json:
        champion = champion_on(events, on)
        click.echo(json.dumps(champion and champion.as_row(), indent=1, default=str))
    elif on:
        click.echo(_in_production_on(model, events, on))
    elif as_json:
        click.echo(json.dumps([event.as_row() for event in events], indent=1, default=str))
    elif events:
        print_history(events)
    else:
        click.echo(_nothing_decided(model))


def next_step() -> str:
    """What somebody who typed nothing but `ratchet` may want to do next."""
    from deployments.stack import is_up

    settings = Settings()
    models = model_names(settings)
    if not models:
        return (
            f"There is no model in {settings.models}. "
            "Put a YAML there, then run: ratchet config check"
        )
    if not is_up(settings):
        return (
            f"No servers are running for {settings.home}. Start them: ratchet up. "
            "To see the whole story first: ratchet demo"
        )
    return _next_step_of(models, Ledger(settings.ledger_url))


def _next_step_of(models: Sequence[str], ledger: Ledger) -> str:
    """The first model that is waiting for an answer, else the first without any decision."""
    events_of = {model: ledger.events(model) for model in models}
    for model, events in events_of.items():
        pending = standing(model, events).pending
        if pending:
            return (
                f"Version {pending.version_to} of {model} is waiting for an answer. "
                f"Look at it: ratchet show {model}"
            )
    for model, events in events_of.items():
        if not events:
            return _nothing_decided(model)
    return "Nothing needs you. To see every model at a glance: ratchet status"


def print_history(events: Sequence[Event]) -> None:
    """Print a line for each event, newest first."""
    headings = ("seq", "when (UTC)", "what", "version", "who", "why")
    rows = [
        (
            str(event.sequence),
            f"{event.time:{MINUTE}}",
            event.event,
            _versions_of(event),
            event.who,
            event.why,
        )
        for event in reversed(events)
    ]
    print_table(headings, rows, wrapping=("who", "why"))


def _nothing_decided(model: str) -> str:
    return (
        f"Nothing has been decided about {model} yet. Train a candidate of it: "
        f"ratchet train {model}"
    )


def _in_production_on(model: str, events: Sequence[Event], instant: datetime) -> str:
    champion = champion_on(events, instant)
    if champion is None:
        return f"No version of {model} was in production on {instant:{MINUTE}} UTC."
    return str(champion)


def _row(ledger: Ledger, model: str, broken: str | None) -> ModelStatus:
    events = ledger.events(model)
    return replace(_status_of(model, events), problem=broken or _decline(ledger, model, events))


def _decline(ledger: Ledger, model: str, events: Sequence[Event]) -> str:
    """That the champion fell below the gate when a candidate was last judged beside it, or `-`."""
    champion = standing(model, events).champion
    for event in reversed(events):
        if champion and event.sequence > champion.sequence and event.evidence_digest:
            evidence = ledger.evidence_of(event)
            if evidence.champion and evidence.champion.version == champion.version_to:
                judged = f"(seen when version {evidence.candidate.version} was judged)"
                failures = wording.champion_failures(evidence)
                return f"{' '.join(failures)} {judged}" if failures else "-"
    return "-"


def _status_of(model: str, events: Sequence[Event]) -> ModelStatus:
    if not events:
        return ModelStatus(model)
    now = standing(model, events)
    newest = max(events, key=lambda event: (event.version_to, event.sequence))
    champion, pending = now.champion, now.pending
    return ModelStatus(
        model,
        champion=str(champion.version_to) if champion else "-",
        since=f"{champion.time:{MINUTE}}" if champion else "-",
        by=f"{champion.who}, {champion.identity}" if champion else "-",
        newest=f"{newest.version_to} {newest.event.replace('_', ' ')}",
        waits_for=f"an approval of {pending.version_to}" if pending else "-",
    )


def _versions_of(event: Event) -> str:
    """The version that the event is about, with the champion that it replaced if it did."""
    version = str(event.version_to)
    if event.kind.changes_champion and event.version_from:
        return f"{version} was {event.version_from}"
    return version
