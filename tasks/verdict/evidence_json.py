"""The JSON document of evidence: how it is written, and how it is read, also from early documents.

A document is written once, for a request, and afterwards only read. Its keys are only ever added
to, so `read` fills in what a document was written without.
Not here: what evidence is (evidence.py), canonical JSON and digests (configs/canonical_json.py).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from configs.built_in_metrics import METRICS
from configs.gate import Rule
from tasks.records import Estimate, NotEstimated, RuleVerdict, Verdict
from tasks.verdict.evidence import Candidate, ComparedVersion, Evidence, Holdout, Training
from tasks.verdict.gate import GateDefinition

# of a number in a document: the digits beyond differ between machines
SIGNIFICANT_DIGITS = 9
# what a person wrote is not rounded: the gate's digest, and its slices, are compared later
AS_WRITTEN = ("gate", "definition")

Document = dict[str, Any]


def write(evidence: Evidence) -> Document:
    """The JSON document of evidence, with numbers rounded to SIGNIFICANT_DIGITS."""
    document = asdict(evidence)
    # as text: documents have always had the training run's param
    document["candidate"]["git_dirty"] = str(evidence.candidate.git_dirty)
    document["holdout"] = {
        f"holdout_{name}": _as_recorded(value) for name, value in document["holdout"].items()
    }
    document["training"] = {
        name: _as_recorded(value) for name, value in document["training"].items()
    }
    document["gate"]["digest"] = document.pop("gate_digest")
    document["signature"] = document.pop("model_signature")
    document["judged_on"] = _as_recorded(evidence.judged_on)
    document["better"] = _write_estimate(evidence.better)
    document["better_than_reference"] = _write_estimate(evidence.better_than_reference)
    document["guards"] = {
        metric: _write_estimate(guard) for metric, guard in evidence.guards.items()
    }
    document["slices"] = [_write_estimate(part) for part in evidence.slices]
    document["verdict"]["rules"] = [_write_rule_verdict(rule) for rule in evidence.verdict.rules]
    document["champion_rules"] = [_write_rule_verdict(rule) for rule in evidence.champion_rules]
    rounded: Document = _rounded(document)
    return rounded


def read(document: Mapping[str, Any]) -> Evidence:
    """The evidence of a stored document."""
    gate, candidate, holdout = document["gate"], document["candidate"], document["holdout"]
    main_metric = document["main_metric"]
    greater_is_better = _greater_is_better(main_metric)
    return Evidence(
        model=document["model"],
        candidate=Candidate(**candidate | {"git_dirty": candidate["git_dirty"] == "True"}),
        champion=_read_version(document["champion"]),
        reference=_read_version(document["reference"]),
        holdout=read_holdout({name.removeprefix("holdout_"): holdout[name] for name in holdout}),
        training=read_training(document["training"]),
        metrics=document["metrics"],
        baselines=document.get("baselines", {}),
        gate=GateDefinition(**{name: gate[name] for name in gate if name != "digest"}),
        gate_digest=gate["digest"],
        verdict=_read_verdict(document),
        champion_rules=tuple(
            _read_rule_verdict(recorded, recorded["definition"])
            for recorded in document.get("champion_rules", ())
        ),
        main_metric=main_metric,
        better=_read_estimate(document["better"], greater_is_better),
        better_than_reference=_read_estimate(document["better_than_reference"], greater_is_better),
        slices=tuple(_estimate_of(part, greater_is_better) for part in document["slices"]),
        guards={
            metric: _estimate_of(guard, _greater_is_better(metric))
            for metric, guard in document.get("guards", {}).items()
        },
        power=document["power"],
        looks=document["looks"],
        notes=tuple(document["notes"]),
        model_signature=tuple(document["signature"]),
        changes=tuple(document["changes"]),
        asked_by=document["asked_by"],
        judged_on=date.fromisoformat(document["judged_on"]) if document["judged_on"] else None,
    )


def read_holdout(recorded: Mapping[str, str]) -> Holdout:
    """The holdout from texts by field; an absent or empty text is None, or empty for a digest."""
    return Holdout(
        start=_instant(recorded.get("start")),
        end=_instant(recorded.get("end")),
        rows=_count(recorded.get("rows")),
        positives=_count(recorded.get("positives")),
        left_out=_count(recorded.get("left_out")),
        sha256=recorded.get("sha256", ""),
    )


def read_training(recorded: Mapping[str, str]) -> Training:
    """The training from texts by field, as `read_holdout` reads the holdout."""
    return Training(
        train_start=_instant(recorded.get("train_start")),
        train_end=_instant(recorded.get("train_end")),
        train_rows=_count(recorded.get("train_rows")),
        train_positives=_count(recorded.get("train_positives")),
        data_digest=recorded.get("data_digest", ""),
        config_digest=recorded.get("config_digest", ""),
        seed=recorded.get("seed", ""),
    )


def _read_verdict(document: Mapping[str, Any]) -> Verdict:
    verdict = document["verdict"]
    rules = [
        _read_rule_verdict(recorded, rule)
        for recorded, rule in _with_rules(document, verdict["rules"])
    ]
    return Verdict(verdict["outcome"], tuple(rules), tuple(verdict["problems"]))


def _with_rules(
    document: Mapping[str, Any], recorded: list[Document]
) -> list[tuple[Document, Mapping[str, Any]]]:
    """Each recorded rule verdict with the definition of its rule.

    Early documents hold the rule as text alone. There the gate's rules follow one another in their
    order, each with all its parts; a rule about a version that there was not has none.
    """
    if all("definition" in verdict for verdict in recorded):
        return [(verdict, verdict["definition"]) for verdict in recorded]
    applicable = [
        rule
        for rule in document["gate"]["rules"]
        if all(document[rule[key]] for key in ("better_than", "not_worse_than") if key in rule)
    ]
    by_rule = [list(verdicts) for _, verdicts in groupby(recorded, key=itemgetter("rule"))]
    return [
        (verdict, rule)
        for rule, verdicts in zip(applicable, by_rule, strict=True)
        for verdict in verdicts
    ]


def _write_rule_verdict(verdict: RuleVerdict) -> Document:
    return {
        "rule": str(verdict.rule),
        "definition": verdict.rule.model_dump(mode="json", exclude_none=True),
        "metric": verdict.rule.metric,
        "outcome": verdict.outcome,
        "estimate": _write_estimate(verdict.estimate),
    }


def _read_rule_verdict(recorded: Document, definition: Mapping[str, Any]) -> RuleVerdict:
    # an early definition leaves out minima, which were none by default
    rule = Rule.model_validate({"min_rows": 1, "min_positives": 0, **definition})
    estimate = _estimate_of(recorded["estimate"], _greater_is_better(rule.metric))
    return RuleVerdict(rule, recorded["outcome"], estimate)


def _write_estimate(estimate: Estimate | NotEstimated | None) -> Document | None:
    if estimate is None:
        return None
    document = asdict(estimate)
    if isinstance(estimate, Estimate):
        return document | {"problem": "", "doubt": ""}
    numbers = ("spare", "low", "high", "confidence", "upper_confidence", "degrees_of_freedom")
    absent = dict.fromkeys(numbers) | {"margin": 0, "method": ""}
    reason, fatal = document.pop("reason"), document.pop("fatal")
    problem, doubt = (reason, "") if fatal else ("", reason)
    return document | absent | {"problem": problem, "doubt": doubt}


def _read_estimate(
    document: Document | None, greater_is_better: bool
) -> Estimate | NotEstimated | None:
    return _estimate_of(document, greater_is_better) if document else None


def _estimate_of(document: Document, greater_is_better: bool) -> Estimate | NotEstimated:
    """The estimate of a document.

    Early ones do not say which way the metric is better, nor how well the variance is known, and
    have one confidence for both bounds.
    """
    reason = document["problem"] or document["doubt"]
    if reason or document["low"] is None:
        names = ("part", "rows", "positives", "units", "candidate", "other")
        known = {name: document[name] for name in names}
        return NotEstimated(reason or "is missing", fatal=bool(document["problem"]), **known)
    early = {
        "greater_is_better": greater_is_better,
        "upper_confidence": document["confidence"],
        "degrees_of_freedom": None,
    }
    known = early | document
    return Estimate(**{field.name: known[field.name] for field in fields(Estimate)})


def _greater_is_better(metric: str) -> bool:
    return metric not in METRICS or METRICS[metric].greater_is_better


def _read_version(document: Document | None) -> ComparedVersion | None:
    return ComparedVersion(**document) if document else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _count(text: str | None) -> int | None:
    return int(text) if text else None


def _as_recorded(value: datetime | date | int | str | None) -> str:
    """A fact as the training run's params have it."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {
            str(key): item if key in AS_WRITTEN else _rounded(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
