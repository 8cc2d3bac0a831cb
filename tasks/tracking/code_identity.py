"""What code a run is made with: the commit of the models' folder, the hooks, the libraries.

Not here: which code a run began with (plans.py).
"""

import platform
import subprocess
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path

from configs import canonical_json

LIBRARIES = (
    "scikit-learn",
    "pandas",
    "numpy",
    "mlflow",
    "prefect",
    "great-expectations",
    "ratchet",
)


def identify_code(models: Path, hooks_source: str) -> dict[str, str]:
    """The names and digests of the code that a run made now would be made with.

    `models` is the folder of the YAMLs; outside a git repository, its commit is `not in git`.
    """
    commit = _git(models, "rev-parse", "HEAD")
    if commit:
        is_dirty = bool(_git(models, "status", "--porcelain"))
        git = {"git_commit": commit, "git_dirty": str(is_dirty)}
    else:
        git = {"git_commit": "not in git"}
    return {
        **git,
        "hooks_sha256": canonical_json.sha256(hooks_source),
        "lock_digest": _lock_digest(),
        "version.python": platform.python_version(),
        **{f"version.{library}": version(library) for library in LIBRARIES},
    }


@cache
def _lock_digest() -> str:
    """The digest of all installed distributions.

    Cached, as a process does not change them: the tests plan many runs in one process.
    """
    installed = {f"{package.name}=={package.version}" for package in distributions()}
    return canonical_json.digest(sorted(installed))


def _git(folder: Path, *arguments: str) -> str:
    """What git prints about a folder; empty where it is in no repository, or there is no git."""
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
