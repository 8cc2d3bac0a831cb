"""How a trained model becomes a candidate: registered, linked, and its promotion requested.

Not here: how it was trained (training.py), what becomes of the request (promotion.py).
"""

from configs.settings import Settings
from flows.outcome import Outcome
from flows.runs import MINUTE, artifact_key, describe, request_promotion
from flows.steps import step
from tasks.model.evaluation import Evaluation
from tasks.tracking import model_files, registry
from tasks.tracking.model_files import LoggedFiles
from tasks.tracking.plans import Plan
from tasks.tracking.training_record import TrainingRun

register = step(
    registry.register,
    "register",
    lambda version: f"version {version}",
    retries=3,
    timeout_seconds=10 * MINUTE,
)


def register_candidate(
    training_run: TrainingRun,
    settings: Settings,
    logged: LoggedFiles,
    evaluation: Evaluation,
) -> Outcome:
    """Register the logged model, link to it, and request its promotion if the YAML says so."""
    client, run, plan = training_run.client, training_run.run, training_run.plan
    config = training_run.config
    tags = {
        model_files.SHA256: logged.sha256,
        "ratchet.flow_run_url": settings.flow_run_page(run.flow_run),
        **plan.version_tags,
    }
    title = _joined("Candidate", day_of(plan))
    version = register(client, run, config, logged.model_id, tags, f"{title}: {evaluation}")
    describe_candidate(training_run, settings, version, str(evaluation))
    if config.promotion.ask != "manual":
        requester = _joined(config.name, day_of(plan), "training")
        request_promotion(config, version, requester, run.flow_run)
    message = f"version {version} of {config.name} is a candidate: {evaluation}"
    return Outcome("registered", message, version)


def describe_candidate(
    training_run: TrainingRun, settings: Settings, version: int, evaluation: str
) -> None:
    """Show the result and its links on the run's page in both systems."""
    run, model = training_run.run, training_run.config.name
    report_page = settings.mlflow_run_page(run.experiment, run.id, "report.html")
    run_page = settings.mlflow_run_page(run.experiment, run.id)
    flow_run_page = settings.flow_run_page(run.flow_run)
    version_page = settings.mlflow_page(f"models/{model}/versions/{version}")
    text = (
        f"# {model} {version}\n\n{training_run.plan}\n\n{evaluation}\n\n"
        f"- [the report]({report_page})\n"
        f"- [the run in MLflow]({run_page})\n"
        f"- [the version in MLflow]({version_page})\n"
        f"- [the run in Prefect]({flow_run_page})\n"
    )
    key = artifact_key("candidate", model)
    describe(training_run.client, run.id, key, f"{model} {version}", text)


def day_of(plan: Plan) -> str:
    """The day as of which a run trains; empty for data without days."""
    return f"{plan.as_of:%Y-%m-%d}" if plan.as_of else ""


def _joined(*words: str) -> str:
    """The words that are not empty, with spaces between them."""
    return " ".join(word for word in words if word)
