"""`ratchet demo`: the whole story of a model, told in chapters in a home of its own.

A first champion, a bad day that is stopped, a better candidate promoted, a worse one refused.
Not here: what happens in a chapter (demo_scene.py); the data (demo_data.py).
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import click

from configs.errors import DataRejected, RatchetError
from configs.settings import Settings
from deployments.commands.demo_data import AS_OF, DAYS, DemoData
from deployments.commands.demo_scene import MODEL, Scene, say
from deployments.commands.stack import interrupt_on_signals
from deployments.commands.status import print_history
from deployments.prefect_api import Prefect
from deployments.stack import stack

TITLE_WIDTH = 58
SIMPLER = ("train.estimator=sklearn.linear_model.LogisticRegression", "train.params={}")
# what would lead the demo out of its own folder
ELSEWHERE = (
    "MLFLOW_TRACKING_URI",
    "PREFECT_API_URL",
    "RATCHET_LEDGER",
    "RATCHET_MODELS",
    "RATCHET_DATA",
)


@click.command(epilog="Example: ratchet demo --keep demo-home")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this folder; default: a temporary one.",
)
def demo(keep: Path | None) -> None:
    """Watch the whole story on this machine, with data of its own.

    Nothing outside the demo's folder is touched.
    """
    interrupt_on_signals()
    with ExitStack() as until_the_end:
        folder = keep or until_the_end.enter_context(_temporary_folder())
        settings = _own_settings(folder.absolute())
        with _timed(1, "Starting MLflow and Prefect"):
            running = until_the_end.enter_context(stack(settings, _print_nothing))
        say(f"{running.mlflow_url}  :{running.ports['prefect']}")
        prefect = until_the_end.enter_context(Prefect(settings))
        scene = Scene(settings, prefect, DemoData(settings.data / "transactions"))
        for number, chapter in enumerate(CHAPTERS, start=2):
            chapter(number, scene)
        if sys.stdin.isatty():
            _wait_for_ctrl_c(settings)


def make_data(number: int, scene: Scene) -> None:
    with _timed(number, f"Making {DAYS} days of card transactions"):
        rows = scene.data.rows
        scene.data.write(scene.data.first_days)
    say(f"{len(rows):,} transactions, {rows['TX_FRAUD'].mean():.1%} fraudulent")


def promote_first_candidate(number: int, scene: Scene) -> None:
    click.echo(f"{number}  Training a first candidate, a logistic regression")
    requested = scene.judge(scene.train(overrides=SIMPLER))
    say("Its promotion is requested. The flow is suspended: no process is waiting.")
    scene.approve(requested, "first model, rules met")


def stop_bad_day(number: int, scene: Scene) -> None:
    click.echo(f"{number}  A day arrives with 40 amounts missing")
    scene.data.write(scene.data.last_day_without_amounts())
    try:
        scene.train(as_of=AS_OF + timedelta(days=1))
    except DataRejected as rejection:
        say(str(rejection))
    else:
        raise RatchetError(
            "a model was trained on a day with missing amounts: "
            f"the checks of {MODEL} are not those of this demo"
        )
    scene.data.write(scene.data.rows)


def promote_better_candidate(number: int, scene: Scene) -> None:
    click.echo(f"{number}  A better candidate, a random forest")
    requested = scene.judge(scene.train())
    scene.approve(requested, "clearly better")


def refuse_worse_candidate(number: int, scene: Scene) -> None:
    click.echo(f"{number}  A worse candidate, trained on wrong labels")
    scene.data.write(scene.data.rows_with_wrong_labels())
    version = scene.train()
    scene.data.write(scene.data.rows)
    scene.judge(version)


def judge_similar_candidate(number: int, scene: Scene) -> None:
    click.echo(f"{number}  A candidate that is not clearly better: the same forest, another seed")
    scene.judge(scene.train(overrides=("train.seed=1",)))


def score_with_plain_mlflow(number: int, scene: Scene) -> None:
    with _timed(number, "Plain MLflow loads the champion and scores a day"):
        summary = scene.score_last_day()
    say(summary)


def print_ledger(number: int, scene: Scene) -> None:
    click.echo(f"{number}  What happened:")
    print_history(scene.ledger.events(MODEL))


CHAPTERS: tuple[Callable[[int, Scene], None], ...] = (
    make_data,
    promote_first_candidate,
    stop_bad_day,
    promote_better_candidate,
    refuse_worse_candidate,
    judge_similar_candidate,
    score_with_plain_mlflow,
    print_ledger,
)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ratchet-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _own_settings(home: Path) -> Settings:
    """Settings whose every path lies in the demo's own folder, whatever the environment says."""
    for variable in ELSEWHERE:
        os.environ.pop(variable, None)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    return Settings(ratchet_home=home)


def _wait_for_ctrl_c(settings: Settings) -> None:
    click.echo("\nEverything is still running. Open the two pages above, or in another terminal:")
    click.echo(f"  RATCHET_HOME={settings.home} ratchet show {MODEL} 1\nCtrl-C ends it.")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def _timed(number: int, title: str) -> Iterator[None]:
    """A chapter's title, followed on its line by the seconds that the block took."""
    began = time.monotonic()
    click.echo(f"{number}  {title} ".ljust(TITLE_WIDTH, "."), nl=False)
    yield
    click.echo(f" {time.monotonic() - began:.0f} s")


def _print_nothing(_line: str) -> None:
    """The stack's facts are left out: they would break the chapter's line."""
