"""The journeys of a model through real servers, for the tests of the flows: data made, candidates trained, questions answered.

Flows run in the test's own process through a flow run of a real deployment, as a runner would run them; the real path, with a
runner, has a test of its own (test_stack.py, test_browser.py).
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Crashed, Scheduled

from configs.reading import read_model
from configs.settings import Settings
from deployments.stack import Stack
from flows.promotion import promote_candidate
from flows.rollback import move_reference, roll_back
from flows.training import train_candidate
from tasks.release import promotion_answer, promotion_request, reference
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.release.projection import project
from tasks.release.promotion_answer import Answer
from tasks.release.promotion_request import RequestOptions
from tasks.release.promotion_run import PromotionRun
from tasks.release.standing import Standing, standing
from tasks.tracking.registry import STAGE
from tasks.tracking.runs import FLOW_RUN
from tests import dying
from tests.conftest import TINY_HOOKS, TINY_YAML, write_days

TRAINED: dict[
    tuple[str, ...], ModelVersion
] = {}  # by recipe: the version that the first journey with it trained


@dataclass
class Journey:
    """One model of one test: its settings, and what can be done with it."""

    model: str
    settings: Settings
    prefect: SyncPrefectClient
    mlflow: MlflowClient

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger_url)

    @property
    def events(self) -> tuple[Event, ...]:
        return self.ledger.events(self.model)

    @property
    def told(self) -> list[str]:
        """The ledger in short: what happened to which version."""
        return [f"{event.event} {event.version_to}" for event in self.events]

    @property
    def standing(self) -> Standing:
        return standing(self.model, self.events)

    def deploy(self) -> None:
        for flow in (train_candidate, promote_candidate, roll_back, move_reference):
            flow_id = self.prefect.create_flow(flow)
            self.prefect.create_deployment(
                flow_id=flow_id, name=self.model, parameters={"model": self.model}
            )

    def start(self, flow: Flow[..., Any], **parameters: Any) -> FlowRun:
        """A flow run that nobody has run yet."""
        deployment = self.prefect.read_deployment_by_name(f"{flow.name}/{self.model}")
        return self.prefect.create_flow_run_from_deployment(
            deployment.id, parameters={"model": self.model, **parameters}
        )

    def run(self, flow: Flow[..., Any], flow_run: FlowRun) -> State[Any]:
        """The flow run carried on in this process until it is over or suspended; its state then."""
        with suppress(Pause):
            run_flow(
                flow,
                flow_run=self.read(flow_run.id),
                parameters=flow_run.parameters,
                return_type="state",
            )
        state = self.read(flow_run.id).state
        assert state is not None
        return state

    def read(self, flow_run: UUID) -> FlowRun:
        return self.prefect.read_flow_run(flow_run)

    def train(self, **parameters: Any) -> int:
        """The number of the version that a new training run registers."""
        run = self.start(train_candidate, **parameters)
        state = self.run(train_candidate, run)
        assert state.name == "Registered", state
        return max(int(version.version) for version in self.versions())

    def candidate(self, *overrides: str) -> int:
        """The number of a new version, for what begins after training: all of one recipe share the run that trained the first."""
        path = self.settings.models / f"{self.model}.yaml"
        recipe = (
            path.read_text().replace(self.model, ""),
            path.with_suffix(".py").read_text(),
            *overrides,
        )
        if recipe not in TRAINED:
            number = self.train(overrides=list(overrides))
            TRAINED[recipe] = self.mlflow.get_model_version(self.model, str(number))
            return number
        trained = TRAINED[recipe]
        with suppress(MlflowException):  # it is there from the second version on
            self.mlflow.create_registered_model(self.model)
        tags = trained.tags | {FLOW_RUN: str(uuid4()), STAGE: "None"}
        made = self.mlflow.create_model_version(
            self.model,
            trained.source,
            trained.run_id,
            tags,
            model_id=trained.source.removeprefix("models:/"),
        )
        return int(made.version)

    def ask(self, version: int, **parameters: Any) -> tuple[FlowRun, State[Any]]:
        run = self.start(promote_candidate, version=version, **parameters)
        return run, self.run(promote_candidate, run)

    def fill_in(self, flow_run: FlowRun, decision: str, evidence: str | None = None) -> Any:
        """The suspended flow run's form sent, as the UI and the command do; what the server says to it."""
        pending = next(
            event
            for event in self.events
            if event.event == "requested" and event.flow_run == str(flow_run.id)
        )
        form = {
            "decision": decision,
            "your_name": "release lead",
            "reason": "as tests do",
            "evidence": evidence or pending.evidence_digest,
        }
        return self.prefect.resume_flow_run(flow_run.id, run_input=form)

    def answer(self, flow_run: FlowRun, decision: str) -> State[Any]:
        assert str(self.fill_in(flow_run, decision).status.value) == "ACCEPT"
        return self.run(promote_candidate, flow_run)

    def promote(self) -> int:
        """The number of a new version that became the champion."""
        version = self.candidate()
        run, state = self.ask(version)
        assert state.name == "Suspended", state
        assert self.answer(run, "approve").name == "Promoted"
        return version

    def crown(self, version: int | None = None) -> int:
        """Promote a given version or a new one, without a flow, by the functions that flows call."""
        version = version or self.candidate()
        config = read_model(self.model, self.settings)
        run = PromotionRun(
            self.ledger, self.mlflow, config, version, str(uuid4()), mlflow_run="none"
        )
        options = RequestOptions("tests")
        judged = promotion_request.judge(run, options)
        requested = promotion_request.request(run, judged, options)
        assert requested, "somebody else changed the champion"
        assert requested.event == "requested", requested
        digest = requested.evidence_digest or ""
        answer = Answer("approve", "release lead", "as tests do", digest)
        reference.raise_reference(run, promotion_answer.take_answer(run, requested, answer))
        project(self.mlflow, self.ledger, self.model)
        return version

    def kill_at(self, flow_run: FlowRun, place: str, when: str) -> None:
        """The flow run carried on in a process that is killed at that place (tests/dying.py); Prefect knows that it crashed."""
        assert dying.wait_for(dying.begin(flow_run.id, place, when)) == -signal.SIGKILL
        self.prefect.set_flow_run_state(flow_run.id, Crashed(), force=True)

    def again(self, flow_run: FlowRun) -> None:
        """The flow run set going again, as the UI's Retry does."""
        self.prefect.set_flow_run_state(flow_run.id, Scheduled(), force=True)

    def promotions(self) -> list[FlowRun]:
        deployment = self.prefect.read_deployment_by_name(f"{promote_candidate.name}/{self.model}")
        return [
            run
            for run in self.prefect.read_flow_runs(limit=200)
            if run.deployment_id == deployment.id
        ]

    def versions(self) -> list[Any]:
        return list(self.mlflow.search_model_versions(f"name='{self.model}'"))

    def files_of(self, version: int, servers: Stack) -> Path:
        """The folder in which these servers keep the version's model."""
        run = self.mlflow.get_run(
            str(self.mlflow.get_model_version(self.model, str(version)).run_id)
        )
        (logged,) = self.mlflow.search_logged_models(
            [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"
        )
        (folder,) = servers.settings.home.rglob(logged.model_id)
        return folder

    def aliases(self) -> dict[str, int]:
        return {
            alias: int(number)
            for alias, number in self.mlflow.get_registered_model(self.model).aliases.items()
        }

    def stages(self) -> dict[int, str]:
        """Of each version its stage tag, which MLflow's own field must repeat."""
        versions = self.versions()
        assert all(version.tags["stage"] == version.current_stage for version in versions)
        return {int(version.version): version.tags["stage"] for version in versions}

    def mlflow_runs(self, flow_run: FlowRun) -> list[Any]:
        experiments = [experiment.experiment_id for experiment in self.mlflow.search_experiments()]
        return list(
            self.mlflow.search_runs(experiments, f"tags.`ratchet.flow_run` = '{flow_run.id}'")
        )


@contextmanager
def begin(settings: Settings, edit: Callable[[str], str] = str) -> Iterator[Journey]:
    """A journey of a new model whose YAML and hooks are those of `tiny`, changed by `edit`, on ten days of data."""
    model = f"m_{uuid4().hex[:10]}"
    (settings.models / f"{model}.py").write_text(TINY_HOOKS)
    (settings.models / f"{model}.yaml").write_text(
        edit(TINY_YAML.replace("name: tiny", f"name: {model}"))
    )
    write_days(settings.data / "days")
    with get_client(sync_client=True) as prefect:
        journey = Journey(model, settings, prefect, MlflowClient(settings.mlflow_url))
        journey.deploy()
        yield journey
