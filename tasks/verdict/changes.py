"""What is different about a candidate since the champion, in words: first what makes the gate looser, then the holdout, then the model.

Pure. Not here: whether an answer still counts (evidence.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from configs.model import ModelConfig
from tasks.records import RegisteredVersion, Role

Definition = Mapping[str, Any]  # of a gate, as evidence keeps it
KINDS = ("at_least", "at_most", "better_than", "not_worse_than")


def since(
    versions: Mapping[Role, RegisteredVersion],
    configs: Mapping[Role, ModelConfig],
    now: Definition,
    before: Definition | None,
) -> list[str]:
    """The changes, the gravest first; none without a champion. `configs` are what they were trained with, `before` the gate on which
    the champion was promoted."""
    candidate, champion = versions["candidate"], versions.get("champion")
    if champion is None:
        return []
    of_gate = _of_gate(before, now) if before else []
    of_rows = (
        _of_rows(configs["champion"], configs["candidate"])
        if {"champion", "candidate"} <= configs.keys()
        else ()
    )
    return [*of_gate, *of_rows, *_of_params(champion.params, candidate.params)]


def _of_gate(before: Definition, now: Definition) -> list[str]:
    old, new = ({_name(rule): rule for rule in gate["rules"]} for gate in (before, now))
    looser = [f"the gate is looser: no more {_said(old[name])}" for name in old if name not in new]
    stricter = [f"the gate is stricter: also {_said(new[name])}" for name in new if name not in old]
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            way = "looser" if _is_looser(old[name], new[name]) else "stricter"
            (looser if way == "looser" else stricter).append(
                f"the gate is {way}: {_said(new[name])}, before {_said(old[name])}"
            )
    for key in before["comparison"].keys() | now["comparison"].keys():
        was, is_now = before["comparison"].get(key), now["comparison"].get(key)
        if was != is_now:
            less = is_now in ("ask", "leave_out", "may_break") or (
                key == "confidence" and (is_now or 0) < (was or 0)
            )
            (looser if less else stricter).append(
                f"{'the gate is looser: ' if less else ''}comparison.{key} is {is_now}, was {was}"
            )
    rest = [f"{key} changed" for key in ("slices", "threshold") if before.get(key) != now.get(key)]
    return sorted(looser) + sorted(stricter) + rest


def _of_rows(before: ModelConfig, now: ModelConfig) -> Iterator[str]:
    """What makes a row one of the holdout, and what the model sees of it."""
    if before.split != now.split or before.data.drop_nulls != now.data.drop_nulls:
        yield f"the holdout's definition: {now.split}, before {before.split}"
    for said, some, others in (("more", now, before), ("no more", before, now)):
        if names := [name for name in some.data.features if name not in others.data.features]:
            yield f"{said} features: {', '.join(names)}"


def _of_params(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Parameters, window, code and libraries, as the runs recorded them."""
    for key in sorted(
        key
        for key in before.keys() | now.keys()
        if key.startswith("train.") or key in ("seed", "hooks_sha256")
    ):
        if before.get(key) != now.get(key):
            yield f"{key}: {before.get(key, 'none')[:40]} -> {now.get(key, 'none')[:40]}"
    if before.get("train_end") and before.get("train_end") != now.get("train_end"):
        yield f"training rows end {now.get('train_end', '')[:10]}, before {before['train_end'][:10]}"
    if before.get("git_commit") != now.get("git_commit"):
        yield f"code {before.get('git_commit', 'unknown')[:7]} -> {now.get('git_commit', 'unknown')[:7]}"
    for key in sorted(key for key in before.keys() | now.keys() if key.startswith("version.")):
        if before.get(key) != now.get(key):
            yield f"{key.removeprefix('version.')} {before.get(key, 'none')} -> {now.get(key, 'none')}"


def _name(rule: Definition) -> tuple[Any, ...]:
    """What makes two rules the same one, if with another number."""
    kind = next(kind for kind in KINDS if kind in rule)
    return rule["metric"], rule.get("slice"), kind, rule[kind] if kind.endswith("_than") else None


def _said(rule: Definition) -> str:
    return " ".join(
        f"{key} {value}" if key != "metric" else str(value) for key, value in rule.items()
    )


def _is_looser(old: Definition, new: Definition) -> bool:
    def number(rule: Definition, key: str) -> float:
        return float(str(rule.get(key, 0)).rstrip("% "))

    less_asked = number(new, "at_least") < number(old, "at_least") or number(
        new, "at_most"
    ) > number(old, "at_most")
    margin = number(new, "by") - number(old, "by")
    wider = margin > 0 if "not_worse_than" in new else margin < 0
    return (
        less_asked
        or wider
        or str(new.get("by", "")).endswith("%") != str(old.get("by", "")).endswith("%")
    )
