"""The libraries that loading a model needs, at the versions that are installed here.

Not here: what is done when other versions are installed (isolated_scoring.py).
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions, version

from configs.model import ModelConfig

# what loading any model needs; the estimators' own libraries come on top
ALWAYS_REQUIRED = ("mlflow", "scikit-learn", "skops", "numpy", "scipy", "pandas")


def pip_requirements(config: ModelConfig) -> list[str]:
    """What loading the model needs, pinned to what made it."""
    return [f"{name}=={installed}" for name, installed in installed_versions(config).items()]


def installed_versions(config: ModelConfig) -> dict[str, str]:
    """The version here of each library that loading such a model needs."""
    packages = {dotted.partition(".")[0] for _, dotted, _ in config.train.estimators}
    own_libraries = [
        library for package in sorted(packages) for library in _distributions().get(package, [])
    ]
    names = dict.fromkeys([*ALWAYS_REQUIRED, *own_libraries])
    return {name: version(name) for name in names}


@cache
def _distributions() -> Mapping[str, list[str]]:
    """The installed distributions that hold each top-level package; reading them takes 0.5 s."""
    return packages_distributions()
