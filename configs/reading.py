"""From a file to a ModelConfig, or to errors that name file, line, key, what is wrong and what is allowed.

Here is what must agree across the parts of a YAML and with the file beside it. Not here: the shapes (schema.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from configs import source
from configs.expectations import condition_columns, problem_with
from configs.schema import BUILT_IN_METRICS, ModelConfig
from configs.settings import Settings
from tasks.errors import ConfigError, UsageError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    location: Location
    sentence: str


def model_names(settings: Settings) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in settings.models.glob("*.yaml")))


def model_path(name: str, settings: Settings) -> Path:
    """The model's YAML; ConfigError with the nearest names when there is none."""
    path = settings.models / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"there is no model {name!r} in {settings.models}; {_nearest(name, model_names(settings))}")
    return path


def hooks_path(name: str, settings: Settings) -> Path:
    return settings.models / f"{name}.py"


def read_model(name: str, settings: Settings, overrides: Sequence[str] = ()) -> ModelConfig:
    """The model's configuration, checked as a whole; ConfigError names every problem, a line each."""
    return read_file(model_path(name, settings), overrides)


def read_models(settings: Settings) -> tuple[ModelConfig, ...]:
    return tuple(read_model(name, settings) for name in model_names(settings))


def read_file(path: Path, overrides: Sequence[str] = ()) -> ModelConfig:
    try:
        document = YAML(typ="rt").load(path)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {error.problem}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}:1: a model's YAML is a mapping of keys; this file is {type(document).__name__}")
    for override in overrides:
        _override(document, override)
    try:
        config = ModelConfig.model_validate(_plain(document))
    except ValidationError as error:
        problems = [_problem(details, document) for details in error.errors()]
        raise ConfigError(_message(path, document, problems)) from error
    if problems := list(_disagreements(config, path)):
        raise ConfigError(_message(path, document, problems))
    return config


