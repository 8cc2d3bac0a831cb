"""`ratchet demo`: the story in a home of its own: a first champion, a bad day stopped, a better candidate promoted, a worse one refused."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import click
import pandas as pd

from configs.errors import DataRejected, RatchetError
from configs.settings import Settings
from deployments.commands.arguments import declared_name
from deployments.commands.progress import follow, require_success
from deployments.commands.status import print_history
from deployments.prefect_api import Prefect
from deployments.stack import stack
from tasks.release.ledger import Event, Ledger
from tasks.verdict import wording

MODEL = "fraud_detector"
DAYS = 60
START = date(2026, 1, 1)
AS_OF = START + timedelta(days=DAYS)
ANSWER_SECONDS = 120
SIMPLER = ["train.estimator=sklearn.linear_model.LogisticRegression", "train.params={}"]


@click.command(epilog="Example: ratchet demo --keep demo-home")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this folder; default: a temporary one.",
)
def demo(keep: Path | None) -> None:
    """The whole story once, on this machine, on data of its own; nothing outside the folder is touched."""
    with tempfile.TemporaryDirectory(
        prefix="ratchet-demo-", ignore_cleanup_errors=True
    ) as temporary:
        settings = _fresh_settings((keep or Path(temporary)).absolute())
        with (
            _chapter(1, "Starting MLflow and Prefect") as said,
            stack(settings, lambda _: None) as running,
        ):
            said(f"{running.mlflow_url}  :{running.ports['prefect']}")
            with Prefect(settings) as prefect:
                _tell(settings, prefect)
            if sys.stdin.isatty():
                click.echo(
                    "\nEverything is still running: open the two pages above, or in another terminal"
                )
                click.echo(
                    f"  RATCHET_HOME={settings.home} ratchet show {MODEL} 1\nCtrl-C ends it."
                )
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()


def _tell(settings: Settings, prefect: Prefect) -> None:
    days = settings.data / "transactions"
    with _chapter(2, f"Making {DAYS} days of card transactions") as said:
        rows = _make_rows()
        _write(rows[rows["TX_DATETIME"] < pd.Timestamp(AS_OF)], days)
        said(f"{len(rows):,} rows, {rows['TX_FRAUD'].mean():.1%} fraud")

    click.echo("3  Training a first candidate, a logistic regression")
    first = _await_verdict(prefect, _train(prefect, AS_OF, SIMPLER))
    _say_verdict(settings, first)
    _say("Asking for approval. The flow is suspended: no process waits.")
    _approve(prefect, first, "first model, rules met")

    click.echo("4  A day arrives with 40 amounts missing")
    _write(_without_amounts(rows[rows["TX_DATETIME"] >= pd.Timestamp(AS_OF)]), days)
    try:
        _train(prefect, AS_OF + timedelta(days=1))
    except DataRejected as stopped:
        _say(str(stopped))
    else:
        raise RatchetError(
            "a day without amounts was trained on: the checks of fraud_detector are not what they were"
        )
    _write(rows, days)

    click.echo("5  A better candidate, a random forest")
    second = _await_verdict(prefect, _train(prefect, AS_OF))
    _say_verdict(settings, second)
    _approve(prefect, second, "clearly better")

    click.echo("6  A worse candidate, which learned from wrong labels")
    _write(_with_wrong_labels(rows), days)
    worse = _train(prefect, AS_OF)
    _write(rows, days)
    _say_verdict(settings, _await_verdict(prefect, worse))

    click.echo("7  A candidate that is not clearly better: the same forest from another seed")
    _say_verdict(settings, _await_verdict(prefect, _train(prefect, AS_OF, ["train.seed=1"])))

    with _chapter(8, "Plain MLflow loads the champion and scores a day") as said:
        said(_score(settings, rows))
    click.echo("9  What happened:")
    print_history(Ledger(settings.ledger_url).events(MODEL))


def _say_verdict(settings: Settings, event: Event) -> None:
    """What the evidence comes to, and what became of the version."""
    document = Ledger(settings.ledger_url).evidence(event.evidence or "")
    for sentence in (
        wording.headline(document),
        wording.answer(document),
        *wording.doubts(document),
    ):
        _say(sentence)
    if event.event != "requested":
        _say(f"{event}.")


def _approve(prefect: Prefect, waiting: Event, reason: str) -> None:
    who, why = _decide(waiting, reason)
    flow_run = waiting.flow_run or ""
    prefect.answer(
        flow_run,
        {"decision": "approve", "your_name": who, "reason": why, "evidence": waiting.evidence},
    )
    promoted = follow(prefect, prefect.read(flow_run), len(prefect.lines(flow_run, 0)))
    require_success(promoted)
    _say(promoted.message)


def _fresh_settings(home: Path) -> Settings:
    """Settings whose every path lies in the demo's own folder, whatever the environment says."""
    for variable in (
        "MLFLOW_TRACKING_URI",
        "PREFECT_API_URL",
        "RATCHET_LEDGER",
        "RATCHET_MODELS",
        "RATCHET_DATA",
    ):
        os.environ.pop(variable, None)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    return Settings(ratchet_home=home)


