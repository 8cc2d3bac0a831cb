"""The ledger as MLflow shows it: aliases, stages, descriptions.

Not here: what happened (ledger.py, standing.py); how a label is set (tasks/tracking/registry.py).
"""

from collections.abc import Iterable

from mlflow import MlflowClient

from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.release.standing import Standing, standing
from tasks.tracking import registry


def project(client: MlflowClient, ledger: Ledger, model: str) -> None:
    """Bring MLflow's aliases and stages in line with the ledger, even if it changes meanwhile."""
    shown = None
    while shown != (now := standing(model, ledger.events(model))):
        _show(client, now)
        shown = now


def _show(client: MlflowClient, now: Standing) -> None:
    registered = registry.read_stages(client, now.model)
    champion, challenger = now.champion, now.pending.version_to if now.pending else None
    # a deleted version can bear no label; the ledger still names it
    aliases: dict[str, int | None] = {
        "reference": now.reference if now.reference in registered else None,
        "challenger": challenger if challenger in registered else None,
    }
    if champion and champion.version_to in registered:
        aliases["champion"] = champion.version_to
        registry.describe(client, now.model, champion.version_to, _description_of(champion))
    # aliases first: serving reads them, stages are for people
    registry.show_aliases(client, now.model, aliases)
    for version, stage in _stages(now, registered).items():
        if registered.get(version, (stage, stage)) != (stage, stage):
            registry.show_stage(client, now.model, version, stage)


def _stages(now: Standing, registered: Iterable[int]) -> dict[int, str]:
    """The stage of each registered version, and of the pending one."""
    stages = dict.fromkeys(registered, "None")
    stages |= {version: "Archived" for version in now.former if version in stages}
    if now.pending:
        stages[now.pending.version_to] = "Staging"
    if now.champion and now.champion.version_to in stages:
        stages[now.champion.version_to] = "Production"
    return stages


def _description_of(change: Event) -> str:
    what = "Promoted to Production"
    if change.event == "rolled_back":
        what = "Rolled back to, and in Production again"
    return f"{what} on {change.time:%Y-%m-%d %H:%M} UTC by {change.who}: {change.why}"
