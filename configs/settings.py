"""Where things are: the home, the models, the data, the ledger, the two servers and their pages.

The only reader of the environment. A running `ratchet up` leaves the addresses of its servers in
`stack.json` in the home; a variable of the environment takes precedence.

Not here: what to train (model.py).
"""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from configs.errors import ConfigError, Unreachable

SHIPPED_MODELS = Path(__file__).parent / "models"


class Settings(BaseSettings):
    """The settings in effect; read when an instance is made, never at import."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    ratchet_home: Path = Field(
        default=Path(".ratchet"), description="Folder for everything that ratchet writes."
    )
    ratchet_models: Path = Field(
        default=SHIPPED_MODELS, description="Folder of each model's <name>.yaml and <name>.py."
    )
    ratchet_data: Path | None = Field(
        default=None,
        description="Folder that ${RATCHET_DATA} stands for in a YAML; <home>/data if unset.",
    )
    ratchet_ledger: str | None = Field(
        default=None, description="SQLAlchemy URL of the ledger; SQLite in the home if unset."
    )
    ratchet_mlflow_port: int = Field(
        default=5000,
        ge=0,
        le=65535,
        description="Port for MLflow; 0, and a port that is taken, mean any free one.",
    )
    ratchet_prefect_port: int = Field(
        default=4200,
        ge=0,
        le=65535,
        description="Port for Prefect; 0, and a port that is taken, mean any free one.",
    )
    mlflow_tracking_uri: str | None = Field(
        default=None, description="Address of the MLflow server."
    )
    prefect_api_url: str | None = Field(
        default=None, description="Address of the Prefect API, ending in /api."
    )

    @field_validator("ratchet_mlflow_port", "ratchet_prefect_port", mode="wrap")
    @classmethod
    def _read_port(
        cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        try:
            return read(value)
        except ValidationError as error:
            variable = str(info.field_name).upper()
            raise ConfigError(
                f"{variable} is {str(value)!r}; "
                "set it to a port from 0 to 65535, where 0 means any free port"
            ) from error

    @property
    def home(self) -> Path:
        """The home, as an absolute path."""
        return _absolute(self.ratchet_home)

    @property
    def models(self) -> Path:
        """The folder of models, as an absolute path."""
        return _absolute(self.ratchet_models)

    @property
    def data(self) -> Path:
        """The folder of data, as an absolute path."""
        return _absolute(self.ratchet_data or self.home / "data")

    @property
    def ledger_url(self) -> str:
        """The ledger's SQLAlchemy URL."""
        return self.ratchet_ledger or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def mlflow_url(self) -> str:
        """The MLflow server's address; raises Unreachable when none is known."""
        return self._address("mlflow", self.mlflow_tracking_uri, "MLFLOW_TRACKING_URI")

    def mlflow_page(self, path: str) -> str:
        """The address of a page of MLflow, in its area for models, not for language models."""
        return f"{self.mlflow_url}/#/{path}?workflowType=machine_learning"

    def mlflow_run_page(self, experiment_id: str, run_id: str, artifact: str = "") -> str:
        """The address of a run's page in MLflow, or of the page of one of its artifacts."""
        path = f"experiments/{experiment_id}/runs/{run_id}"
        if artifact:
            path = f"{path}/artifacts/{artifact}"
        return self.mlflow_page(path)

    @property
    def prefect_url(self) -> str:
        """The Prefect API's address, `http://host:port/api`; raises Unreachable like mlflow_url."""
        return self._address("prefect", self.prefect_api_url, "PREFECT_API_URL")

    @property
    def prefect_ui(self) -> str:
        """The address of Prefect's UI: the API's without `/api`."""
        return self.prefect_url.removesuffix("/api")

    def prefect_page(self, path: str) -> str:
        """The address of a page of Prefect's UI."""
        return f"{self.prefect_ui}/{path}"

    def flow_run_page(self, flow_run_id: str) -> str:
        """The address of a flow run's page in Prefect's UI."""
        return self.prefect_page(f"runs/flow-run/{flow_run_id}")

    @property
    def stack_file(self) -> Path:
        """The file in which a running `ratchet up` leaves the addresses of its servers."""
        return self.home / "stack.json"

    @property
    def ports_file(self) -> Path:
        """The file in which `ratchet up` leaves the ports of its servers for the next one."""
        return self.home / "ports.json"

    @property
    def knows_servers(self) -> bool:
        """Whether there is an address to try.

        No port is ever guessed: another home's servers may listen there.
        """
        return bool(self.prefect_api_url or self.stack_record())

    def environment(self) -> dict[str, str]:
        """The folders and the ledger as variables, for a child process in another folder."""
        return {
            "RATCHET_HOME": str(self.home),
            "RATCHET_MODELS": str(self.models),
            "RATCHET_DATA": str(self.data),
            "RATCHET_LEDGER": self.ledger_url,
        }

    def _address(self, server: str, from_environment: str | None, variable: str) -> str:
        address = from_environment or self.stack_record().get(server)
        if not address:
            raise Unreachable(
                f"no servers are running for {self.home}, and {variable} is not set. "
                "Start them with: ratchet up"
            )
        return address.rstrip("/")

    def stack_record(self) -> dict[str, Any]:
        """What a running `ratchet up` wrote: {"mlflow": url, "prefect": url, ...}, or nothing."""
        if not self.stack_file.exists():
            return {}
        try:
            record = json.loads(self.stack_file.read_text())
        except ValueError:
            record = None
        if not isinstance(record, dict) or not record.keys() >= {"mlflow", "prefect", "up"}:
            raise ConfigError(
                f"{self.stack_file} is damaged; stop the servers it was written for, if they still "
                "run, and delete it"
            )
        return record


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def secret(variable: str) -> str:
    """The value of an environment variable that a YAML names; ConfigError where it is not set.

    With the suffix _FILE, as DATABASE_URL_FILE, the variable names a file that holds the value.
    """
    if value := os.environ.get(variable):
        return value
    file = os.environ.get(f"{variable}_FILE")
    if not file:
        raise ConfigError(
            f"the environment variable {variable} is not set, which the YAML names; set it where "
            "this runs, and where the runners were started"
        )
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{variable}_FILE names {file}, which cannot be read: {error}") from error
