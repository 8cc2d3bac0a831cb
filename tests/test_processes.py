"""Child processes and their logs."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployments import processes


def test_a_long_log_is_moved_aside_and_its_writer_appends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LONGEST_LOG_BYTES", 10)
    log = tmp_path / "server.log"
    with log.open("ab", buffering=0) as writer:
        for text in (b"the first words\n", b"the next words\n"):
            writer.write(text)
            processes.rotate(log)
        writer.write(b"the last\n")
        processes.rotate(log)
    assert (log.read_text(), (tmp_path / "server.log.1").read_text()) == (
        "the last\n",
        "the next words\n",
    )


def test_a_number_that_belongs_to_another_process_by_now_is_not_the_child(tmp_path: Path) -> None:
    child = processes.start(
        "sleep",
        [sys.executable, "-c", "import time; time.sleep(600)"],
        os.environ,
        tmp_path,
        tmp_path / "log",
    )
    another = processes.Child("sleep", child.pid, child.began - 1)
    processes.end(another)
    assert (another.process, child.process is None) == (None, False)
    processes.end(child)
    assert child.process is None


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
time.sleep(600)
"""


def test_what_a_child_has_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).wait()"
    log = tmp_path / "log"
    child = processes.start("parent", [sys.executable, "-c", code], os.environ, tmp_path, log)
    while "here" not in log.read_text():
        assert child.process
        time.sleep(0.05)
    (grandchild,) = child.process.children()
    processes.end(child)
    assert _has_ended(grandchild)


def _has_ended(process: psutil.Process) -> bool:
    try:
        # a zombie has ended; its new parent has yet to take note
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
