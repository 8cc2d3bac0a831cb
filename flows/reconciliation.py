"""Repair of what Prefect, MLflow and the ledger disagree on; the promotion runner calls it.

Three things can be left behind: an MLflow run whose flow run is over, a request that nobody can
answer, labels in MLflow that are behind the ledger.
Not here: the same repair of one model, with which each of its promotions begins (promotion.py).
"""

import logging

from mlflow import MlflowClient

from configs.errors import RatchetError
from configs.model import ModelConfig
from configs.reading import read_models
from configs.settings import Settings
from flows import mirror
from flows.request_queue import clear_dead_request, end_replaced_request, request_next
from tasks.release.ledger import Ledger
from tasks.release.projection import project
from tasks.tracking.server import connect

LOG = logging.getLogger(__name__)


def reconcile(settings: Settings) -> None:
    """Bring the three systems into agreement on all models, as far as that is possible now.

    A model that cannot be repaired does not keep the others from it: RatchetError names it after
    all others are repaired. Of a model whose YAML is broken, only the labels are brought up to
    date.
    """
    client = connect(settings)
    ledger = Ledger(settings.ledger_url)
    mirror.end_open_runs(client)
    configs = {config.name: config for config in read_models(settings).configs}
    failed = []
    for model in ledger.models():
        try:
            _reconcile_model(ledger, client, model, configs.get(model))
        except Exception:
            LOG.exception("%s cannot be repaired now", model)
            failed.append(model)
    if failed:
        raise RatchetError(f"these models could not be repaired: {', '.join(failed)}; see the log")


def _reconcile_model(
    ledger: Ledger, client: MlflowClient, model: str, config: ModelConfig | None
) -> None:
    if config:
        clear_dead_request(ledger, client, config)
        end_replaced_request(ledger, config)
    project(client, ledger, model)
    if config:
        request_next(ledger, config)


if __name__ == "__main__":
    reconcile(Settings())
