"""Evidence: everything a verdict rests on, as one JSON document; made once for a request, afterwards only read and compared with.

Not here: where documents lie and what their digest is (release/ledger.py); the rules (gate.py); what it looks like (wording.py, report.py).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from configs.model import ModelConfig
from tasks.records import Estimate, RegisteredVersion, Role, Verdict
from tasks.verdict import changes, gate

SIGNIFICANT_DIGITS = 9  # of a number in evidence: what follows differs between machines
HOLDOUT = (
    "holdout_start",
    "holdout_end",
    "holdout_rows",
    "holdout_positives",
    "holdout_left_out",
    "holdout_sha256",
)
TRAINING = (
    "train_start",
    "train_end",
    "train_rows",
    "train_positives",
    "data_digest",
    "config_digest",
    "seed",
)


def gather(
    config: ModelConfig,
    versions: Mapping[Role, RegisteredVersion],
    verdict: Verdict,
    *,
    configs: Mapping[Role, ModelConfig] = {},
    better: Estimate | None = None,
    better_than_reference: Estimate | None = None,
    slices: tuple[Estimate, ...] = (),
    power: float | None = None,
    looks: int = 1,
    notes: tuple[str, ...] = (),
    signature: tuple[str, ...] = (),
    asked_by: str = "",
    before: Mapping[str, Any] | None = None,
    judged_on: str = "",
) -> dict[str, Any]:
    """The document for one candidate under today's gate, beside the champion and the reference if there are any.

    `configs` are what each was trained with, `better` the difference to the champion in the first metric, and that to the reference, `before` the evidence on which the champion was promoted; `judged_on` the day of the verdict.
    """
    candidate, champion = versions["candidate"], versions.get("champion")
    document: dict[str, Any] = _rounded({
        "model": config.name,
        "candidate": _identity(candidate) | {
            "flow_run": candidate.flow_run,
            "git_commit": candidate.params.get("git_commit", ""),
            "git_dirty": candidate.params.get("git_dirty", ""),
            "libraries": {name.removeprefix("version."): value for name, value in candidate.params.items() if name.startswith("version.")},
            "checks": {name: value for name, value in candidate.metrics.items() if name.startswith("validation/")},
        },
        "champion": _identity(champion) if champion else None,
        "reference": _identity(versions["reference"]) if "reference" in versions else None,
        "notes": [*(() if champion else ("No champion yet: only the absolute rules decide.",)), *notes],
        "holdout": {name: candidate.params.get(name, "") for name in HOLDOUT},
        "training": {name: candidate.params.get(name, "") for name in TRAINING},
        "metrics": {name: value for name, value in sorted(candidate.metrics.items()) if name.startswith(("holdout/", "train/"))},
        "gate": {"digest": gate.digest(config)} | gate.definition(config),
        "verdict": asdict(verdict),
        "main_metric": next((name for name in config.metric_names if name not in config.own_metrics), ""),
        "better": asdict(better) if better else None,
        "better_than_reference": asdict(better_than_reference) if better_than_reference else None,
        "slices": [asdict(each) for each in slices],
        "power": power,
        "looks": looks,
        "signature": signature,
        "changes": changes.since(versions, configs, gate.definition(config), (before or {}).get("gate")),
        "asked_by": asked_by,
        "judged_on": judged_on,
    })  # fmt: skip
    return document


def what_changed(
    document: Mapping[str, Any], versions: Mapping[Role, RegisteredVersion], config: ModelConfig
) -> list[str]:
    """Why a yes to this document no longer counts, in words; empty while the facts are as they were."""
    found = []
    roles: tuple[Role, ...] = ("champion", "reference")
    for role in roles:
        was, now = (
            (document[role] or {}).get("version"),
            versions[role].number if role in versions else None,
        )
        if was != now:
            found.append(f"the {role} changed from {was or 'none'} to {now or 'none'}")
        elif now and document[role]["model_sha256"] != versions[role].sha256:
            found.append(f"the {role}'s recorded model hash changed")
    candidate = versions["candidate"]
    if candidate.sha256 != document["candidate"]["model_sha256"]:
        found.append("the candidate's recorded model hash changed")
    if candidate.params.get("holdout_sha256", "") != document["holdout"]["holdout_sha256"]:
        found.append("the candidate's recorded holdout changed")
    if gate.digest(config) != document["gate"]["digest"]:
        found.append("the gate changed")
    return found


def _identity(version: RegisteredVersion) -> dict[str, Any]:
    return {"version": version.number, "model_sha256": version.sha256, "mlflow_run": version.run_id}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
