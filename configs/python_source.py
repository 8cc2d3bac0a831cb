"""What Python source says without running it: a file's functions, a class's arguments.

So reading a YAML imports no scikit-learn and runs no hook. griffe parses a single file here; it
would load a package whole, with thousands of modules, so the files that a name is imported from
are found and followed one at a time.

Not here: importing a class (tasks/model/training.py) or a hook (tasks/data/hooks.py).
"""

from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import griffe


@dataclass(frozen=True)
class Class:
    """A class, found by its import string.

    `arguments` are those of its constructor, or None where they cannot be told: the constructor is
    inherited, or takes *args or **kwargs.
    """

    name: str
    arguments: frozenset[str] | None


def functions_in(path: Path) -> frozenset[str]:
    """Names of the functions at the top level of a file; raises SyntaxError."""
    return frozenset(_parse(path.stem, path).functions)


def names_in(module: str) -> frozenset[str]:
    """Every name that a module binds at its top level; empty when there is no such module."""
    path = _file_of(module)
    return frozenset(_parse(module, path).members) if path else frozenset()


def is_installed(package: str) -> bool:
    """Whether there is a package, or a module, of this name at the top level."""
    return _spec_of(package) is not None


def find_class(import_string: str) -> Class | None:
    """The class that `package.module.Name` imports, or None when there is none."""
    import griffe

    module, _, name = import_string.rpartition(".")
    path = _file_of(module)
    member = _parse(module, path).members.get(name) if path else None
    if isinstance(member, griffe.Alias):
        return find_class(member.target_path)
    if isinstance(member, griffe.Class):
        return Class(name, _constructor_arguments(member))
    return None


def _parse(module: str, path: Path) -> "griffe.Module":
    # Here, because the import takes 0.06 s: commands that read no YAML need not wait for it
    import griffe

    return griffe.visit(module, path, path.read_text(encoding="utf-8"))


def _constructor_arguments(parsed: "griffe.Class") -> frozenset[str] | None:
    constructor = parsed.functions.get("__init__")
    if constructor is None:
        return None
    parameters = list(constructor.parameters)[1:]
    kinds = {parameter.kind.value for parameter in parameters if parameter.kind}
    if kinds & {"variadic positional", "variadic keyword"}:
        return None
    return frozenset(parameter.name for parameter in parameters)


def _spec_of(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except ValueError:
        # __main__, which is no file that another process could import
        return None


def _file_of(module: str) -> Path | None:
    """The Python file of a module, or None when there is none."""
    top, *submodules = module.split(".")
    # Only of the top level: to find a submodule, find_spec imports its parent
    spec = _spec_of(top) if top else None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    if not submodules:
        # A compiled module has no source to parse
        return path if path.suffix == ".py" else None
    if not spec.submodule_search_locations:
        return None
    base = path.parent.joinpath(*submodules)
    for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None
