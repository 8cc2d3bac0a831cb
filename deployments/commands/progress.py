"""A flow run followed from a terminal: its steps as they finish, then its outcome.

Not here: the requests to Prefect's server (prefect_api.py).
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from configs.errors import NotPromoted, RatchetError
from configs.settings import Settings
from deployments.flow_run import FlowRun, Outcome
from deployments.prefect_api import Prefect
from tasks.release.events import KINDS

POLL_SECONDS = 0.5
# a run sends its log lines every half second, the last ones after its state
LAST_LINES_SECONDS = 1.5
# an idle runner starts a run sooner
QUEUE_SECONDS = 15.0

NOT_PROMOTED = {name for name, kind in KINDS.items() if kind.ends_promotion} - {"promoted"}


def start_and_follow(
    settings: Settings, flow: str, model: str, parameters: dict[str, Any], *, as_json: bool
) -> FlowRun:
    """Start a run of the model's deployment of this flow, follow it, and print its outcome."""
    with Prefect(settings) as prefect:
        return follow_and_print(prefect, prefect.start(flow, model, parameters), as_json=as_json)


def follow_and_print(prefect: Prefect, run: FlowRun, *, as_json: bool) -> FlowRun:
    """Print the run's page, follow the run to its end, and print its outcome."""
    click.echo(f"started   {prefect.settings.flow_run_page(run.id)}", err=as_json)
    run = follow(prefect, run, to_stderr=as_json)
    print_outcome(prefect.settings, run, as_json=as_json)
    return run


def follow(
    prefect: Prefect, run: FlowRun, lines_printed: int = 0, *, to_stderr: bool = False
) -> FlowRun:
    """Print the run's steps as they finish; return the run once it ended or waits for a person.

    The first `lines_printed` lines of its log are left out. On a terminal the last line says
    what the run is doing now. Ctrl-C ends the following, not the run.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True, stderr=to_stderr)
    log = _Log(prefect, run.id, console, lines_printed)
    try:
        run = _follow_to_rest(prefect, run, log)
        log.print_new_lines_for(LAST_LINES_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"\nNo longer watching; the run goes on: ratchet watch {run.id}", err=True)
        raise
    # once more, for what the run's process wrote to the server after the state
    return prefect.read(run.id)


@dataclass
class _Log:
    """The log of a run on a console, and how many of its lines are printed."""

    prefect: Prefect
    flow_run: str
    console: Console
    lines_printed: int

    def print_new_lines(self) -> None:
        for line in self.prefect.log_lines(self.flow_run, after=self.lines_printed):
            self.console.print(f"  {line}")
            self.lines_printed += 1

    def print_new_lines_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.print_new_lines()
            time.sleep(POLL_SECONDS)


def _follow_to_rest(prefect: Prefect, run: FlowRun, log: _Log) -> FlowRun:
    """Print the run's log and its present step until it has ended or is suspended."""
    began = time.monotonic()
    delay_explained = False
    with log.console.status("") as last_line:
        while not (run.ended or run.suspended):
            log.print_new_lines()
            waited = time.monotonic() - began
            queued = run.type in ("SCHEDULED", "PENDING")
            if queued and waited > QUEUE_SECONDS and not delay_explained:
                log.console.print(f"  {_why_it_waits(prefect, run)}")
                delay_explained = True
            step = prefect.current_step(run.id) or run.state.lower()
            last_line.update(f"{step}  {waited:.0f} s")
            time.sleep(POLL_SECONDS)
            run = prefect.read(run.id)
    return run


def _why_it_waits(prefect: Prefect, run: FlowRun) -> str:
    names = [other.name for other in prefect.running() if other.id != run.id]
    if names:
        return f"waiting for its turn behind {', '.join(names)}"
    return f"no runner has started it yet; see their logs in {prefect.settings.home / 'logs'}"


def print_outcome(
    settings: Settings, run: FlowRun, *, as_json: bool, wanted: Outcome | None = None
) -> None:
    """Print what came of the run, and its page; as JSON also when the run failed.

    Raises the error that `require_success` finds.
    """
    page = settings.flow_run_page(run.id)
    if as_json:
        click.echo(json.dumps(as_document(run, page), indent=1))
    require_success(run, wanted)
    if not as_json:
        click.echo(f"{run.message or f'{run.name} is waiting for a person.'}\n  {page}")


def as_document(run: FlowRun, page: str) -> dict[str, Any]:
    """The run as `--json` prints it (docs/json.md)."""
    return {
        "id": run.id,
        "name": run.name,
        "type": run.type,
        "state": run.state,
        "message": run.message,
        "outcome": run.outcome,
        "version": run.version,
        "link": page,
    }


def require_success(run: FlowRun, wanted: Outcome | None = None) -> None:
    """Return for a run that waits for a person or did what it was started for.

    `wanted` is an outcome that counts as success although it promotes nothing. Otherwise the
    error that the flow recorded, NotPromoted for a version that may not or will not be promoted,
    or RatchetError with Prefect's state when the flow recorded no outcome.
    """
    if run.suspended:
        return
    if run.error:
        raise run.error
    if run.outcome in NOT_PROMOTED and run.outcome != wanted:
        raise NotPromoted(f"{run.state}: {run.message}")
    if run.outcome is None or run.type != "COMPLETED":
        raise RatchetError(f"the flow run {run.name} ended {run.state}: {run.message}")
