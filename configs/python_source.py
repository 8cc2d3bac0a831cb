"""What Python source says, read without running it: which functions a file defines, which arguments a class takes.

So that reading a YAML imports no scikit-learn and runs no hook. Not here: importing either (tasks/model/training.py, tasks/data/hooks.py).
"""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Class:
    """A class found by its import string. `arguments` is None where they cannot be told: inherited, or **kwargs."""

    name: str
    arguments: frozenset[str] | None


def functions_in(path: Path) -> frozenset[str]:
    """Names of the functions at the top level of a file; raises SyntaxError."""
    return frozenset(node.name for node in _parsed(path).body if isinstance(node, ast.FunctionDef))


def find_class(dotted: str) -> Class | None:
    """The class that `package.module.Name` imports, or None when there is none."""
    *parents, name = dotted.split(".")
    file = _module_file(".".join(parents))
    return _find(file, name) if file else None


def names_in(module: str) -> frozenset[str]:
    """Every name that a module binds at its top level; empty when there is no such module."""
    file = _module_file(module)
    return frozenset(_bindings(_parsed(file))) if file else frozenset()


def _find(file: Path, name: str) -> Class | None:
    bound = _bindings(_parsed(file)).get(name)
    if isinstance(bound, ast.ClassDef):
        return Class(name, _init_arguments(bound))
    if isinstance(bound, ast.ImportFrom):
        origin = _import_origin(file, bound)
        real_name = next(
            alias.name for alias in bound.names if (alias.asname or alias.name) == name
        )
        return _find(origin, real_name) if origin else None
    return None


def _bindings(tree: ast.Module) -> dict[str, ast.stmt]:
    bound: dict[str, ast.stmt] = {}
    for node in _statements(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            bound[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            bound.update({alias.asname or alias.name: node for alias in node.names})
    return bound


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in tree.body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from node.body


def _init_arguments(node: ast.ClassDef) -> frozenset[str] | None:
    init = next(
        (f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None
    )
    if init is None or init.args.kwarg or init.args.vararg:
        return None
    return frozenset(arg.arg for arg in (*init.args.args[1:], *init.args.kwonlyargs))


def _import_origin(file: Path, node: ast.ImportFrom) -> Path | None:
    if node.level == 0:
        return _module_file(node.module or "")
    folder = file.parent
    for _ in range(node.level - 1):
        folder = folder.parent
    return (
        _python_file(folder.joinpath(*(node.module or "").split(".")))
        if node.module
        else _python_file(folder)
    )


def _module_file(module: str) -> Path | None:
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)  # only the top level: anything below would import it
    if spec is None or spec.origin is None:
        return None
    if not spec.submodule_search_locations:
        return Path(spec.origin) if not rest else None
    return _python_file(Path(next(iter(spec.submodule_search_locations))).joinpath(*rest))


def _python_file(path: Path) -> Path | None:
    candidates = (path.with_name(path.name + ".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
