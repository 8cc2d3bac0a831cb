"""The journey of a model through real servers, for the tests of the flows.

Data are made, candidates trained, requests answered. Flows run in the test's own process, through a
flow run of a real deployment, as a runner would run them.
Not here: the real path, with a runner (test_stack.py, test_browser.py).
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
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Crashed, Scheduled

from configs.reading import read_model
from configs.settings import Settings
from deployments.stack import Stack
from flows.promotion import promote_candidate
from flows.rollback import move_reference, roll_back
from flows.scoring import score_batch
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

# by recipe: the version that the first journey with this recipe trained
TRAINED: dict[tuple[str, ...], ModelVersion] = {}


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
        for flow in (train_candidate, score_batch, promote_candidate, roll_back, move_reference):
            flow_id = self.prefect.create_flow(flow)
            self.prefect.create_deployment(
                flow_id=flow_id, name=self.model, parameters={"model": self.model}
            )

    def start(self, flow: Flow[..., Any], **parameters: Any) -> FlowRun:
        """Create a flow run, which nothing runs yet."""
        deployment = self.prefect.read_deployment_by_name(f"{flow.name}/{self.model}")
        return self.prefect.create_flow_run_from_deployment(
            deployment.id, parameters={"model": self.model, **parameters}
        )

    def run(self, flow: Flow[..., Any], flow_run: FlowRun) -> State[Any]:
        """Run it in this process until it is over or suspended; return its state then."""
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
        """Train and register a new version; return its number."""
        run = self.start(train_candidate, **parameters)
        state = self.run(train_candidate, run)
        assert state.name == "Registered", state
        return max(int(version.version) for version in self.versions())

    def candidate(self, *overrides: str) -> int:
        """Register a new version and return its number, for what begins after training.

        All versions of one recipe share the run that trained the first.
        """
        path = self.settings.models / f"{self.model}.yaml"
        yaml = path.read_text().replace(self.model, "")
        recipe = (yaml, path.with_suffix(".py").read_text(), *overrides)
        if recipe in TRAINED:
            return self._register_again(TRAINED[recipe])
        number = self.train(overrides=list(overrides))
        TRAINED[recipe] = self.mlflow.get_model_version(self.model, str(number))
        return number

    def ask(self, version: int, **parameters: Any) -> tuple[FlowRun, State[Any]]:
        """Request the promotion of a version; return the flow run and its state."""
        run = self.start(promote_candidate, version=version, **parameters)
        return run, self.run(promote_candidate, run)

    def fill_in(self, flow_run: FlowRun, decision: str, evidence: str | None = None) -> Any:
        """Send the suspended flow run's form, as the UI and the command do; return the reply."""
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
        """Make a new version the champion, by its flow; return its number."""
        version = self.candidate()
        run, state = self.ask(version)
        assert state.name == "Suspended", state
        assert self.answer(run, "approve").name == "Promoted"
        return version

    def crown(self, version: int | None = None) -> int:
        """Promote a given version or a new one, by the functions that flows call."""
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
        """Run it in a process that is killed at that place (dying.py); Prefect learns of it."""
        assert dying.wait_for(dying.begin(flow_run.id, place, when)) == -signal.SIGKILL
        self.prefect.set_flow_run_state(flow_run.id, Crashed(), force=True)

    def again(self, flow_run: FlowRun) -> None:
        """Schedule the flow run again, as the UI's Retry does."""
        self.prefect.set_flow_run_state(flow_run.id, Scheduled(), force=True)

    def flow_runs(self, flow: Flow[..., Any]) -> list[FlowRun]:
        """This model's runs of a flow, among those of all tests on the same server."""
        deployment = self.prefect.read_deployment_by_name(f"{flow.name}/{self.model}")
        of_deployment = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        return self.prefect.read_flow_runs(deployment_filter=of_deployment)

    def promotions(self) -> list[FlowRun]:
        return self.flow_runs(promote_candidate)

    def versions(self) -> list[Any]:
        return list(self.mlflow.search_model_versions(f"name='{self.model}'"))

    def files_of(self, version: int, servers: Stack) -> Path:
        """The folder in which these servers keep the version's model."""
        registered = self.mlflow.get_model_version(self.model, str(version))
        run = self.mlflow.get_run(str(registered.run_id))
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
        """Each version's stage tag, which MLflow's own field must repeat."""
        versions = self.versions()
        assert all(version.tags["stage"] == version.current_stage for version in versions)
        return {int(version.version): version.tags["stage"] for version in versions}

    def mlflow_runs(self, flow_run: FlowRun) -> list[Any]:
        experiments = [experiment.experiment_id for experiment in self.mlflow.search_experiments()]
        of_flow_run = f"tags.`{FLOW_RUN}` = '{flow_run.id}'"
        return list(self.mlflow.search_runs(experiments, of_flow_run))

    def _register_again(self, trained: ModelVersion) -> int:
        """Register the model of another journey's version under this journey's name."""
        # the name exists from the second version on
        with suppress(MlflowException):
            self.mlflow.create_registered_model(self.model)
        registered = self.mlflow.create_model_version(
            self.model,
            trained.source,
            trained.run_id,
            trained.tags | {FLOW_RUN: str(uuid4()), STAGE: "None"},
            model_id=trained.source.removeprefix("models:/"),
        )
        return int(registered.version)


@contextmanager
def begin(settings: Settings, edit: Callable[[str], str] = str) -> Iterator[Journey]:
    """A journey of a new model on ten days of data: `tiny`, with a YAML changed by `edit`."""
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
