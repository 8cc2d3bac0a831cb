"""From a file to a ModelConfig, or to errors that name file, line, key, what is wrong and what is allowed.

Not here: the shapes (schema.py); what must agree across the parts of a YAML and with the file beside it (agreement.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from configs.errors import ConfigError, UsageError
from configs.model import ModelConfig, disagreements
from configs.problems import Location, Problem, nearest
from configs.settings import Settings


def model_names(settings: Settings) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in settings.models.glob("*.yaml")))


def model_path(name: str, settings: Settings) -> Path:
    """The model's YAML; ConfigError with the nearest names when there is none."""
    path = settings.models / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(
            f"there is no model {name!r} in {settings.models}; {nearest(name, model_names(settings))}"
        )
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
        raise ConfigError(
            f"{path}:1: a model's YAML is a mapping of keys; this file is none: begin it with name:"
        )
    for override in overrides:
        _override(document, override)
    try:
        config = ModelConfig.model_validate(_plain(document))
    except ValidationError as error:
        problems = [_problem(details, document) for details in error.errors()]
        raise ConfigError(_message(path, document, problems)) from error
    if problems := list(disagreements(config, path)):
        raise ConfigError(_message(path, document, problems))
    return config


def _override(document: Any, override: str) -> None:
    """Apply `train.params.n_estimators=200`; only what stands under `train.` may change from run to run."""
    path, equals, text = override.partition("=")
    keys = path.split(".")
    if not equals or keys[0] != "train" or len(keys) < 2:
        raise UsageError(
            f"{override!r} is not an override: write train.<key>=<value>, as train.params.n_estimators=200"
        )
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
    location, parts = _located(details["loc"])
    match details["type"]:
        case "extra_forbidden":
            known = {key for part in parts for key in part.model_fields}
            return Problem(location, f"is an unknown key; {nearest(str(location[-1]), known)}")
        case "missing":
            return Problem(location, "is missing")
        case "union_tag_not_found":
            return Problem((*location, details["ctx"]["discriminator"].strip("'")), "is missing")
        case "union_tag_invalid":
            key, tag, tags = (
                str(details["ctx"][name]) for name in ("discriminator", "tag", "expected_tags")
            )
            return Problem(
                (*location, key.strip("'")),
                f"{tag!r} is not allowed; {nearest(tag, tags.replace(chr(39), '').split(', '))}",
            )
        case "value_error":
            return Problem(location, str(details["ctx"]["error"]))
    return Problem(
        location,
        f"{_shown(_at(document, location))} is not allowed: {details['msg'][0].lower()}{details['msg'][1:]}",
    )


def _located(steps: Sequence[str | int]) -> tuple[Location, tuple[type[BaseModel], ...]]:
    """pydantic's location as one in the document, without the names of chosen alternatives; and the schema's parts around its end."""
    place: list[str | int] = []
    here: tuple[type[BaseModel], ...] = (ModelConfig,)
    around = here
    for step in steps:
        if len(here) > 1 and (chosen := tuple(part for part in here if _is_called(part, step))):
            here = chosen
            continue
        around, place = here, [*place, step]
        if isinstance(step, str):
            here = tuple(
                found
                for part in here
                if (field := part.model_fields.get(step))
                for found in _parts_in(field.annotation)
            )
    return tuple(place), around


def _parts_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The parts of a YAML that an annotation may hold: itself, or those of its arguments."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(part for argument in get_args(annotation) for part in _parts_in(argument))


def _is_called(part: type[BaseModel], name: str | int) -> bool:
    """Whether this is the alternative of a union that is chosen by `name`."""
    return any(get_args(field.annotation) == (name,) for field in part.model_fields.values())


def _message(path: Path, document: Any, problems: Sequence[Problem]) -> str:
    return "\n".join(
        f"{path}:{_line(document, p.location)}: {'.'.join(map(str, p.location)) or 'model'}: {p.sentence}"
        for p in problems
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
