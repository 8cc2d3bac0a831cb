"""A flow run watched from a terminal: its steps as they are done, then what became of it."""

import json
import re
import time
from dataclasses import asdict

import click
from rich.console import Console

from configs import errors
from configs.errors import NotPromoted, RatchetError
from deployments.prefect_api import FlowRun, Prefect

POLL_SECONDS = 0.5
LAST_LINES_SECONDS = (
    1.5  # a run sends its log lines every half second, the last ones after its state
)
QUEUE_SECONDS = 15.0  # a runner that is there and free begins sooner

FAILURE = re.compile(r"exception: (\w+): (.*)", re.DOTALL)
NOT_PROMOTED = ("Refused", "Rejected", "Stale", "Deferred", "Expired", "Withdrawn")


def follow_to_its_end(prefect: Prefect, run: FlowRun, as_json: bool) -> FlowRun:
    """The run that was just found or started, named, followed, and what became of it told."""
    click.echo(f"started   {prefect.settings.prefect_ui}/runs/flow-run/{run.id}", err=as_json)
    run = follow(prefect, run, aside=as_json)
    tell(prefect, run, as_json)
    return run


def follow(prefect: Prefect, run: FlowRun, shown: int = 0, *, aside: bool = False) -> FlowRun:
    """The run once it is over or waits for a person; its steps are printed as they come, but the first `shown` of them.

    On a terminal the last line says what it does right now. `aside` prints to stderr. Ctrl-C stops watching, not the run.
    """
    began, queued = time.monotonic(), False
    console = Console(highlight=False, markup=False, soft_wrap=True, stderr=aside)
    try:
        with console.status("") as now:
            while not (run.over or run.suspended):
                shown += _print_new(prefect, run, shown, console)
                waited = time.monotonic() - began
                if run.type in ("SCHEDULED", "PENDING") and not queued and waited > QUEUE_SECONDS:
                    queued = True
                    console.print(f"  {_why_it_waits(prefect, run)}")
                now.update(f"{prefect.step(run.id) or run.state.lower()}  {waited:.0f} s")
                time.sleep(POLL_SECONDS)
                run = prefect.read(run.id)
            deadline = time.monotonic() + LAST_LINES_SECONDS
            while time.monotonic() < deadline:
                shown += _print_new(prefect, run, shown, console)
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"\nNo longer watching; the run goes on: ratchet watch {run.id}", err=True)
        raise
    return run


def _why_it_waits(prefect: Prefect, run: FlowRun) -> str:
    before = [other.name for other in prefect.running() if other.id != run.id]
    if before:
        return f"waits for its turn behind {', '.join(before)}"
    return f"no runner has started it yet; their logs: {prefect.settings.home / 'logs'}"


def _print_new(prefect: Prefect, run: FlowRun, shown: int, console: Console) -> int:
    new = prefect.lines(run.id, shown)
    for line in new:
        console.print(f"  {line}")
    return len(new)


def tell(prefect: Prefect, run: FlowRun, as_json: bool, wanted: str = "") -> None:
    """What became of the run, and where to look at it; for programs the same as one JSON object, also of a run that failed.

    A run that ended `wanted` came to what was asked, whatever that means for the version.
    """
    link = f"{prefect.settings.prefect_ui}/runs/flow-run/{run.id}"
    if as_json:
        click.echo(json.dumps(asdict(run) | {"link": link}, indent=1))
    if run.state != wanted:
        require_success(run)
    if not as_json:
        click.echo(f"{run.message or f'{run.name} waits for a person.'}\n  {link}")


def require_success(run: FlowRun) -> None:
    """Return for a run that came to what was asked; else the error that the flow met, by its own kind."""
    if run.suspended or (run.type == "COMPLETED" and run.state not in NOT_PROMOTED):
        return
    if run.state in NOT_PROMOTED:
        raise NotPromoted(f"{run.state}: {run.message}")
    if found := FAILURE.search(run.message):
        kind = getattr(errors, found[1], RatchetError)
        raise kind(found[2] if kind is not RatchetError else f"{found[1]}: {found[2]}")
    raise RatchetError(f"the flow run {run.name} ended {run.state}: {run.message}")
