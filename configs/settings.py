"""Where things are: the home, the models' folder, the data, the ledger and the two servers. The only reader of the environment.

Not here: what to train (schema.py). A running `ratchet up` leaves the addresses it chose in `stack.json` under the home;
a variable of the environment beats it.
"""

import json
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from configs.errors import Unreachable

SHIPPED_MODELS = Path(__file__).parent / "models"


class Settings(BaseSettings):
    """The settings in force, read when asked for and never at import."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    ratchet_home: Path = Field(
        default=Path(".ratchet"), description="Folder of everything that ratchet writes."
    )
    ratchet_models: Path = Field(
        default=SHIPPED_MODELS, description="Folder of <name>.yaml and <name>.py."
    )
    ratchet_data: Path | None = Field(
        default=None, description="What ${RATCHET_DATA} means in a YAML; <home>/data if unset."
    )
    ratchet_ledger: str | None = Field(
        default=None, description="SQLAlchemy URL of the ledger; SQLite in the home if unset."
    )
    ratchet_mlflow_port: int = Field(
        default=5000, ge=0, le=65535, description="Port for MLflow; 0 means any free port."
    )
    ratchet_prefect_port: int = Field(
        default=4200, ge=0, le=65535, description="Port for Prefect; 0 means any free port."
    )
    mlflow_tracking_uri: str | None = Field(
        default=None, description="Address of the MLflow server."
    )
    prefect_api_url: str | None = Field(
        default=None, description="Address of the Prefect API, ending in /api."
    )

    @property
    def home(self) -> Path:
        return self.ratchet_home.expanduser().absolute()

    @property
    def models(self) -> Path:
        return self.ratchet_models.expanduser().absolute()

    @property
    def data(self) -> Path:
        return (self.ratchet_data or self.home / "data").expanduser().absolute()

    @property
    def ledger_url(self) -> str:
        return self.ratchet_ledger or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def mlflow_url(self) -> str:
        return self._address("mlflow", self.mlflow_tracking_uri, "MLFLOW_TRACKING_URI")

    def mlflow_page(self, path: str) -> str:
        """A page of MLflow for people, who find it in the part for models instead of the one for language models."""
        return f"{self.mlflow_url}/#/{path}?workflowType=machine_learning"

    @property
    def prefect_url(self) -> str:
        """The API's address, `http://host:port/api`; the UI is the same without `/api`."""
        return self._address("prefect", self.prefect_api_url, "PREFECT_API_URL")

    @property
    def prefect_ui(self) -> str:
        return self.prefect_url.removesuffix("/api")

    @property
    def stack_file(self) -> Path:
        return self.home / "stack.json"

    @property
    def knows_servers(self) -> bool:
        """Whether there are addresses to try; no port is guessed, since another home's servers may listen there."""
        return bool(self.prefect_api_url or self._stack())

    def environment(self) -> dict[str, str]:
        """The folders and the ledger as variables, for a child process that must see the same ones from another folder."""
        return {
            "RATCHET_HOME": str(self.home),
            "RATCHET_MODELS": str(self.models),
            "RATCHET_DATA": str(self.data),
            "RATCHET_LEDGER": self.ledger_url,
        }

    def _address(self, server: str, given: str | None, variable: str) -> str:
        known = given or self._stack().get(server)
        if not known:
            raise Unreachable(
                f"nothing is up in {self.home}, and {variable} is not set. Start one with: ratchet up"
            )
        return known.rstrip("/")

    def _stack(self) -> dict[str, str]:
        """What a running `ratchet up` wrote: {"mlflow": url, "prefect": url, ...}; empty when none runs."""
        if not self.stack_file.exists():
            return {}
        stack: dict[str, str] = json.loads(self.stack_file.read_text())
        return stack
