"""Evidence of a made-up candidate, as it comes back from the ledger, for tests."""

from dataclasses import replace
from datetime import date
from typing import Any

from configs import canonical_json
from configs.comparison import Comparison
from configs.gate import Rule
from configs.model import ModelConfig
from tasks.comparison.comparison import Compared
from tasks.comparison.contest import Contest
from tasks.records import Estimate, NotEstimated, RegisteredVersion, Role
from tasks.verdict import evidence_json, gate, judgement
from tasks.verdict.evidence import Evidence
from tasks.verdict.signatures import SignatureChanges

ABSOLUTE_RULE = Rule(metric="average_precision", at_least=0.5)
RELATIVE_RULE = Rule(metric="average_precision", not_worse_than="champion", by=0.03)
RULES = (ABSOLUTE_RULE, RELATIVE_RULE)
CANDIDATE = RegisteredVersion(
    model="tiny",
    number=3,
    run_id="r",
    experiment="1",
    artifacts="a",
    flow_run="f",
    sha256="a" * 64,
    address="models:/m",
    metrics={
        "holdout/average_precision": 0.61234567891234,
        "train/log_loss": 0.2,
        "baseline_most_frequent/average_precision": 0.005,
        "seconds/fit": 3.0,
        "validation/raw_failed": 0.0,
    },
    params={
        "holdout_start": "2018-08-06T00:00:00",
        "holdout_end": "2018-08-08T00:00:00",
        "holdout_rows": "8000",
        "holdout_positives": "40",
        "holdout_sha256": "h",
        "train_end": "2018-08-05T00:00:00",
        "train_rows": "90000",
        "git_commit": "1f09c2a0",
        "train.params.C": "1.0",
    },
)
CHAMPION = replace(
    CANDIDATE,
    number=2,
    sha256="c" * 64,
    params=CANDIDATE.params | {"train.params.C": "0.5", "git_commit": "77be001"},
)
FIRST: dict[Role, RegisteredVersion] = {"candidate": CANDIDATE}
BOTH: dict[Role, RegisteredVersion] = {
    "candidate": CANDIDATE,
    "champion": CHAMPION,
    "reference": CHAMPION,
}
SIZE = {"rows": 8000, "positives": 40, "units": 8000}
ABSOLUTE = Estimate(**SIZE, candidate=0.612, spare=0.112, low=0.06, high=0.16, method="percentile")
BETTER = Estimate(**SIZE, candidate=0.612, other=0.6, spare=0.012, low=0.004, high=0.02)
RELATIVE = replace(BETTER, margin=0.03, spare=0.042, low=0.034, high=0.05)


def configured(*rules: Rule, **comparison: Any) -> ModelConfig:
    return ModelConfig.model_construct(
        name="tiny",
        kind="binary",
        gate=rules or RULES,
        comparison=Comparison(**comparison),
        slices={},
        threshold=None,
        metrics=(),
    )


def evidence_of(
    versions: dict[Role, RegisteredVersion] = BOTH,
    better: Estimate | NotEstimated | None = BETTER,
    problems: tuple[str, ...] = (),
    looks: int = 1,
    notes: tuple[str, ...] = (),
    **compared: Any,
) -> Evidence:
    """The evidence as it comes back from the ledger."""
    estimates: list[tuple[Rule, list[Estimate | NotEstimated]]] = [(ABSOLUTE_RULE, [ABSOLUTE])]
    if "champion" in versions:
        estimates.append((RELATIVE_RULE, [RELATIVE]))
    else:
        better = None
    gathered = judgement.gather(
        Contest(configured(), versions, notes=notes),
        Compared(better=better, **compared),
        gate.decide(estimates, problems),
        SignatureChanges(),
        judgement.Request(requested_by="tests"),
        looks,
    )
    known = replace(
        gathered,
        main_metric="average_precision",
        baselines={"most_frequent": 0.005},
        judged_on=date(2018, 8, 9),
    )
    return evidence_json.read(canonical_json.read(canonical_json.write(evidence_json.write(known))))
