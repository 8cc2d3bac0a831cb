"""What every flow run does whichever flow it is of: connect, open its MLflow run, link both, ask for another run.

Not here: the order of any flow.
"""

from prefect.deployments import run_deployment
from prefect.runtime import deployment, flow_run

from configs.errors import UsageError
from configs.model import ModelConfig
from configs.settings import Settings
from flows.steps import step
from tasks.tracking import runs, server

MINUTE = 60.0


connect = step(server.connect, "connect", retries=3, timeout_seconds=5 * MINUTE)


open_run = step(runs.open_run, "open run", retries=3, timeout_seconds=5 * MINUTE)


def request_promotion(
    config: ModelConfig, version: int, asked_by: str, key: str, *, only_if_better: bool = True
) -> None:
    """A promotion flow run for this version: one, however often the asking flow is retried."""
    unless_similar = only_if_better and config.promotion.ask == "when_better"
    run_deployment(
        f"promote_candidate/{config.name}",
        parameters={"version": version, "asked_by": asked_by, "only_if_better": unless_similar},
        idempotency_key=f"{key}:promote:{version}",
        timeout=0,
        as_subflow=False,
    )


def require_own_deployment(model: str) -> None:
    """Return for the model that this deployment is of; the form fixes it, but the form's check can be switched off."""
    if deployment.name not in (None, model):
        raise UsageError(
            f"this deployment is of {deployment.name}, not of {model!r}; start the run from the deployment of {model!r}"
        )


def flow_url(settings: Settings) -> str:
    return f"{settings.prefect_ui}/runs/flow-run/{flow_run.id}"
