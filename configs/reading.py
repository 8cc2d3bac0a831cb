"""From a file to a ModelConfig, or to errors that name file, line, key and what is allowed.

Not here: the shape of each section and what must agree around it (the file of its name); telling
pydantic's errors as problems (schema_problems.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from configs.errors import ConfigError, UsageError
from configs.model import ModelConfig, model_problems
from configs.param_keys import text_of_key
from configs.problems import Location, Problem, nearest
from configs.schema_problems import schema_problems
from configs.settings import Settings


def model_names(settings: Settings) -> tuple[str, ...]:
    """The names of all models, sorted."""
    return tuple(sorted(path.stem for path in settings.models.glob("*.yaml")))


def model_path(name: str, settings: Settings) -> Path:
    """The model's YAML; raises ConfigError with the nearest names when there is none."""
    path = settings.models / f"{name}.yaml"
    if not path.is_file():
        names = model_names(settings)
        if not names:
            raise ConfigError(
                f"there is no model {name!r} in {settings.models}, nor any other; "
                f"put {path.name} there, or set RATCHET_MODELS to the folder of your models"
            )
        hint = nearest(name, names)
        raise ConfigError(f"there is no model {name!r} in {settings.models}; {hint}")
    return path


def hooks_path(name: str, settings: Settings) -> Path:
    """Where the model's own Python is, if it has any."""
    return settings.models / f"{name}.py"


def read_model(name: str, settings: Settings, overrides: Sequence[str] = ()) -> ModelConfig:
    """The model's configuration, checked as a whole; `read_file` says what it raises."""
    return read_file(model_path(name, settings), overrides)


@dataclass(frozen=True)
class Models:
    """The models of a folder: the configurations that can be read, and why others cannot be.

    `broken` holds the message of each other model by its name.
    """

    configs: tuple[ModelConfig, ...]
    broken: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models that can be read."""
        return tuple(config.name for config in self.configs)


def read_models(settings: Settings) -> Models:
    """All models; one that cannot be read is no reason not to read the others."""
    configs, broken = [], {}
    for name in model_names(settings):
        try:
            configs.append(read_model(name, settings))
        except ConfigError as error:
            broken[name] = str(error)
    return Models(tuple(configs), broken)


def read_file(path: Path, overrides: Sequence[str] = ()) -> ModelConfig:
    """The configuration in a YAML after `overrides`, such as "train.params.n_estimators=200".

    Raises ConfigError, with a line for each problem, from the top of the file down; UsageError for
    an override that is malformed.
    """
    document = _load(path)
    for override in overrides:
        _apply(override, document)
    values = plain(document)
    _keep_param_keys(document, values)
    try:
        config = ModelConfig.model_validate(values)
    except ValidationError as error:
        problems = schema_problems(error, values)
        raise ConfigError(_message(path, document, problems)) from error
    problems = list(model_problems(config, path))
    if problems:
        raise ConfigError(_message(path, document, problems))
    return config


def load_yaml(path: Path) -> Any:
    """The document in a YAML, whose values know their lines; ConfigError if it cannot be read."""
    try:
        return YAML(typ="rt").load(path)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {error.problem}") from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not YAML: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _load(path: Path) -> dict[str, Any]:
    """The YAML's mapping, whose values know their lines."""
    document = load_yaml(path)
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path}:1: a model's YAML is a mapping of keys, and this file is not; "
            "begin it with name:"
        )
    return document


def _apply(override: str, document: dict[str, Any]) -> None:
    """Set what an override says; only what is under `train` may change from run to run."""
    path, equals, text = override.partition("=")
    section, *keys = path.split(".")
    if not equals or section != "train" or not keys:
        raise UsageError(
            f"{override!r} is not an override: "
            "write train.<key>=<value>, such as train.params.n_estimators=200"
        )
    node = document
    for key in (section, *keys[:-1]):
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise UsageError(f"{override!r}: {key} is a value and has no keys of its own")
    try:
        node[keys[-1]] = YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        raise UsageError(
            f"{override!r}: the value is not YAML: {_first_line(error)}; put a text in quotes"
        ) from error


def plain(node: Any, text_of: Callable[[Any], str] = str) -> Any:
    """The same document in plain Python: pydantic refuses values that know their lines.

    `text_of` says what becomes of a key, which YAML may have read as a number.
    """
    if isinstance(node, dict):
        return {text_of(key): plain(value, text_of) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(item, text_of) for item in node]
    for plain_type in (bool, int, float, str):
        if isinstance(node, plain_type):
            return plain_type(node)
    return node


def _keep_param_keys(document: dict[str, Any], values: dict[str, Any]) -> None:
    """Let the keys within `train.params` say whether they were numbers."""
    train = document.get("train")
    if isinstance(train, dict) and isinstance(train.get("params"), dict):
        values["train"]["params"] = plain(train["params"], text_of_key)


def _message(path: Path, document: Any, problems: Sequence[Problem]) -> str:
    """All problems, a line each, in the order of the file."""
    lines = [(_line_of(problem.location, document), problem) for problem in problems]
    lines.sort(key=lambda numbered: numbered[0])
    return "\n".join(f"{path}:{line}: {problem}" for line, problem in lines)


def _line_of(location: Location, document: Any) -> int:
    """The line of the innermost key or item on the way to `location`, counted from 1."""
    line, node = 1, document
    for step in location:
        try:
            position = node.lc.key(step) if isinstance(step, str) else node.lc.item(step)
            node = node[step]
        # Not in the file: a key that is missing, or that an override added
        except (KeyError, IndexError, AttributeError, TypeError):
            break
        line = position[0] + 1
    return line
