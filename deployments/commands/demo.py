"""`ratchet demo`: the chain once, in a home of its own: files, candidate, verdict, approval, champion, plain MLflow, history."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import click

from configs.settings import Settings
from deployments.commands.people import declared_name
from deployments.commands.watching import demand_success, watch
from deployments.prefect_api import Prefect
from deployments.stack import stack
from tasks.errors import RatchetError
from tasks.release.ledger import Event, Ledger
from tasks.release.standing import standing

MODEL = "fraud_detector"
DAYS = 60
START = date(2026, 1, 1)
AS_OF = START + timedelta(days=DAYS)
ANSWER_SECONDS = 120


@click.command(epilog="Example: ratchet demo --keep demo-home")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this folder; default: a temporary one.",
)
def demo(keep: Path | None) -> None:
    """The whole chain once, on this machine, on data of its own; nothing outside the folder is touched."""
    with tempfile.TemporaryDirectory(prefix="ratchet-demo-", ignore_cleanup_errors=True) as temporary:
        settings = _fresh_settings((keep or Path(temporary)).absolute())
        with (
            _chapter(1, "Starting MLflow and Prefect") as said,
            stack(settings, lambda _: None) as running,
        ):
            said(f"{running.mlflow_url}   {running.prefect_url.removesuffix('/api')}")
            _tell(settings)
            if sys.stdin.isatty():
                click.echo(f"\nEverything is still running; in another terminal, with RATCHET_HOME={settings.home}:")
                click.pause("ratchet show fraud_detector 1, ratchet status. Press a key to end it.")


def _tell(settings: Settings) -> None:
    with _chapter(2, f"Making {DAYS} days of card transactions") as said:
        said(_make_data(settings))
    with Prefect(settings) as prefect:
        click.echo("3  Training a first candidate")
        run = watch(prefect, prefect.start("train_candidate", MODEL, {"as_of": AS_OF.isoformat()}))
        demand_success(run)
        click.echo(f"   {run.message}\n   No champion yet: its absolute rules decide.")
        waiting = _await_request(prefect)
        click.echo(f"   {waiting.why}\n   Asking for approval. The flow is suspended: no process waits.")
        who, why = _decide(waiting)
        flow_run = waiting.flow_run or ""
        prefect.answer(flow_run, {"decision": "approve", "your_name": who, "reason": why, "evidence": waiting.evidence})
        promoted = watch(prefect, prefect.read(flow_run), len(prefect.lines(flow_run, 0)))
        demand_success(promoted)
        click.echo(f"   {promoted.message}")
    with _chapter(4, "Plain MLflow loads the champion and scores a day") as said:
        said(_score(settings))
    click.echo("5  What happened:")
    for event in Ledger(settings.ledger_url).events(MODEL):
        click.echo(f"   {event.sequence}  {event}")


def _fresh_settings(home: Path) -> Settings:
    """Settings whose every path lies in the demo's own folder, whatever the environment says."""
    for variable in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "RATCHET_LEDGER", "RATCHET_MODELS", "RATCHET_DATA"):
        os.environ.pop(variable, None)
    return Settings(ratchet_home=home)


def _make_data(settings: Settings) -> str:
    from tasks.data.simulation import simulate, write_days

    rows = simulate(DAYS, seed=0, start=START)
    write_days(rows, settings.data / "transactions")
    return f"{len(rows):,} rows, {rows['TX_FRAUD'].mean():.1%} fraud"


def _await_request(prefect: Prefect) -> Event:
    """The request that the training asked for, once its flow is suspended; the refusal as an error, if the gate said no."""
    ledger = Ledger(prefect.settings.ledger_url)
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        events = ledger.events(MODEL)
        pending = standing(MODEL, events).pending
        if pending and prefect.read(pending.flow_run or "").suspended:
            return pending
        if events and not pending:
            raise RatchetError(str(events[-1]))
        time.sleep(0.5)
    raise RatchetError(f"the promotion was not asked for within {ANSWER_SECONDS} s; look at {prefect.settings.prefect_ui}")


def _decide(waiting: Event) -> tuple[str, str]:
    if not sys.stdin.isatty():
        click.echo("   No terminal to ask at: the demo answers itself.")
        return "ratchet demo", "first model, rules met"
    click.confirm(f"   > Promote {MODEL} {waiting.version_to}?", abort=True)
    return declared_name(), click.prompt("   Reason", default="first model, rules met")


def _score(settings: Settings) -> str:
    """One day scored by the champion, loaded as serving code would: without any of this project."""
    import mlflow
    import pandas as pd

    from configs.reading import hooks_path, read_model
    from tasks.data.hooks import load_hooks, prepare

    mlflow.set_tracking_uri(settings.mlflow_url)
    config = read_model(MODEL, settings)
    raw = pd.concat(
        [pd.read_parquet(file) for file in sorted((settings.data / "transactions").glob("*.parquet"))],
        ignore_index=True,
    )
    day = prepare(config, load_hooks(config, hooks_path(MODEL, settings)), raw)
    day = day[day[config.data.time] >= pd.Timestamp(AS_OF - timedelta(days=1))]
    alerts = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion").predict(day[list(config.data.features)])
    return f"{len(day):,} rows, {int(alerts.sum())} alerts"


@contextmanager
def _chapter(number: int, title: str) -> Iterator[Callable[[str], None]]:
    """A numbered line that ends, once `said` is called, with the seconds it took and what came of it."""
    start = time.monotonic()
    click.echo(f"{number}  {title} ".ljust(58, "."), nl=False)

    def said(words: str) -> None:
        click.echo(f" {time.monotonic() - start:.0f} s   {words}")

    yield said
