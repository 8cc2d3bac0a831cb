"""A connection to the MLflow server in force.

Everything in this room goes through a client with explicit ids: the fluent functions of MLflow keep state of their own,
and in a second thread they open a second run that nobody ends.
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

RETRIES = 4  # about 30 s a call; MLflow's own default keeps a dead server's caller for 246 s


def connect(settings: Settings) -> MlflowClient:
    """A client of the server, which has just answered one cheap call; Unreachable when it does not."""
    probe(settings)
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(RETRIES)
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    mlflow.set_tracking_uri(
        settings.mlflow_url
    )  # where `models:/` addresses are looked up; one server a process
    logging.getLogger("mlflow").setLevel(
        logging.ERROR
    )  # its hints speak of a setting that is made here on purpose
    return MlflowClient(settings.mlflow_url)


def probe(settings: Settings) -> None:
    """Return when the server answers an authenticated call; its health page says yes while every client is refused."""
    MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(0)
    MLFLOW_HTTP_REQUEST_TIMEOUT.set(30)
    try:
        MlflowClient(settings.mlflow_url).search_experiments(max_results=1)
    except MlflowException as error:
        reason = str(error).splitlines()[0][:200]
        raise Unreachable(
            f"no MLflow server answers at {settings.mlflow_url} ({reason}). Start one with: ratchet up"
        ) from error
