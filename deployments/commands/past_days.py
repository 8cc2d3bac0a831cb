"""`ratchet train --from`: a model trained as of past days, one after the other, as schedules do.

Not here: following a single run (progress.py).
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from configs.errors import RatchetError, Refused, Unreachable
from configs.settings import Settings
from deployments.commands.output import print_table
from deployments.commands.progress import as_document, follow, require_success
from deployments.flow_run import FlowRun
from deployments.prefect_api import Prefect


def train_past_days(
    settings: Settings,
    model: str,
    days: Sequence[datetime],
    parameters: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Train as of each day in turn, and print what came of each; one that fails stops no other.

    Refused where at least one made no candidate.
    """
    finished: list[tuple[datetime, FlowRun]] = []
    failures = 0
    with Prefect(settings) as prefect:
        for number, day in enumerate(days, 1):
            click.echo(f"{number} of {len(days)}, as of {day:%Y-%m-%d}", err=as_json)
            started = prefect.start(
                "train_candidate", model, {**parameters, "as_of": day.isoformat()}
            )
            run = follow(prefect, started, to_stderr=as_json)
            finished.append((day, run))
            failures += _has_failed(run)
    if as_json:
        documents = [as_document(run, settings.flow_run_page(run.id)) for _, run in finished]
        click.echo(json.dumps(documents, indent=1))
    else:
        print_table(["as of", "run", "outcome"], [_line(day, run) for day, run in finished])
    if failures:
        raise Refused(f"{failures} of {len(days)} runs of {model} made no candidate")


def _has_failed(run: FlowRun) -> bool:
    try:
        require_success(run)
    except Unreachable:
        # the next run would meet the same server
        raise
    except RatchetError as error:
        click.echo(f"  {error}", err=True)
        return True
    return False


def _line(day: datetime, run: FlowRun) -> tuple[str, str, str]:
    version = f", version {run.version}" if run.version else ""
    return f"{day:%Y-%m-%d}", run.name, f"{run.state}{version}"