def _override(document: Any, override: str) -> None:
    """Apply `train.params.n_estimators=200`; only what stands under `train.` may change from run to run."""
    path, equals, text = override.partition("=")
    keys = path.split(".")
    if not equals or keys[0] != "train" or len(keys) < 2:
        raise UsageError(f"{override!r} is not an override: write train.<key>=<value>, as train.params.n_estimators=200")
    node = document
    for key in keys[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise UsageError(f"{override!r}: {key} is a value, it has no keys of its own")
    node[keys[-1]] = YAML(typ="safe").load(text)


def _plain(node: Any) -> Any:
    """The same document in plain Python: round-trip scalars and mappings remember their place, which pydantic does not want."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _problem(details: Any, document: Any) -> Problem:
    location = tuple(details["loc"])
    match details["type"]:
        case "extra_forbidden":
            return Problem(location, f"is an unknown key; {_nearest(str(location[-1]), _allowed_keys(location[:-1]))}")
        case "missing":
            return Problem(location, "is missing")
        case "value_error":
            return Problem(location, str(details["ctx"]["error"]))
    return Problem(location, f"{_shown(_at(document, location))} is not allowed: {details['msg'][0].lower()}{details['msg'][1:]}")


def _allowed_keys(location: Location) -> tuple[str, ...]:
    """The keys that the schema knows at a location of the document."""
    here: Any = ModelConfig
    for step in location:
        field = here.model_fields[step].annotation if isinstance(step, str) else here
        here = _part_of(field)
    return tuple(here.model_fields)


def _part_of(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(part for part in map(_part_of, annotation.__args__) if part) if hasattr(annotation, "__args__") else None


def _disagreements(config: ModelConfig, path: Path) -> Iterator[Problem]:
    """What each part allows but the whole does not."""
    if config.name != path.stem:
        yield Problem(("name",), f"{config.name!r} stands in {path.name}; name and file must agree")
    yield from _data_problems(config)
    yield from _hook_problems(config, path.with_suffix(".py"))
    yield from _check_problems(config)
    yield from _estimator_problems(config)
    yield from _metric_problems(config)
    yield from _schedule_problems(config)


def _data_problems(config: ModelConfig) -> Iterator[Problem]:
    data = config.data
    for role in ("key", "time", "target"):
        if (column := getattr(data, role)) not in data.columns:
            yield Problem(("data", role), f"{column!r} is not declared; {_nearest(column, data.columns)}")
    if data.columns.get(data.time, "datetime") != "datetime":
        yield Problem(
            ("data", "columns", data.time),
            f"holds the time of a row and must be datetime, not {data.columns[data.time]}",
        )
    if data.columns.get(data.target, "int64") not in ("int64", "bool"):
        yield Problem(
            ("data", "columns", data.target),
            f"is the target and must be int64 (0 or 1) or bool, not {data.columns[data.target]}",
        )
    for index, column in enumerate(data.private):
        if column not in data.columns:
            yield Problem(("data", "private", index), f"{column!r} is not declared; {_nearest(column, data.columns)}")
    for index, feature in enumerate(data.features):
        if feature in (data.target, data.key):
            role = "target" if feature == data.target else "key"
            yield Problem(("data", "features", index), f"{feature!r} is the {role}: a model must not see it")
        elif feature in data.features[:index]:
            yield Problem(("data", "features", index), f"{feature!r} stands there twice")
        elif not data.prepare and feature not in data.columns:
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is not declared and no prepare computes it; {_nearest(feature, data.columns)}",
            )


def _hook_problems(config: ModelConfig, path: Path) -> Iterator[Problem]:
    if not config.hooks:
        return
    try:
        defined = source.functions_in(path) if path.is_file() else frozenset()
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: this is not Python: {error.msg}") from error
    places: list[tuple[Location, str | None]] = [
        (("data", "prepare"), config.data.prepare),
        (("split", "exclude"), config.split.exclude),
    ]
    places += [(("metrics", i), name) for i, name in enumerate(config.metrics) if name not in BUILT_IN_METRICS]
    for location, name in places:
        if name and name not in defined:
            known = (*BUILT_IN_METRICS, *defined) if location[0] == "metrics" else tuple(defined)
            beside = (
                f"no function of {path.name} beside the YAML"
                if path.is_file()
                else f"a hook, and there is no {path.name} beside the YAML"
            )
            yield Problem(location, f"{name!r} is {beside}; {_nearest(name, known)}")


def _check_problems(config: ModelConfig) -> Iterator[Problem]:
    known = (*config.data.columns, *config.data.features)
    ids = [check.id for check in config.checks]
    for index, check in enumerate(config.checks):
        if check.id in ids[:index]:
            yield Problem(("checks", index, "id"), f"{check.id!r} names another check too")
        if problem := problem_with(check.expect, check.arguments):
            yield Problem(("checks", index), problem)
            continue
        for column in (*check.columns, *condition_columns(check.arguments)):
            if column not in known:
                yield Problem(("checks", index), f"column {column!r} is neither declared nor a feature; {_nearest(column, known)}")


def _estimator_problems(config: ModelConfig) -> Iterator[Problem]:
    module, _, name = config.train.estimator.rpartition(".")
    found = source.find_class(config.train.estimator)
    if found is None:
        yield Problem(
            ("train", "estimator"),
            f"{config.train.estimator!r} cannot be imported; {_nearest(name, source.names_in(module))}",
        )
        return
    for param in config.train.params:
        if found.arguments is not None and param not in found.arguments:
            yield Problem(("train", "params", param), f"is no argument of {name}; {_nearest(param, found.arguments)}")


def _metric_problems(config: ModelConfig) -> Iterator[Problem]:
    for index, metric in enumerate(config.metrics):
        if metric in config.metrics[:index]:
            yield Problem(("metrics", index), f"{metric!r} stands there twice")
    for index, rule in enumerate(config.gate):
        if rule.metric not in config.metrics:
            yield Problem(("gate", index, "metric"), f"{rule.metric!r} is not computed; metrics has {', '.join(config.metrics)}")


def _schedule_problems(config: ModelConfig) -> Iterator[Problem]:
    if config.schedule is None:
        return
    try:
        zone = ZoneInfo(config.schedule.timezone)
    except (KeyError, ValueError, OSError):  # how zoneinfo says: unknown, not a name, a folder
        yield Problem(("schedule", "timezone"), f"{config.schedule.timezone!r} is not a time zone; write one like Europe/Paris")
        return

    try:
        CronSim(config.schedule.cron, datetime.now(zone))
    except CronSimError as error:
        yield Problem(
            ("schedule", "cron"),
            f"{config.schedule.cron!r} is not a cron expression ({error}); write one like 0 3 * * *",
        )


def _message(path: Path, document: Any, problems: Sequence[Problem]) -> str:
    return "\n".join(
        f"{path}:{_line(document, p.location)}: {'.'.join(map(str, p.location)) or 'model'}: {p.sentence}" for p in problems
    )


def _line(document: Any, location: Location) -> int:
    """The line of the innermost part of `location` that stands in the file, counted from 1."""
    line, node = 1, document
    for step in location:
        try:
            line = (node.lc.key(step) if isinstance(step, str) else node.lc.item(step))[0] + 1
            node = node[step]
        except (
            KeyError,
            IndexError,
            AttributeError,
            TypeError,
        ):  # the key is missing or came by an override: its parent's line
            break
    return line


def _at(document: Any, location: Location) -> Any:
    node = document
    for step in location:
        if not isinstance(node, dict | list) or (isinstance(node, dict) and step not in node):
            break  # pydantic's own steps (a union's member, an argument's name) are not in the document
        node = node[step]  # type: ignore[index] # a list's steps are ints, a mapping's are not
    return node


def _shown(value: Any) -> str:
    text = repr(_plain(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nearest(wrong: str, allowed: Any) -> str:
    names = sorted(map(str, allowed))
    close = get_close_matches(wrong, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"allowed are {', '.join(names)}" if names else "none is allowed"
