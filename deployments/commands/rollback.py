"""`ratchet rollback` and `ratchet reference`: change the champion or the reference at once.

No approval is requested. The change still goes through a flow, because flows alone write the
ledger. Not here: what the flow checks before (tasks/release/rollback.py).
"""

import click

from configs.errors import UsageError
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_DECIDER, AS_JSON, MODEL, REASON, VERSION
from deployments.commands.progress import start_and_follow
from tasks.release.ledger import Ledger
from tasks.release.standing import standing


@click.command(epilog='Example: ratchet rollback fraud_detector --reason "alerts doubled"')
@MODEL
@click.option(
    "--to",
    "version",
    type=click.IntRange(min=1),
    help="The former champion to roll back to; default: the previous champion.",
)
@REASON
@AS_DECIDER
@AS_JSON
def rollback(model: str, version: int | None, reason: str, who: str, as_json: bool) -> None:
    """Roll MODEL back to a former champion, without asking for approval.

    Its files are verified first, and the rollback is recorded in the ledger.
    """
    settings = Settings()
    read_model(model, settings)
    version = version or _previous_champion(settings, model)
    parameters = {"version": version, "reason": reason, "asked_by": who}
    start_and_follow(settings, "roll_back", model, parameters, as_json=as_json)


@click.command(
    epilog='Example: ratchet reference fraud_detector 7 --reason "the version that was audited"'
)
@MODEL
@VERSION
@REASON
@AS_DECIDER
@AS_JSON
def reference(model: str, version: int, reason: str, who: str, as_json: bool) -> None:
    """Set the reference of MODEL, with which later candidates are also compared.

    VERSION is the champion or a former one.
    """
    settings = Settings()
    read_model(model, settings)
    parameters = {"version": version, "reason": reason, "asked_by": who}
    start_and_follow(settings, "move_reference", model, parameters, as_json=as_json)


def _previous_champion(settings: Settings, model: str) -> int:
    """The version that was champion before the present one; UsageError when there is none."""
    now = standing(model, Ledger(settings.ledger_url).events(model))
    if now.previous:
        return now.previous
    former = ", ".join(str(version) for version in sorted(now.former))
    if former:
        raise UsageError(
            f"{model} has no earlier champion in line; choose a former one with --to: {former}"
        )
    raise UsageError(
        f"{model} has no earlier champion to roll back to. See: ratchet history {model}"
    )
