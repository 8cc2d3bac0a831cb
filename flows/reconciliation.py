"""Repair of what Prefect, MLflow and the ledger disagree on; the promotion runner calls it.

Three things can be left behind: an MLflow run whose flow run is over, a request that nobody can
answer, labels in MLflow that are behind the ledger.
Not here: the same repair of one model, with which each of its promotions begins (promotion.py).
"""

from configs.reading import read_models
from configs.settings import Settings
from flows import mirror
from flows.request_queue import clear_dead_request, end_replaced_request, request_next
from tasks.release.ledger import Ledger
from tasks.release.projection import project
from tasks.tracking.server import connect


def reconcile(settings: Settings) -> None:
    """Bring the three systems into agreement on all models, as far as that is possible now."""
    client = connect(settings)
    ledger = Ledger(settings.ledger_url)
    mirror.end_open_runs(client)
    recorded_models = ledger.models()
    for config in read_models(settings):
        if config.name in recorded_models:
            clear_dead_request(ledger, client, config)
            end_replaced_request(ledger, config)
            project(client, ledger, config.name)
            request_next(ledger, config)


if __name__ == "__main__":
    reconcile(Settings())
