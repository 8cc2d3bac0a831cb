"""A flow run watched from a terminal: its steps as they are done, then what became of it."""

import re
import time

import click

from deployments.prefect_api import FlowRun, Prefect
from tasks import errors
from tasks.errors import NotPromoted, RatchetError

POLL_SECONDS = 0.5
LAST_LINES_SECONDS = 3.0  # a run sends its log lines every two seconds, the last ones after its state

FAILURE = re.compile(r"exception: (\w+): (.*)", re.DOTALL)
NOT_PROMOTED = ("Refused", "Rejected", "Stale", "Deferred", "Expired", "Withdrawn")


def watch(prefect: Prefect, run: FlowRun, shown: int = 0) -> FlowRun:
    """The run once it is over or waits for a person; its steps are printed as they come, but the first `shown` of them.

    Ctrl-C stops watching, not the run.
    """
    try:
        while not (run.over or run.suspended):
            shown += _print_new(prefect, run, shown)
            time.sleep(POLL_SECONDS)
            run = prefect.read(run.id)
        deadline = time.monotonic() + LAST_LINES_SECONDS
        while time.monotonic() < deadline:
            shown += _print_new(prefect, run, shown)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"\nNo longer watching; the run goes on: {prefect.settings.prefect_ui}/runs/flow-run/{run.id}", err=True)
        raise
    return run


def _print_new(prefect: Prefect, run: FlowRun, shown: int) -> int:
    new = prefect.lines(run.id, shown)
    for line in new:
        click.echo(f"  {line}")
    return len(new)


def demand_success(run: FlowRun) -> None:
    """Return for a run that came to what was asked; else the error that the flow met, by its own kind."""
    if run.suspended or (run.type == "COMPLETED" and run.state not in NOT_PROMOTED):
        return
    if run.state in NOT_PROMOTED:
        raise NotPromoted(f"{run.state}: {run.message}")
    if found := FAILURE.search(run.message):
        kind = getattr(errors, found[1], RatchetError)
        raise kind(found[2] if kind is not RatchetError else f"{found[1]}: {found[2]}")
    raise RatchetError(f"the flow run {run.name} ended {run.state}: {run.message}")
