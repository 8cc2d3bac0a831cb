"""A home that other versions of the servers have written: its databases copied aside, then brought up to what is installed now.

Prefect brings its database up to date by itself when it starts; MLflow refuses to start until it is told to.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from configs.errors import RatchetError
from configs.settings import Settings

WRITERS = ("mlflow", "prefect", "ratchet")


def migrate(settings: Settings, report: Callable[[str], None]) -> None:
    """The home ready for the installed versions; RatchetError, with everything as it was, when MLflow cannot upgrade its database."""
    marker, installed = settings.home / "versions.json", {name: version(name) for name in WRITERS}
    before: dict[str, str] = json.loads(marker.read_text()) if marker.exists() else {}
    mlflow = settings.home / "mlflow.db"
    if before != installed and mlflow.exists():
        copies = (
            settings.home
            / "backups"
            / "-".join(f"{name}{before.get(name, '')}" for name in WRITERS)
        )
        report(
            f"This home was written by other versions ({before or 'not known which'}); a copy of its databases is in {copies}"
        )
        for database in (
            mlflow,
            settings.home / "ledger.db",
            settings.home / "prefect" / "prefect.db",
        ):
            _copy(database, copies / database.name)
        _upgrade(mlflow, copies)
    marker.write_text(json.dumps(installed, indent=1))


def _copy(database: Path, copy: Path) -> None:
    """A consistent copy, also of what still lies in the write-ahead log; none where there is no database, or a copy already."""
    if not database.exists() or copy.exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_suffix(".partial")
    source, target = sqlite3.connect(database), sqlite3.connect(partial)
    with target:
        source.backup(target)
    source.close()
    target.close()
    partial.rename(copy)


def _upgrade(mlflow: Path, copies: Path) -> None:
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", f"sqlite:///{mlflow}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RatchetError(
            f"MLflow cannot bring {mlflow} up to date: {reason}. Install the version that wrote it; a copy is in {copies}"
        )
