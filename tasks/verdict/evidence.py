"""Evidence: everything a verdict rests on, as one JSON document; made once for a request, afterwards only compared with.

Not here: where documents lie and what their digest is (release/ledger.py); the rules (gate.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from configs.schema import Rule
from tasks.records import RegisteredVersion, Verdict
from tasks.verdict import gate

SIGNIFICANT_DIGITS = 9  # of a number in evidence: what follows differs between machines


def gather(version: RegisteredVersion, champion: int | None, rules: Sequence[Rule], verdict: Verdict) -> dict[str, Any]:
    """The document for one candidate under today's gate, with the champion that serves now."""
    params = version.params
    document: dict[str, Any] = _rounded({
        "model": version.model,
        "candidate": {
            "version": version.number,
            "model_sha256": version.sha256,
            "mlflow_run": version.run_id,
            "flow_run": version.flow_run,
            "git_commit": params.get("git_commit", ""),
            "git_dirty": params.get("git_dirty", ""),
        },
        "champion": champion,
        "note": None if champion else "No champion yet: only the absolute rules decide.",
        "holdout": {name: params.get(name, "") for name in ("holdout_start", "holdout_end", "holdout_rows", "holdout_positives", "holdout_sha256")},
        "training": {name: params.get(name, "") for name in ("train_start", "train_end", "train_rows", "train_positives", "data_digest", "config_digest")},
        "metrics": {name: value for name, value in sorted(version.metrics.items()) if name.startswith(("holdout/", "train/"))},
        "gate": {"digest": gate.digest(rules), "rules": [rule.model_dump(exclude_none=True) for rule in rules]},
        "verdict": asdict(verdict),
    })  # fmt: skip
    return document


def holdout_metrics(version: RegisteredVersion) -> dict[str, float]:
    """The recorded metrics of the holdout, by their plain names."""
    return {name.removeprefix("holdout/"): value for name, value in version.metrics.items() if name.startswith("holdout/")}


def what_changed(document: Mapping[str, Any], version: RegisteredVersion, champion: int | None, rules: Sequence[Rule]) -> list[str]:
    """Why a yes to this document no longer counts, in words; empty while the facts are as they were."""
    changes = []
    if champion != document["champion"]:
        changes.append(f"the champion changed from {document['champion'] or 'none'} to {champion or 'none'}")
    if version.sha256 != document["candidate"]["model_sha256"]:
        changes.append("the candidate's recorded model hash changed")
    if gate.digest(rules) != document["gate"]["digest"]:
        changes.append("the gate changed")
    if _rounded(holdout_metrics(version)) != _rounded(
        {k.removeprefix("holdout/"): v for k, v in document["metrics"].items() if k.startswith("holdout/")}
    ):
        changes.append("the candidate's recorded metrics changed")
    return changes


def as_markdown(document: Mapping[str, Any]) -> str:
    """The evidence as the table that the approval's form shows."""
    candidate, champion = document["candidate"], document["champion"]
    rows = [f"| {rule['rule']} | {_number(rule['value'])} | {rule['outcome']} |" for rule in document["verdict"]["rules"]]
    against = f"against champion {champion}" if champion else "(no champion yet: only the absolute rules decide)"
    return "\n".join([
        f"**{document['model']} {candidate['version']}** {against}: **{document['verdict']['outcome']}**",
        "",
        "| rule | candidate | verdict |",
        "|---|---|---|",
        *rows,
        "",
        f"{holdout_in_words(document)} {training_in_words(document)}",
    ])  # fmt: skip


def holdout_in_words(document: Mapping[str, Any]) -> str:
    """The days on which the candidate was judged if there are any, its rows, and its positives if it has any."""
    holdout = document["holdout"]
    days = f" {holdout['holdout_start'][:10]} .. {holdout['holdout_end'][:10]}" if holdout["holdout_start"] else ""
    positives = f", {_counted(holdout['holdout_positives'])} positives" if holdout["holdout_positives"] else ""
    return f"Holdout{days}: {_counted(holdout['holdout_rows'])} rows{positives}."


def training_in_words(document: Mapping[str, Any]) -> str:
    """How many rows the candidate learned from, up to when if they have days, with which code."""
    training, commit = document["training"], document["candidate"]["git_commit"]
    code = commit[:7] if commit.isalnum() else commit
    until = f" up to {training['train_end'][:10]}" if training["train_end"] else ""
    return f"Trained on {_counted(training['train_rows'])} rows{until}, code {code}."


def _counted(recorded: str) -> str:
    return f"{int(recorded):,}" if recorded else "unknown"


def _number(value: float | None) -> str:
    return "missing" if value is None else f"{value:.3f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
