"""Evidence of a made-up candidate, as it comes back from the record, for the tests of what reads it."""

from dataclasses import replace
from typing import Any

from configs import canonical_json
from configs.judging import Comparison, Rule
from configs.model import ModelConfig
from tasks.records import Estimate, RegisteredVersion, Role, Verdict
from tasks.verdict import evidence, gate

RULES = (
    Rule(metric="average_precision", at_least=0.5),
    Rule(metric="average_precision", not_worse_than="champion", by=0.03),
)
CANDIDATE = RegisteredVersion(
    model="tiny", number=3, run_id="r", experiment="1", artifacts="a", flow_run="f", sha256="a" * 64, address="models:/m",
    metrics={"holdout/average_precision": 0.61234567891234, "train/log_loss": 0.2, "seconds/fit": 3.0, "validation/raw_failed": 0.0},
    params={"holdout_start": "2018-08-06T00:00:00", "holdout_end": "2018-08-08T00:00:00", "holdout_rows": "8000", "holdout_positives": "40",
            "holdout_sha256": "h", "train_end": "2018-08-05T00:00:00", "train_rows": "90000", "git_commit": "1f09c2a0", "train.params.C": "1.0"},
)  # fmt: skip
CHAMPION = replace(
    CANDIDATE,
    number=2,
    sha256="c" * 64,
    params=CANDIDATE.params | {"train.params.C": "0.5", "git_commit": "77be001"},
)
BOTH: dict[Role, RegisteredVersion] = {
    "candidate": CANDIDATE,
    "champion": CHAMPION,
    "reference": CHAMPION,
}
ABSOLUTE = Estimate(
    rows=8000,
    positives=40,
    units=8000,
    candidate=0.612,
    spare=0.112,
    low=0.06,
    high=0.16,
    method="percentile",
)
BETTER = Estimate(
    rows=8000,
    positives=40,
    units=8000,
    candidate=0.612,
    other=0.6,
    spare=0.012,
    low=0.004,
    high=0.02,
)
RELATIVE = replace(BETTER, margin=0.03, spare=0.042, low=0.034, high=0.05)


def configured(*rules: Rule, **judging: Any) -> ModelConfig:
    return ModelConfig.model_construct(
        name="tiny",
        kind="binary",
        gate=rules or RULES,
        comparison=Comparison(**judging),
        slices={},
        threshold=None,
        metrics=(),
    )


def document_of(
    versions: dict[Role, RegisteredVersion] = BOTH,
    better: Estimate | None = BETTER,
    problems: tuple[str, ...] = (),
    **facts: Any,
) -> dict[str, Any]:
    """The evidence as it comes back from the record."""
    judged = [(RULES[0], [ABSOLUTE]), *([(RULES[1], [RELATIVE])] if "champion" in versions else [])]
    verdict: Verdict = gate.decide(judged, problems)
    made = evidence.gather(
        configured(), versions, verdict, better=better, judged_on="2018-08-09", **facts
    ) | {"main_metric": "average_precision"}
    return canonical_json.read(canonical_json.write(made))
