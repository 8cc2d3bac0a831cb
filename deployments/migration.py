"""A home written by other versions of the servers: copy its databases, then upgrade them.

Prefect upgrades its database by itself when it starts; MLflow refuses to start until it is told to.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from configs.errors import RatchetError
from configs.settings import Settings

WRITERS = ("mlflow", "prefect", "ratchet")


def migrate(settings: Settings, report: Callable[[str], None]) -> None:
    """Prepare the home for the installed versions.

    RatchetError, with everything as it was, when MLflow cannot upgrade its database.
    """
    marker = settings.home / "versions.json"
    installed = {name: version(name) for name in WRITERS}
    before: dict[str, str] = json.loads(marker.read_text()) if marker.exists() else {}
    mlflow = settings.home / "mlflow.db"
    if before != installed and mlflow.exists():
        copies = settings.home / "backups" / _label_of(before)
        report(
            f"This home was written by other versions ({before or 'not known which'}); "
            f"a copy of its databases is in {copies}"
        )
        for database in _databases_in(settings.home):
            _copy(database, copies / database.name)
        _upgrade(mlflow, copies)
    marker.write_text(json.dumps(installed, indent=1))


def _label_of(versions: Mapping[str, str]) -> str:
    return "-".join(f"{name}{versions.get(name, '')}" for name in WRITERS)


def _databases_in(home: Path) -> tuple[Path, ...]:
    candidates = (home / "mlflow.db", home / "ledger.db", home / "prefect" / "prefect.db")
    return tuple(database for database in candidates if database.exists())


def _copy(database: Path, copy: Path) -> None:
    """Copy a database with what still lies in its write-ahead log, unless there is a copy."""
    if copy.exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_suffix(".partial")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    partial.rename(copy)


def _upgrade(mlflow: Path, copies: Path) -> None:
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", f"sqlite:///{mlflow}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RatchetError(
            f"MLflow cannot upgrade {mlflow}: {reason}. "
            f"Install the version that wrote it; a copy is in {copies}"
        )
