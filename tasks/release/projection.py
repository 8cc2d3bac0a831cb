"""The ledger as MLflow shows it: aliases, stages, descriptions. Whoever finds them behind brings them up to the ledger's head.

Not here: what happened (ledger.py, standing.py); how a label is set (tasks/tracking/registry.py).
"""

from mlflow import MlflowClient

from tasks.release.ledger import Event, Ledger
from tasks.release.standing import Standing, standing
from tasks.tracking import registry


def project(client: MlflowClient, ledger: Ledger, model: str) -> None:
    """MLflow in agreement with the ledger's head, even when the head moves meanwhile."""
    shown = None
    while shown != (now := standing(model, ledger.events(model))):
        _show(client, now)
        shown = now


def _show(client: MlflowClient, now: Standing) -> None:
    numbers = registry.read_stages(client, now.model)
    wanted = dict.fromkeys(numbers, "None")
    wanted |= {number: "Archived" for number in now.former if number in numbers}
    aliases = {
        "reference": now.reference if now.reference in numbers else None,
        "challenger": now.pending.version_to if now.pending else None,
    }
    if now.pending and now.pending.version_to:
        wanted[now.pending.version_to] = "Staging"
    if (
        now.champion and now.champion.version_to in numbers
    ):  # a deleted version can bear no label; the ledger still names it
        wanted[now.champion.version_to] = "Production"
        registry.describe(client, now.model, now.champion.version_to, _description(now.champion))
        aliases["champion"] = now.champion.version_to
    registry.show_aliases(
        client, now.model, aliases
    )  # serving reads them: before what only people read
    for number, stage in wanted.items():
        if numbers.get(number, (stage, stage)) != (stage, stage):
            registry.show_stage(client, now.model, number, stage)


def _description(change: Event) -> str:
    what = (
        "Promoted to Production"
        if change.event == "promoted"
        else "Rolled back to: in Production again"
    )
    return f"{what} on {change.time:%Y-%m-%d %H:%M} UTC by {change.who}: {change.why}"
