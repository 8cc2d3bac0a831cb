"""`ratchet show`: the evidence that a person decides on, from the ledger alone.

Not here: the sentences and rows of evidence (tasks/verdict/wording.py).
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from configs.errors import UsageError
from configs.model import ModelConfig
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from deployments.commands.output import print_sentence, print_table
from tasks.release.ledger import Event, Ledger
from tasks.release.standing import standing
from tasks.verdict import wording


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
    digest = _newest_evidence(model, events, version)
    document = ledger.evidence(digest)
    if as_json:
        click.echo(json.dumps({"evidence": digest, "document": document}, indent=1))
        return
    _print_evidence(document, digest)
    click.echo()
    if pending and pending.version_to == version:
        _print_request(settings, config, pending)
    else:
        newest = [event for event in events if event.version_to == version][-1]
        print_sentence(str(newest))


def _newest_evidence(model: str, events: Sequence[Event], version: int | None) -> str:
    """The digest of the newest evidence about this version; UsageError when there is none."""
    if version is None:
        raise UsageError(
            f"no version of {model} is waiting for an answer; "
            f"name a version: ratchet show {model} VERSION"
        )
    digests = [event.evidence for event in events if event.version_to == version and event.evidence]
    if not digests:
        raise UsageError(
            f"version {version} of {model} has not been judged; "
            f"request its promotion: ratchet promote {model} {version}"
        )
    return digests[-1]


def _print_evidence(document: dict[str, Any], digest: str) -> None:
    click.echo(f"{wording.headline(document)}   evidence {digest[:4]} {digest[4:8]}")
    print_sentence(wording.answer(document))
    click.echo()
    headings = ("rule", "candidate", "other", "surely", "verdict")
    rows = [tuple(row.values()) for row in wording.table(document)]
    print_table(headings, rows, right=("candidate", "other"))
    click.echo()
    for sentence in (*wording.doubts(document), *wording.about(document)):
        print_sentence(sentence)
    if document["changes"]:
        print_sentence(f"Changed: {'; '.join(document['changes'])}.")


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
        # here, because most calls of `show` need no HTTP client
        from deployments.prefect_api import flow_run_page

        page = flow_run_page(settings, pending.flow_run or "")
        click.echo(f"  or in Prefect: {page}")
    else:
        click.echo("  or in Prefect, once it is up: ratchet up")
