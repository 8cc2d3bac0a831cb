"""How the candidate's model signature differs from the champion's, as sentences.

Not here: making a model signature (tasks/tracking/model_files.py).
"""

from dataclasses import dataclass

from mlflow import MlflowClient

from tasks.comparison.contest import Contest
from tasks.tracking import versions


@dataclass(frozen=True)
class SignatureChanges:
    """What breaks the champion's callers, and what they need not know."""

    breaking: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()


def signature_changes(client: MlflowClient, contest: Contest) -> SignatureChanges:
    """The differences between both model signatures; none unless both versions are compared."""
    candidate, champion = contest.contestants.get("candidate"), contest.contestants.get("champion")
    if not candidate or not champion:
        return SignatureChanges()
    new = versions.read_model_signature(client, candidate.version)
    old = versions.read_model_signature(client, champion.version)
    breaking = [
        f"the model signature requires {name}, which callers of the champion do not send"
        for name in new
        if name not in old
    ]
    breaking += [
        f"the model signature has {name} as {new[name]}, the champion's has it as {old[name]}"
        for name in new
        if name in old and old[name] != new[name]
    ]
    if breaking:
        breaking.append(
            "promote it under another name, or allow it with comparison: {signature: may_break}"
        )
    harmless = [
        f"the model signature no longer has {name}; callers may go on sending it"
        for name in old
        if name not in new
    ]
    return SignatureChanges(tuple(breaking), tuple(harmless))
