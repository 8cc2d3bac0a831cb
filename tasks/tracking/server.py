"""A connection to the MLflow server that the settings name.

Everything in this package goes through a client with explicit ids: the fluent functions of MLflow
keep state of their own, and in a second thread they open a second run that nobody ends.
"""

import logging

import mlflow
from mlflow import MlflowClient
from mlflow.environment_variables import (
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
)
from mlflow.exceptions import MlflowException

from configs.errors import Unreachable
from configs.settings import Settings

# about 30 s a call; with MLflow's own default a call to a dead server takes 246 s
RETRIES = 4
TIMEOUT_SECONDS = 30


def connect(settings: Settings) -> MlflowClient:
    """A client of the MLflow server; Unreachable when the server does not answer."""
    probe(settings.mlflow_url)
    configure_mlflow(settings.mlflow_url)
    return MlflowClient(settings.mlflow_url)


def probe(url: str) -> None:
    """Return when the server answers a cheap authenticated call; Unreachable when it does not.

    MLflow's health page is no substitute: it answers while every client is refused.
    """
    # nobody waits for the retries of a server that is down; `configure_mlflow` allows them again
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(0)
    MLFLOW_HTTP_REQUEST_TIMEOUT.set(TIMEOUT_SECONDS)
    try:
        MlflowClient(url).search_experiments(max_results=1)
    except MlflowException as error:
        reason = str(error).splitlines()[0][:200]
        raise Unreachable(
            f"no MLflow server answers at {url} ({reason}). Start it with: ratchet up"
        ) from error


def configure_mlflow(url: str) -> None:
    """Set MLflow up for the whole process: this server, few retries, no progress bars or hints."""
    # where `models:/` addresses are looked up
    mlflow.set_tracking_uri(url)
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(RETRIES)
    MLFLOW_HTTP_REQUEST_TIMEOUT.set(TIMEOUT_SECONDS)
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    # its hints are about settings that are chosen here on purpose
    logging.getLogger("mlflow").setLevel(logging.ERROR)
