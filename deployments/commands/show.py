"""`ratchet show`: the evidence that a person decides on, from the ledger alone.

Not here: the sentences and rows of evidence (tasks/verdict/wording.py).
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from configs.errors import UsageError
from configs.model import ModelConfig
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from deployments.commands.output import print_items, print_sentence, print_table
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.release.standing import standing
from tasks.verdict import rule_wording, wording
from tasks.verdict.conclusion import conclusion
from tasks.verdict.evidence import Evidence

# columns that are aligned to the right
NUMBERS = ("candidate", "champion", "difference", "bound", "needs")


@click.command(epilog="Example: ratchet show fraud_detector 7")
@MODEL
@click.argument("version", type=click.IntRange(min=1), required=False)
@AS_JSON
def show(model: str, version: int | None, as_json: bool) -> None:
    """Show the evidence of VERSION of MODEL, and whether it is waiting for an answer.

    Without VERSION: the version that is waiting.
    """
    settings = Settings()
    config = read_model(model, settings)
    ledger = Ledger(settings.ledger_url)
    events = ledger.events(model)
    pending = standing(model, events).pending
    if version is None and pending:
        version = pending.version_to
    judged = _newest_judged(model, events, version)
    digest = judged.evidence_digest or ""
    if as_json:
        document = ledger.document(digest)
        click.echo(json.dumps({"evidence": digest, "document": document}, indent=1))
        return
    _print_evidence(ledger.evidence_of(judged), digest)
    click.echo()
    if pending and pending.version_to == version:
        _print_request(settings, config, pending)
    else:
        newest = [event for event in events if event.version_to == version][-1]
        print_sentence(str(newest))


def _newest_judged(model: str, events: Sequence[Event], version: int | None) -> Event:
    """The newest event of this version that rests on evidence; UsageError when there is none."""
    if version is None:
        raise UsageError(
            f"no version of {model} is waiting for an answer; "
            f"name a version: ratchet show {model} VERSION"
        )
    judged = [event for event in events if event.version_to == version and event.evidence_digest]
    if not judged:
        raise UsageError(
            f"version {version} of {model} has not been judged; "
            f"request its promotion: ratchet promote {model} {version}"
        )
    return judged[-1]


def _print_evidence(evidence: Evidence, digest: str) -> None:
    """Print the conclusion, the table of rules, then facts, doubts and changes."""
    click.echo(f"{wording.headline(evidence)}   evidence {digest[:4]} {digest[4:8]}")
    print_sentence(conclusion(evidence))
    click.echo()
    rows = [rule_wording.row(verdict).cells for verdict in evidence.verdict.rules]
    print_table(rule_wording.COLUMNS, rows, wrapping=("rule",), right=NUMBERS)
    click.echo()
    print_items("Facts", wording.facts(evidence))
    print_items("Doubts", wording.doubts(evidence))
    print_items("Changed", evidence.changes)


def _print_request(settings: Settings, config: ModelConfig, pending: Event) -> None:
    """Print until when the request waits, and how to answer it."""
    model, version = config.name, pending.version_to
    until = pending.time + timedelta(days=config.approval.expires_after_days)
    if until < datetime.now(UTC).replace(tzinfo=None):
        click.echo(f"Expired on {until:%Y-%m-%d %H:%M} UTC without an answer. Request it again:")
        click.echo(f"  ratchet promote {model} {version}")
        return
    click.echo(f"Waiting for an approval until {until:%Y-%m-%d %H:%M} UTC.")
    click.echo(f'  ratchet approve {model} {version} --reason "..."')
    if settings.knows_servers:
        click.echo(f"  or in Prefect: {settings.flow_run_page(pending.flow_run)}")
    else:
        click.echo("  or in Prefect, once it is up: ratchet up")
