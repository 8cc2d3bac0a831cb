"""Child processes with a log of their own: started, told apart from others that got their number later, ended with all they started.

Not here: which processes a stack has (stack.py).
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from configs.errors import RatchetError

GRACE_SECONDS = 8.0
LONG_SECONDS = 60.0
POLL_SECONDS = 0.1
LOG_LINES = 6
LONGEST_LOG_BYTES = 10_000_000

_started: list[
    subprocess.Popen[bytes]
] = []  # a Popen that is collected while its process lives complains


@dataclass(frozen=True)
class Child:
    """A process by its number and the instant it began: the number alone may belong to another by now."""

    name: str
    pid: int
    began: float

    @property
    def process(self) -> psutil.Process | None:
        """The process, if it still is the one that was started and has not ended."""
        try:
            process = psutil.Process(self.pid)
            alive = process.create_time() == self.began and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> Child:
    """A child in a session of its own, so that Ctrl-C in the terminal reaches only us: we end children in their order."""
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
    """The child and everything it started gone: asked first, the youngest before their parents, then killed."""
    if (process := child.process) is None:
        return
    family = [*reversed(_children(process)), process]
    for member in family:
        _tell(member, "terminate")
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in alive:
        _tell(member, "kill")
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    for started in _started:
        started.poll()  # what has ended is known to have ended


def wait(child: Child) -> None:
    """Return when the child has ended, collected by its parent or not, or after long enough."""
    deadline = time.monotonic() + LONG_SECONDS
    while child.process and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def listens(child: Child, port: int) -> bool:
    """Whether the child, or a process it started, listens on this port."""
    process = child.process
    family = [process, *_children(process)] if process else []
    return any(port == socket.laddr.port for member in family for socket in _listening(member))


def rotate(log: Path) -> None:
    """A log that has grown long moved aside as `<name>.1` in place of the one before; who writes to it appends on."""
    if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line}" for line in lines[-LOG_LINES:])


def died(child: Child, log: Path) -> RatchetError:
    return RatchetError(
        f"{child.name} ended while it started; its log {log} ends:\n{last_words(log)}"
    )


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _listening(process: psutil.Process) -> list[Any]:
    try:
        return [
            socket
            for socket in process.net_connections(kind="tcp")
            if socket.status == psutil.CONN_LISTEN
        ]
    except psutil.NoSuchProcess:
        return []


def _tell(process: psutil.Process, what: str) -> None:
    try:
        getattr(process, what)()
    except psutil.NoSuchProcess:
        return  # it ended by itself: what was wanted
