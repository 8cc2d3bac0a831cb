"""What changed since the champion, as sentences: the gate first, then the data, then the model.

Pure. Not here: whether an answer still counts (evidence.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from configs.gate import MINIMA, Rule
from configs.model import ModelConfig
from tasks.records import RegisteredVersion, Role
from tasks.verdict.gate import GateDefinition

RuleDefinition = Mapping[str, Any]

# values in `comparison` that let more candidates pass than the other value of the same setting
LOOSE_SETTINGS = ("ask", "leave_out", "may_break")
# of a parameter's value
SHOWN_CHARACTERS = 40


def since_champion(
    versions: Mapping[Role, RegisteredVersion],
    configs: Mapping[Role, ModelConfig],
    gate: GateDefinition,
    champions_gate: GateDefinition | None,
) -> tuple[str, ...]:
    """The changes, gravest first; none without a champion.

    `configs` are those the versions were trained with, `champions_gate` the one it was promoted by.
    """
    candidate, champion = versions["candidate"], versions.get("champion")
    if champion is None:
        return ()
    changes: list[str] = []
    if champions_gate:
        changes += _gate_changes(champions_gate, gate)
    if "candidate" in configs and "champion" in configs:
        changes += _data_changes(configs["champion"], configs["candidate"])
    changes += _param_changes(champion.params, candidate.params)
    return tuple(changes)


def _gate_changes(before: GateDefinition, now: GateDefinition) -> list[str]:
    """What loosens the gate, then what tightens it, then what only changes it."""
    loosened, tightened = _rule_changes(before, now)
    other: list[str] = []
    for key in sorted(before.comparison.keys() | now.comparison.keys()):
        was, is_now = before.comparison.get(key), now.comparison.get(key)
        if was == is_now:
            continue
        change = f"comparison.{key} is {is_now}, was {was}"
        if _lets_more_pass(key, was, is_now):
            loosened.append(f"the gate is looser: {change}")
        elif _lets_more_pass(key, is_now, was):
            tightened.append(f"the gate is stricter: {change}")
        else:
            other.append(change)
    other += [
        f"{key} changed"
        for key in ("slices", "threshold")
        if getattr(before, key) != getattr(now, key)
    ]
    return sorted(loosened) + sorted(tightened) + other


def _rule_changes(before: GateDefinition, now: GateDefinition) -> tuple[list[str], list[str]]:
    """What loosens the gate's rules, and what tightens them."""
    old = {Rule.model_validate(rule).identity: rule for rule in before.rules}
    new = {Rule.model_validate(rule).identity: rule for rule in now.rules}
    removed = [_text_of(old[identity]) for identity in old if identity not in new]
    added = [_text_of(new[identity]) for identity in new if identity not in old]
    loosened = [f"the gate is looser: {rule} was removed" for rule in removed]
    tightened = [f"the gate is stricter: {rule} was added" for rule in added]
    for identity in old.keys() & new.keys():
        was, is_now = old[identity], new[identity]
        if was == is_now:
            continue
        # of the minima, which every rule has, only those that changed are named
        minima = [key for key in MINIMA if was.get(key) != is_now.get(key)]
        change = f"{_text_of(is_now, minima)}, was {_text_of(was, minima)}"
        if _is_looser(was, is_now):
            loosened.append(f"the gate is looser: {change}")
        else:
            tightened.append(f"the gate is stricter: {change}")
    return loosened, tightened


def _data_changes(before: ModelConfig, now: ModelConfig) -> Iterator[str]:
    """What decides which rows are held out, and what the model sees of a row."""
    if before.split != now.split or _selection_of(before) != _selection_of(now):
        yield f"the definition of the holdout: {now.split}, was {before.split}"
    added = [name for name in now.data.features if name not in before.data.features]
    removed = [name for name in before.data.features if name not in now.data.features]
    if added:
        yield f"features added: {', '.join(added)}"
    if removed:
        yield f"features removed: {', '.join(removed)}"


def _selection_of(config: ModelConfig) -> tuple[object, ...]:
    """What decides which of the source's rows are used."""
    return config.data.where, config.data.drop_duplicates, config.data.drop_nulls


def _param_changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Parameters, training window, code and libraries, as the training runs recorded them."""
    differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    for key in differing:
        if key.startswith("train.") or key in ("seed", "hooks_sha256"):
            was, is_now = before.get(key, "none"), now.get(key, "none")
            yield f"{key}: {was[:SHOWN_CHARACTERS]} -> {is_now[:SHOWN_CHARACTERS]}"
    if "train_end" in differing and before.get("train_end"):
        end = now.get("train_end", "")
        yield f"training rows end {end[:10]}, before {before['train_end'][:10]}"
    if "git_commit" in differing:
        was, is_now = before.get("git_commit", "unknown"), now.get("git_commit", "unknown")
        yield f"code {was[:7]} -> {is_now[:7]}"
    for key in differing:
        if key.startswith("version."):
            library = key.removeprefix("version.")
            yield f"{library} {before.get(key, 'none')} -> {now.get(key, 'none')}"


def _text_of(rule: RuleDefinition, minima: Sequence[str] = ()) -> str:
    return " ".join(
        str(value) if key == "metric" else f"{key} {value}"
        for key, value in rule.items()
        if key not in MINIMA or key in minima
    )


def _lets_more_pass(key: str, was: Any, is_now: Any) -> bool:
    """Whether this change of a setting of `comparison` lets more candidates pass."""
    if key == "confidence":
        return (is_now or 0) < (was or 0)
    if key == "spend":
        return is_now is False
    return is_now in LOOSE_SETTINGS


def _is_looser(old: RuleDefinition, new: RuleDefinition) -> bool:
    """Whether the new rule lets through what the old one refused; in doubt, yes."""
    if _number_in(new, "at_least") < _number_in(old, "at_least"):
        return True
    if _number_in(new, "at_most") > _number_in(old, "at_most"):
        return True
    if _is_relative(new) != _is_relative(old):
        return True
    if any(_number_in(new, key) < _number_in(old, key) for key in MINIMA):
        return True
    growth = _number_in(new, "by") - _number_in(old, "by")
    return growth > 0 if "not_worse_than" in new else growth < 0


def _number_in(rule: RuleDefinition, key: str) -> float:
    return float(str(rule.get(key, 0)).rstrip("% "))


def _is_relative(rule: RuleDefinition) -> bool:
    return str(rule.get("by", "")).endswith("%")
