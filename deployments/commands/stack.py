"""`ratchet up`: the local stack until Ctrl-C, a line for each fact."""

import signal
import time
from importlib.metadata import version
from types import FrameType

import click

from configs.reading import read_models
from configs.schema import ModelConfig
from configs.settings import Settings
from deployments.stack import stack

WATCH_SECONDS = 1.0


@click.command(epilog="Example: ratchet up")
def up() -> None:
    """Start MLflow, Prefect and the runners; serve every model until Ctrl-C."""
    settings = Settings()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell starts background jobs with it ignored
        signal.signal(number, _interrupt)
    click.echo(f"ratchet {version('ratchet')}   home {settings.home}")
    try:
        with stack(settings, click.echo) as running:
            models = ", ".join(_described(config) for config in read_models(settings))
            click.echo(f"models    {models or 'none: put a YAML into ' + str(settings.models)}")
            click.echo("Serving. Ctrl-C stops everything.")
            while True:
                if name := running.revive():
                    click.echo(f"{name} had ended and runs again; its log: {running.log(name)}")
                time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        click.echo("Stopped.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _described(config: ModelConfig) -> str:
    when = f"{config.schedule.cron} {config.schedule.timezone}" if config.schedule else "no schedule"
    return f"{config.name} ({when})"
