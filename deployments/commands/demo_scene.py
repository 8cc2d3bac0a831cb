"""What happens in the demo's chapters: a candidate trained, judged, approved; a day scored.

Not here: which chapters there are (demo.py); their data (demo_data.py).
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import click

from configs.errors import RatchetError
from configs.settings import Settings
from deployments.commands.approval import answer_request
from deployments.commands.arguments import declared_name
from deployments.commands.demo_data import AS_OF, DemoData, last_day_of
from deployments.commands.output import print_sentence
from deployments.commands.progress import follow, require_success
from deployments.prefect_api import Prefect
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.verdict import wording
from tasks.verdict.conclusion import conclusion

MODEL = "fraud_detector"
VERDICT_SECONDS = 120
POLL_SECONDS = 0.5
INDENT = "   "


def say(text: str) -> None:
    """Print the text under its chapter."""
    print_sentence(text, INDENT)


@dataclass(frozen=True)
class Scene:
    """The demo's home, its Prefect server and its data."""

    settings: Settings
    prefect: Prefect
    data: DemoData

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger_url)

    def train(self, as_of: date = AS_OF, overrides: Sequence[str] = ()) -> int:
        """The version that a training run registers; the error it met, if it registers none."""
        parameters = {"as_of": as_of.isoformat(), "overrides": list(overrides)}
        run = self.prefect.start("train_candidate", MODEL, parameters)
        run = follow(self.prefect, run)
        require_success(run)
        say(run.message)
        if run.version is None:
            raise RatchetError(f"the flow run {run.name} registered no version: {run.message}")
        return run.version

    def judge(self, version: int) -> Event:
        """Wait for the version's verdict and print it; the event that followed."""
        event = self._await_verdict(version)
        evidence = self.ledger.evidence_of(event)
        say(wording.headline(evidence))
        say(conclusion(evidence))
        for doubt in wording.doubts(evidence):
            say(doubt)
        if event.event != "requested":
            say(str(event))
        return event

    def _await_verdict(self, version: int) -> Event:
        """The version's newest event, once its promotion has ended or its flow is suspended."""
        deadline = time.monotonic() + VERDICT_SECONDS
        while time.monotonic() < deadline:
            events = self.ledger.events(MODEL)
            if events and events[-1].version_to == version:
                newest = events[-1]
                if newest.event != "requested":
                    return newest
                if self.prefect.read(newest.flow_run).suspended:
                    return newest
            time.sleep(POLL_SECONDS)
        raise RatchetError(
            f"version {version} was not judged within {VERDICT_SECONDS} s; "
            f"look at {self.settings.prefect_ui}"
        )

    def approve(self, pending: Event, reason: str) -> None:
        """Approve the request: by the person at the terminal, or without one by the demo."""
        if sys.stdin.isatty():
            click.confirm(f"{INDENT}> Promote {MODEL} {pending.version_to}?", abort=True)
            who = declared_name()
            reason = click.prompt(f"{INDENT}Reason", default=reason)
        else:
            say("There is no terminal to ask at: the demo answers itself.")
            who = "ratchet demo"
        run = answer_request(self.prefect, pending, "approve", reason, who)
        require_success(run)
        say(run.message)

    def score_last_day(self) -> str:
        """The champion's alerts on the last day, in words.

        The champion is loaded as serving code would: with MLflow alone, without ratchet.
        """
        import mlflow

        from configs.reading import hooks_path, read_model
        from tasks.data.hooks import load_hooks, prepare

        config = read_model(MODEL, self.settings)
        hooks = load_hooks(config, hooks_path(MODEL, self.settings))
        day = last_day_of(prepare(config, hooks, self.data.rows))

        mlflow.set_tracking_uri(self.settings.mlflow_url)
        champion = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
        alerts = champion.predict(day[list(config.data.features)])
        version = mlflow.MlflowClient().get_model_version_by_alias(MODEL, "champion").version
        return f"{len(day):,} transactions, {int(alerts.sum())} alerts by version {version}"
