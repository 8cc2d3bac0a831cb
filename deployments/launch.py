"""How each process of the stack is launched: its command line and its environment.

Not here: when it is started, awaited and ended (stack.py).
"""

import os
import sys
from collections.abc import Mapping

from configs.settings import Settings

# variables that would point our servers, or their clients, to somebody else's
FOREIGN_PREFIXES = ("PREFECT_", "MLFLOW_")
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def command_of(process: str, settings: Settings, ports: Mapping[str, int]) -> list[str]:
    """The command line of mlflow, prefect, reconciliation, or the runner of that name."""
    match process:
        case "mlflow":
            module = _mlflow(settings, ports["mlflow"])
        case "prefect":
            module = ["prefect", "server", "start", *_address(ports["prefect"])]
        case "reconciliation":
            module = ["flows.reconciliation"]
        case runner:
            module = ["deployments.runner", runner]
    return [sys.executable, "-m", *module]


def environment_of(settings: Settings, mlflow_url: str, prefect_url: str) -> dict[str, str]:
    """Our variables on top of the caller's, for every process of the stack."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)
    }
    return {
        **inherited,
        **QUIET,
        **settings.environment(),
        "MLFLOW_TRACKING_URI": mlflow_url,
        "PREFECT_API_URL": prefect_url,
        "PREFECT_HOME": str(settings.home / "prefect"),
        # else matplotlib writes into the user's own folders
        "MPLCONFIGDIR": str(settings.home / "matplotlib"),
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        # whoever watches a run sees each step as soon as it is done
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",
        # without it a server restart ends running flows that hold a concurrency slot
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        # else MLflow starts eight more processes
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # a user's own `flows/` or `tasks/` is never on the path
        "PYTHONSAFEPATH": "1",
    }


def _mlflow(settings: Settings, port: int) -> list[str]:
    return [
        "mlflow",
        "server",
        "--backend-store-uri",
        f"sqlite:///{settings.home / 'mlflow.db'}",
        "--artifacts-destination",
        str(settings.home / "artifacts"),
        "--serve-artifacts",
        "--workers",
        "1",
        *_address(port),
    ]


def _address(port: int) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(port)]
