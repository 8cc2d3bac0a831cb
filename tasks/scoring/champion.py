"""Which version scores: the champion by the ledger, with the digest that was judged.

Not here: which rows it scores (tasks/data/new_rows.py); scoring them (job.py).
"""

from dataclasses import replace

from mlflow import MlflowClient

from configs import canonical_json
from configs.errors import ModelRejected, UsageError
from configs.model import ModelConfig
from configs.source import Source
from tasks.data.hooks import Hooks
from tasks.records import RegisteredVersion
from tasks.release.ledger import Ledger
from tasks.release.standing import standing
from tasks.tracking import registry, versions


def find_champion(ledger: Ledger, client: MlflowClient, model: str) -> RegisteredVersion:
    """The record of today's champion; UsageError where there is none, or it was deleted.

    Its `sha256` is that of the evidence on which it was promoted: anybody may write a tag.
    """
    champion = standing(model, ledger.events(model)).champion
    if champion is None:
        raise UsageError(
            f"{model} has no champion, and only a champion scores; "
            f"promote a version first: ratchet promote {model} VERSION"
        )
    version = registry.read_version(client, model, champion.version_to)
    return replace(version, sha256=ledger.evidence_of(champion).candidate.model_sha256)


def read_config_and_hooks(version: RegisteredVersion, source: Source) -> tuple[ModelConfig, Hooks]:
    """The configuration and hooks stored with a version, to read the rows of today's source.

    ModelRejected when the hooks are not those that it was trained with.
    """
    config, hooks = versions.read_config_and_hooks(version)
    if config.hooks and canonical_json.sha256(hooks.source) != version.params.get("hooks_sha256"):
        raise ModelRejected(
            f"the hooks stored with {version} are not those it was trained with; "
            "restore hooks.py of its training run from a backup, or train again"
        )
    data = config.data.model_copy(update={"source": source})
    return config.model_copy(update={"data": data}), hooks
