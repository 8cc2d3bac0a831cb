"""`ratchet up` and `ratchet down`: the local stack, a line for each fact.

Not here: its processes and their order (deployments/stack.py).
"""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

import click
from cronsim import CronSim

from configs.model import ModelConfig
from configs.reading import Models, read_models
from configs.settings import Settings
from deployments.model_watch import ModelWatch
from deployments.stack import end_running, stack

WATCH_SECONDS = 1.0
POLL_SECONDS = 0.2
# the first word of the line that says that the stack is ready
SERVING = "Serving."
MODELS = "models    "


@click.command(epilog="Example: ratchet up --detach")
@click.option("--detach", is_flag=True, help="Run in the background, until ratchet down.")
def up(detach: bool) -> None:
    """Start MLflow, Prefect and the runners, and run every model's flows until Ctrl-C."""
    settings = Settings()
    if detach:
        _detach(settings)
        return
    interrupt_on_signals()
    click.echo(f"ratchet   {version('ratchet')}   home {settings.home}")
    try:
        with stack(settings, click.echo) as running:
            models = read_models(settings)
            click.echo(_models_line(models, settings))
            watch = ModelWatch(settings, models.names)
            click.echo(f"{SERVING} Ctrl-C stops everything; so does ratchet down elsewhere.")
            while True:
                for sentence in (*running.tend(), *watch.news()):
                    click.echo(sentence)
                time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        click.echo("Stopped.")


@click.command(epilog="Example: ratchet down")
def down() -> None:
    """Stop what `ratchet up` started in this home.

    Running flows are ended; requests that wait for an answer go on waiting.
    """
    end_running(Settings())
    click.echo("Stopped.")


def _detach(settings: Settings) -> None:
    """Run `ratchet up` in a session of its own; return when it serves.

    What it prints goes to a log, and until then to this terminal too. Exits as it does when it
    ends before it serves.
    """
    log = settings.home / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        old_end = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.commands", "up"],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _print_until_it_serves(process, log, old_end)


def _print_until_it_serves(process: subprocess.Popen[bytes], log: Path, old_end: int) -> None:
    with log.open() as lines:
        lines.seek(old_end)
        while True:
            # asked before its last lines are read, so that none is missed
            exit_code = process.poll()
            for line in lines:
                click.echo(line, nl=False, err=exit_code is not None)
                if line.startswith(SERVING):
                    return
            if exit_code is not None:
                raise click.exceptions.Exit(exit_code)
            time.sleep(POLL_SECONDS)


def interrupt_on_signals() -> None:
    """Let every signal that ends this process end its stack first, as Ctrl-C does."""
    # SIGINT as well: a shell starts background jobs with it ignored
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _models_line(models: Models, settings: Settings) -> str:
    """The served models with their schedules, one below the other."""
    served = [_with_schedule(config) for config in models.configs]
    if not served:
        return f"{MODELS}none: put a YAML into {settings.models}"
    below = "\n" + " " * len(MODELS)
    return f"{MODELS}{below.join(served)}"


def _with_schedule(config: ModelConfig) -> str:
    """The model's name, its schedule and its next scheduled run."""
    if not config.schedule:
        return f"{config.name} (no schedule)"
    cron, timezone = config.schedule.cron, config.schedule.timezone
    upcoming = next(CronSim(cron, datetime.now(ZoneInfo(timezone))))
    return f"{config.name} ({cron} {timezone}, next {upcoming:%Y-%m-%d %H:%M})"
