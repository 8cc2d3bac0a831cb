"""`ratchet up` and `ratchet down`: the local stack, a line for each fact."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from importlib.metadata import version
from types import FrameType
from zoneinfo import ZoneInfo

import click
from cronsim import CronSim

from configs.model import ModelConfig
from configs.reading import read_models
from configs.settings import Settings
from deployments.stack import end_running, stack

WATCH_SECONDS = 1.0
SERVING = "Serving."


@click.command(epilog="Example: ratchet up --detach")
@click.option("--detach", is_flag=True, help="Give the terminal back; ratchet down ends it.")
def up(detach: bool) -> None:
    """Start MLflow, Prefect and the runners; serve every model until Ctrl-C."""
    settings = Settings()
    if detach:
        _detach(settings)
        return
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
    ):  # SIGINT too: a shell starts background jobs with it ignored
        signal.signal(number, _interrupt)
    click.echo(f"ratchet   {version('ratchet')}   home {settings.home}")
    try:
        with stack(settings, click.echo) as running:
            models = "\n          ".join(_described(config) for config in read_models(settings))
            click.echo(f"models    {models or 'none: put a YAML into ' + str(settings.models)}")
            click.echo(f"{SERVING} Ctrl-C stops everything; ratchet down from elsewhere.")
            while True:
                for sentence in running.tend():
                    click.echo(sentence)
                time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        click.echo("Stopped.")


@click.command(epilog="Example: ratchet down")
def down() -> None:
    """Stop what `ratchet up` started in this home; runs that go on are ended, requests keep waiting."""
    end_running(Settings())
    click.echo("Stopped.")


def _detach(settings: Settings) -> None:
    """`ratchet up` in a session of its own, until it serves; its lines go to a log, and up to then to this terminal too."""
    log = settings.home / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        before = output.tell()
        command = [sys.executable, "-m", "deployments.commands", "up"]
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with log.open() as lines:
        lines.seek(before)
        while True:
            exit_code = process.poll()  # before its last lines are read
            for line in lines:
                click.echo(line, nl=False, err=exit_code is not None)
                if line.startswith(SERVING):
                    return
            if exit_code is not None:
                raise click.exceptions.Exit(exit_code)
            time.sleep(0.2)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _described(config: ModelConfig) -> str:
    if not config.schedule:
        return f"{config.name} (no schedule)"
    zone = ZoneInfo(config.schedule.timezone)
    first = next(CronSim(config.schedule.cron, datetime.now(zone)))
    return f"{config.name} ({config.schedule.cron} {config.schedule.timezone}, next {first:%Y-%m-%d %H:%M})"
