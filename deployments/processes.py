"""Child processes, each with a log of its own: start them, recognize them, end them.

Not here: which processes a stack has (stack.py) and their command lines (launch.py).
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from configs.errors import RatchetError

GRACE_SECONDS = 8.0
LONG_SECONDS = 60.0
POLL_SECONDS = 0.1
LAST_LINES = 6
LONGEST_LOG_BYTES = 10_000_000

# Python warns of a Popen that is collected while its process lives
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Child:
    """A process by its id and when it began: the id alone may belong to another process by now."""

    name: str
    pid: int
    began: float

    @property
    def process(self) -> psutil.Process | None:
        """The process, or None once it has ended."""
        try:
            process = psutil.Process(self.pid)
            is_ours = process.create_time() == self.began
            has_ended = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if is_ours and not has_ended else None


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> Child:
    """Start a child in a session of its own, appending its output to the log.

    Ctrl-C in the terminal reaches only us: children are ended in their order.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _started.append(process)
    return Child(name, process.pid, psutil.Process(process.pid).create_time())


def this_process(name: str) -> Child:
    return Child(name, os.getpid(), psutil.Process().create_time())


def end(child: Child) -> None:
    """Stop the child and its descendants, youngest first; kill what does not stop."""
    process = child.process
    if process is None:
        return
    family = [*reversed(_descendants(process)), process]
    for member in family:
        _unless_ended(member.terminate)
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in alive:
        _unless_ended(member.kill)
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    # no ended process of ours stays a zombie
    for popen in _started:
        popen.poll()


def wait(child: Child) -> None:
    """Return when the child has ended, or after LONG_SECONDS."""
    deadline = time.monotonic() + LONG_SECONDS
    while child.process and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def listens(child: Child, port: int) -> bool:
    """Whether the child, or a process it started, listens on this port."""
    process = child.process
    if process is None:
        return False
    return any(port in _listening_ports(member) for member in [process, *_descendants(process)])


def rotate(log: Path) -> None:
    """Move a long log to `<name>.1`, over the one before; its writer goes on appending."""
    if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def died(child: Child, log: Path) -> RatchetError:
    """The error for a child that ended while it started, with the end of its log."""
    return RatchetError(
        f"{child.name} ended while it started; its log {log} ends:\n{_last_lines(log)}"
    )


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _listening_ports(process: psutil.Process) -> set[int]:
    try:
        connections = process.net_connections(kind="tcp")
    except psutil.NoSuchProcess:
        return set()
    return {
        connection.laddr.port
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    }


def _unless_ended(signal_it: Callable[[], None]) -> None:
    try:
        signal_it()
    except psutil.NoSuchProcess:
        # it ended by itself, which is what was wanted
        return
