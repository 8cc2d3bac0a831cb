"""The model's own Python, from the file beside its YAML: loaded, called, and what it answers looked at.

Not here: which hooks must exist (configs/reading.py); keeping their source with a version (tasks/tracking).
"""

import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from configs.errors import HookFailed
from configs.model import ModelConfig
from tasks.records import Window


@dataclass(frozen=True)
class Hooks:
    """A model's hooks and the source they were loaded from; both empty for a model without a file of its own."""

    source: str
    file: str
    functions: dict[str, Callable[..., Any]]

    def call(self, name: str, *arguments: Any) -> Any:
        """What the hook answers; HookFailed names the hook, its line and what it raised."""
        try:
            return self.functions[name](*arguments)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            own = next(
                (frame for frame in reversed(frames) if frame.filename == self.file), frames[-1]
            )
            raise HookFailed(
                f"hook {name} raised {type(error).__name__}: {error} ({Path(own.filename).name}:{own.lineno}); mend it and start a new run"
            ) from error


def load_hooks(config: ModelConfig, path: Path) -> Hooks:
    """The hooks that the configuration names, from the file at `path`."""
    return parse_hooks(config, path.read_text(encoding="utf-8") if config.hooks else "", path)


def parse_hooks(config: ModelConfig, source: str, path: Path) -> Hooks:
    """The hooks in `source`; `path` is the name that tracebacks show."""
    module = ModuleType(f"hooks_of_{config.name}")
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except Exception as error:
        raise HookFailed(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return Hooks(source, str(path), {name: getattr(module, name) for name in config.hooks})


def prepare(config: ModelConfig, hooks: Hooks, raw: pd.DataFrame) -> pd.DataFrame:
    """The rows with the columns that the model's `prepare` adds: the same rows, in the same order."""
    if not config.data.prepare:
        return raw
    prepared = hooks.call(config.data.prepare, raw.copy())
    if not isinstance(prepared, pd.DataFrame) or not _same_rows(raw, prepared, config.data.key):
        raise HookFailed(
            f"hook {config.data.prepare} must return a DataFrame with the {len(raw):,} rows it was given, in their order"
        )
    return prepared.set_index(raw.index)  # the index is how rows are found again in raw


def excluded(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, window: Window
) -> "pd.Series[bool]":
    """True for the rows on which no model is judged; False for all where the model has no such hook. The rows are the hook's to change."""
    if not config.exclude:
        return pd.Series(False, index=rows.index)
    index = rows.index
    mask = hooks.call(config.exclude, rows, window)
    if not isinstance(mask, pd.Series) or mask.dtype != bool or not mask.index.equals(index):
        raise HookFailed(
            f"hook {config.exclude} must return a boolean Series, a value for each of the {len(index):,} rows it was given"
        )
    return mask


def _same_rows(raw: pd.DataFrame, prepared: pd.DataFrame, key: str) -> bool:
    return (
        len(raw) == len(prepared)
        and key in prepared
        and bool((raw[key].to_numpy() == prepared[key].to_numpy()).all())
    )
