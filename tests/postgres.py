"""A real Postgres for tests: a cluster in a temporary folder, made with the binaries found here.

A test file that needs it imports the fixture: `from tests.postgres import postgres_server`.
Without the binaries the tests are skipped, but never in CI, where a skipped promise would look like
a kept one.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

# what a test writes need not survive a power cut
FLAGS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c unix_socket_directories=''"
)


class PostgresServer:
    """A running cluster."""

    def __init__(self, port: int) -> None:
        self._port = port

    def new_address(self) -> str:
        """The URL of an empty schema of its own."""
        # a user with a schema of its name sees that one alone: 3 ms, a database would take 200
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(f"postgresql://ratchet@127.0.0.1:{self._port}/postgres") as connection:
            connection.execute(f"CREATE ROLE {name} SUPERUSER LOGIN")
            connection.execute(f"CREATE SCHEMA AUTHORIZATION {name}")
        return f"postgresql://{name}@127.0.0.1:{self._port}/postgres"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    binaries = _binaries() or _missing()
    with tempfile.TemporaryDirectory(prefix="ratchet-postgres-") as folder:
        data, port = Path(folder, "data"), _free_port()
        user = _unprivileged(folder)
        initdb = [binaries / "initdb", "-D", data]
        pg_ctl = [binaries / "pg_ctl", "-D", data]
        _run(user, *initdb, "-U", "ratchet", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 {FLAGS}"
        _run(user, *pg_ctl, "-l", data / "log", "-o", options, "-w", "start")
        try:
            yield PostgresServer(port)
        finally:
            _run(user, *pg_ctl, "-m", "immediate", "-w", "stop")


def _binaries() -> Path | None:
    """The folder of initdb and pg_ctl of the newest version, or None."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: float(folder.parent.name),
        reverse=True,
    )
    if tool := shutil.which("pg_config"):
        folders.append(Path(subprocess.check_output([tool, "--bindir"], text=True).strip()))
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _missing() -> Path:
    reason = "no initdb in /usr/lib/postgresql or pg_config's folder; install postgresql"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _unprivileged(folder: str) -> str | None:
    """Give the folder to the user to run as, and name it: Postgres refuses to be root."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return account.pw_name


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _run(user: str | None, *command: str | Path) -> None:
    # a folder that the user can enter
    folder = Path(command[2]).parent
    done = subprocess.run(
        command,
        user=user,
        extra_groups=[] if user else None,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr or done.stdout}"