def _make_rows() -> pd.DataFrame:
    """One day more than the first candidate may see."""
    from tasks.data.simulation import simulate

    return simulate(DAYS + 1, seed=0, start=START)


def _write(rows: pd.DataFrame, folder: Path) -> None:
    from tasks.data.simulation import write_days

    write_days(rows, folder)


def _without_amounts(day: pd.DataFrame) -> pd.DataFrame:
    return day.assign(TX_AMOUNT=day["TX_AMOUNT"].mask(day["TRANSACTION_ID"].rank() <= 40))


def _with_wrong_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """As many frauds as before in all but the holdout's week, on transactions drawn by chance."""
    learned = rows["TX_DATETIME"] < pd.Timestamp(AS_OF - timedelta(days=7))
    drawn = rows.loc[learned, "TX_FRAUD"].sample(frac=1, random_state=0).to_numpy()
    changed = rows.copy()
    changed.loc[learned, "TX_FRAUD"] = drawn
    return changed


def _train(prefect: Prefect, as_of: date, overrides: Sequence[str] = ()) -> int:
    """The version that a training run registers; the error it met, if it registers none."""
    run = follow(
        prefect,
        prefect.start(
            "train_candidate", MODEL, {"as_of": as_of.isoformat(), "overrides": list(overrides)}
        ),
    )
    require_success(run)
    _say(run.message)
    return int(run.message.split()[1])


def _await_verdict(prefect: Prefect, version: int) -> Event:
    """What became of the promotion that the training asked for: refused, or requested and its flow suspended."""
    ledger = Ledger(prefect.settings.ledger_url)
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        events = ledger.events(MODEL)
        if events and events[-1].version_to == version:
            last = events[-1]
            if last.event != "requested" or prefect.read(last.flow_run or "").suspended:
                return last
        time.sleep(0.5)
    raise RatchetError(
        f"the promotion was not asked for within {ANSWER_SECONDS} s; look at {prefect.settings.prefect_ui}"
    )


def _decide(waiting: Event, reason: str) -> tuple[str, str]:
    if not sys.stdin.isatty():
        _say("No terminal to ask at: the demo answers itself.")
        return "ratchet demo", reason
    click.confirm(f"   > Promote {MODEL} {waiting.version_to}?", abort=True)
    return declared_name(), click.prompt("   Reason", default=reason)


def _score(settings: Settings, raw: pd.DataFrame) -> str:
    """The last day scored by the champion, loaded as serving code would: without any of this project."""
    import mlflow

    from configs.reading import hooks_path, read_model
    from tasks.data.hooks import load_hooks, prepare

    mlflow.set_tracking_uri(settings.mlflow_url)
    config = read_model(MODEL, settings)
    rows = prepare(config, load_hooks(config, hooks_path(MODEL, settings)), raw)
    day = rows[rows["TX_DATETIME"] >= pd.Timestamp(AS_OF)]
    alerts = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion").predict(
        day[list(config.data.features)]
    )
    version = mlflow.MlflowClient().get_model_version_by_alias(MODEL, "champion").version
    return f"{len(day):,} rows, {int(alerts.sum())} alerts by version {version}"


@contextmanager
def _chapter(number: int, title: str) -> Iterator[Callable[[str], None]]:
    """A numbered line that ends, once `said` is called, with the seconds it took; then what came of it."""
    start = time.monotonic()
    click.echo(f"{number}  {title} ".ljust(58, "."), nl=False)

    def said(words: str) -> None:
        click.echo(f" {time.monotonic() - start:.0f} s")
        _say(words)

    yield said


def _say(words: str) -> None:
    """Each line indented under its chapter, and short enough for any terminal."""
    for line in words.splitlines():
        click.echo(click.wrap_text(line, width=80, initial_indent="   ", subsequent_indent="     "))
