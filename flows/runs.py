"""What every flow run does, whichever flow it is of: connect, open its MLflow run, link the two.

Not here: the order of any flow; the final state of a run (outcome.py).
"""

from collections.abc import Mapping
from uuid import UUID

from mlflow import MlflowClient
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import deployment, flow_run

from configs.errors import UsageError
from configs.model import ModelConfig
from configs.settings import Settings
from flows.steps import step
from tasks.tracking import runs, server
from tasks.tracking.runs import Run

MINUTE = 60.0

connect = step(server.connect, "connect", retries=3, timeout_seconds=5 * MINUTE)
open_mlflow_run = step(runs.open_run, "open run", retries=3, timeout_seconds=5 * MINUTE)


def require_own_deployment(model: str) -> None:
    """UsageError unless this deployment is the model's; the form's check can be switched off."""
    if deployment.name not in (None, model):
        raise UsageError(
            f"this deployment belongs to {deployment.name}, not to {model!r}; "
            f"start the run from the deployment of {model!r}"
        )


def open_run(
    client: MlflowClient,
    settings: Settings,
    experiment: str,
    name: str,
    tags: Mapping[str, str] | None = None,
) -> Run:
    """The MLflow run of this flow run, RUNNING and tagged with the flow and a link back."""
    own_id = str(flow_run.id)
    links = {
        "ratchet.flow": flow_run.flow_name,
        "ratchet.flow_run_url": settings.flow_run_page(own_id),
    }
    return open_mlflow_run(client, experiment, name, own_id, {**links, **(tags or {})})


def name_run(*words: str) -> str:
    """A name of these words and the end of the flow run's id, which tells equal names apart."""
    spoken = [word for word in words if word]
    return " ".join([*spoken, f"#{str(flow_run.id)[-4:]}"])


def artifact_key(*words: str) -> str:
    """A key that Prefect takes: lower-case words joined by dashes, no underscores."""
    return "-".join(words).replace("_", "-")


def describe(client: MlflowClient, run_id: str, key: str, title: str, markdown: str) -> None:
    """Show the text on the run's page in both systems."""
    create_markdown_artifact(key=key, description=title, markdown=markdown)
    runs.describe(client, run_id, markdown)


def find_flow_run(prefect: SyncPrefectClient, flow_run_id: str) -> FlowRun | None:
    """The flow run, or None if it was deleted."""
    try:
        return prefect.read_flow_run(UUID(flow_run_id))
    except ObjectNotFound:
        return None


def request_promotion(
    config: ModelConfig, version: int, asked_by: str, key: str, *, only_if_better: bool = True
) -> None:
    """Start one promotion flow run for this version, however often the calling flow is retried.

    `key` is the flow run in whose name it is requested. Unless `only_if_better` is false, the
    model's `promotion.ask` decides whether a candidate that is merely no worse is deferred.
    """
    defer_unless_better = only_if_better and config.promotion.ask == "when_better"
    run_deployment(
        f"promote_candidate/{config.name}",
        parameters={
            "version": version,
            "asked_by": asked_by,
            "only_if_better": defer_unless_better,
        },
        idempotency_key=f"{key}:promote:{version}",
        timeout=0,
        as_subflow=False,
    )
