"""The model's own Python, from the file beside its YAML: load it, call it, check what it returns.

Not here: which hooks must exist (configs/model.py); storing their source with a version
(tasks/tracking).
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
from tasks.data.features import with_plain_features
from tasks.foreign_errors import cause, reason, told_as
from tasks.records import Window


@dataclass(frozen=True)
class Hooks:
    """A model's hooks by name, with the source and the file they were loaded from.

    The first three are empty for a model without a file of its own. `private` are the model's
    private columns, which no message quotes.
    """

    source: str
    file: str
    functions: dict[str, Callable[..., Any]]
    private: tuple[str, ...]

    def call(self, name: str, *arguments: Any) -> Any:
        """What the hook returns; HookFailed names the hook, its line and what it raised."""
        try:
            return self.functions[name](*arguments)
        # a hook may raise anything
        except (Exception, SystemExit) as error:  # noqa: BLE001
            raise HookFailed(
                f"hook {name} raised {reason(error, self.private)} at {self._place_of(error)}; "
                "fix it and start a new run"
            ) from cause(error, self.private)

    def _place_of(self, error: BaseException) -> str:
        """The innermost line of the hooks' own file on the way to an error, as `model.py:12`."""
        frames = traceback.extract_tb(error.__traceback__)
        frames_in_hooks = [frame for frame in frames if frame.filename == self.file]
        innermost = (frames_in_hooks or frames)[-1]
        return f"{Path(innermost.filename).name}:{innermost.lineno}"


def load_hooks(config: ModelConfig, path: Path) -> Hooks:
    """The hooks that the configuration names, from the file at `path`."""
    source = path.read_text(encoding="utf-8") if config.hooks else ""
    return parse_hooks(config, source, path)


def parse_hooks(config: ModelConfig, source: str, path: Path) -> Hooks:
    """The hooks in `source`; `path` is the name that tracebacks show."""
    module = ModuleType(f"hooks_of_{config.name}")
    # without this entry, tracebacks would show no source: the file at `path` may not exist
    lines = source.splitlines(keepends=True)
    linecache.cache[str(path)] = (len(source), None, lines, str(path))
    # it is given no rows that its text could quote
    with told_as(f"{path} cannot be loaded", (), HookFailed):
        exec(compile(source, str(path), "exec"), module.__dict__)
    functions = {name: getattr(module, name) for name in config.hooks}
    return Hooks(source, str(path), functions, config.data.private)


def prepare(config: ModelConfig, hooks: Hooks, raw: pd.DataFrame) -> pd.DataFrame:
    """The rows with the columns that the model's `prepare` adds: same rows, order and index.

    Features, and a target that is made here, are of plain types, as models take them (features.py).
    Raise HookFailed where the hook returns anything else.
    """
    hook = config.data.prepare
    if not hook:
        return with_plain_features(raw, config.data.features)
    prepared = hooks.call(hook, raw.copy())
    if isinstance(prepared, pd.DataFrame) and not prepared.columns.is_unique:
        twice = ", ".join(map(str, prepared.columns[prepared.columns.duplicated()].unique()))
        raise HookFailed(f"hook {hook} returned several columns named {twice}; return one")
    if not isinstance(prepared, pd.DataFrame) or not _same_rows(raw, prepared, config.data.key):
        raise HookFailed(
            f"hook {hook} must return a DataFrame with the {len(raw):,} rows it was given, "
            "in their order"
        )
    # rows are looked up in raw by their index
    made = (*config.data.features, config.data.target)
    return with_plain_features(prepared.set_index(raw.index), made)


def exclusion_mask(
    config: ModelConfig, hooks: Hooks, rows: pd.DataFrame, window: Window
) -> "pd.Series[bool]":
    """True for each row that the model's `exclude` hook keeps out of judging.

    The hook may change `rows`: hand over a copy. Raise HookFailed where it returns anything else
    than a mask of these rows.
    """
    if not config.exclude:
        return pd.Series(False, index=rows.index)
    index = rows.index
    mask = hooks.call(config.exclude, rows, window)
    if not isinstance(mask, pd.Series) or mask.dtype != bool or not mask.index.equals(index):
        raise HookFailed(
            f"hook {config.exclude} must return a boolean Series with one value for each of the "
            f"{len(index):,} rows it was given"
        )
    return mask


def _same_rows(raw: pd.DataFrame, prepared: pd.DataFrame, key: str) -> bool:
    if len(raw) != len(prepared) or key not in prepared:
        return False
    same = raw[key].to_numpy() == prepared[key].to_numpy()
    return bool(same.all())
