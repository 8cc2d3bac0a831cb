"""The real path: `ratchet up` in a user's folder, runs started and answered by commands.

Nothing is left behind, however the stack ends.
"""

import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest

from configs.settings import Settings
from deployments import prefect_api, processes, running_stack
from deployments.stack import Stack, stack
from tests.conftest import TINY_HOOKS
from tests.user_home import DEADLINE_SECONDS, UserHome, await_that


def test_from_a_folder_with_packages_of_the_same_names_a_candidate_becomes_the_champion(
    user_home: UserHome,
) -> None:
    user_home.ensure_up()
    with _a_day_twice(user_home):
        refused = user_home.ratchet("train", "tiny")
    assert refused.returncode == 3, refused.stderr
    assert "structure-key-unique" in refused.stderr
    assert "Nothing was trained, nothing registered." in refused.stderr

    trained = user_home.output_of("train", "tiny")
    version = _registered_version(trained)
    assert f"version {version} of tiny is a candidate" in trained
    await_that(lambda: user_home.count_runs("PAUSED") == 1)
    assert f"an approval of {version}" in user_home.output_of("status")
    assert "PASS" in user_home.output_of("show", "tiny")
    _assert_that_prefect_schedules_runs(user_home)
    again = user_home.ratchet("up")
    assert (again.returncode, "is up already" in again.stderr) == (2, True)

    addresses = user_home.mlflow_url, user_home.prefect_url
    assert user_home.output_of("down") == "Stopped.\n"
    assert user_home.processes() == []
    assert not user_home.is_up
    # the ledger needs no servers
    assert f"an approval of {version}" in user_home.output_of("status")

    # the request has survived a restart of everything, and so have links to the pages
    user_home.up()
    assert (user_home.mlflow_url, user_home.prefect_url) == addresses
    schedule = r"tiny \(0 3 \* \* \* Europe/Paris, next \d{4}-\d\d-\d\d 03:00\)"
    assert re.search(schedule, user_home.log("up").read_text())
    broken = r"broken is broken, .*\n.*models/broken.yaml:2: this is not YAML: found duplicate key"
    await_that(lambda: bool(re.search(broken, user_home.log("up").read_text())))
    assert re.search(r"models/broken.yaml:2: ", user_home.output_of("status"))
    approval = ("approve", "tiny", version, "--reason", "as tests do")
    approved = user_home.output_of(*approval, "--as", "release lead")
    # another test of this home may have promoted a version before
    promoted = rf"tiny {version} became the champion( in place of \d+)?, by release lead"
    assert re.search(promoted, approved)
    assert "release lead" in user_home.output_of("history", "tiny")
    refused = user_home.ratchet(*approval)
    assert (refused.returncode, "no other version is" in refused.stderr) == (2, True)


def test_a_model_is_served_changed_and_paused_without_a_restart(
    user_home: UserHome,
) -> None:
    user_home.ensure_up()
    added = user_home.hooks.with_name("added.yaml")
    added.with_suffix(".py").write_text(TINY_HOOKS)
    yaml = user_home.hooks.with_suffix(".yaml").read_text().replace("name: tiny", "name: added")
    added.write_text(yaml)
    await_that(lambda: _crons_of(user_home, "added") == ["0 3 * * *"])
    past_days = ("--from", "2026-01-08", "--to", "2026-01-16", "--every", "4d")
    trained = user_home.ratchet("train", "added", "--explore", *past_days)
    assert (trained.returncode, "1 of 3 runs of added made no candidate" in trained.stderr) == (
        3,
        True,
    )
    assert "2 of the 4 days from 2026-01-09 to 2026-01-12 have no file" in trained.stderr
    outcomes = re.findall(r"^(2026-01-\d\d) +added .*(Explored|Failed) *$", trained.stdout, re.M)
    assert outcomes == [
        ("2026-01-08", "Explored"),
        ("2026-01-12", "Explored"),
        ("2026-01-16", "Failed"),
    ]

    added.write_text(yaml.replace("0 3", "30 4"))
    await_that(lambda: _crons_of(user_home, "added") == ["30 4 * * *"])
    added.unlink()
    await_that(lambda: _crons_of(user_home, "added") is None)
    added.write_text(yaml)
    await_that(lambda: _crons_of(user_home, "added") == ["0 3 * * *"])
    added.unlink()
    added.with_suffix(".py").unlink()


def test_killed_in_the_middle_of_a_run_the_next_up_leaves_no_orphan_and_nothing_running(
    user_home: UserHome,
) -> None:
    user_home.ensure_up()
    slow_hooks = f"import time\n{TINY_HOOKS}".replace(
        "return raw", "time.sleep(600)\n    return raw"
    )
    user_home.hooks.write_text(slow_hooks)
    training = user_home.begin("train", "tiny")
    await_that(lambda: user_home.count_runs("RUNNING") == 1)
    await_that(lambda: "RUNNING" in user_home.mlflow_statuses())
    before = {process.pid for process in user_home.processes()}
    _kill_up(user_home)
    training.kill()
    training.wait()

    up = user_home.up()
    assert {process.pid for process in user_home.processes()}.isdisjoint(before)
    assert user_home.count_runs("RUNNING") == 0
    await_that(lambda: user_home.mlflow_statuses()[0] == "FAILED")
    assert "RUNNING" not in user_home.mlflow_statuses()
    user_home.hooks.write_text(TINY_HOOKS)
    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=DEADLINE_SECONDS) == 0
    assert user_home.processes() == []
    nothing = user_home.ratchet("down")
    assert (nothing.returncode, "no servers are running for" in nothing.stderr) == (2, True)


def test_a_slow_server_and_a_runner_that_ends_early_do_not_stop_the_start(
    settings: Settings, tiny: Path, starts_servers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_api, "TIMEOUT", httpx.Timeout(1))
    monkeypatch.setattr(processes, "GRACE_SECONDS", 1.0)
    with stack(settings, lambda _: None, runners=False) as running:
        prefect = running.children["prefect"].process
        assert prefect is not None
        prefect.suspend()
        threading.Timer(5, prefect.resume).start()
        killer = threading.Thread(target=_kill_once_started, args=(running, "training"))
        killer.start()
        running.start_runners()
        killer.join()
        assert list(running.children) == ["mlflow", "prefect", "training", "promotion"]
        assert all(child.process for child in running.children.values())
        # and one that does not answer at the end is ended all the same
        prefect.suspend()
        children = [child.process for child in running.children.values()]
    assert not any(child and child.is_running() for child in children)
    assert not settings.stack_file.exists()


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_server_whose_port_was_taken_while_it_started_moves_to_another(
    settings: Settings, starts_servers: None, has_ended: bool
) -> None:
    (settings.home / "logs").mkdir(parents=True)
    with _another_server() as taken:
        running = Stack(settings, {"mlflow": taken, "prefect": 0})
        try:
            running.start("mlflow")
            if has_ended:
                # a server that cannot have its port may have ended before it is first asked
                await_that(lambda: running.children["mlflow"].process is None)
            running.wait_server("mlflow")
            assert running.ports["mlflow"] != taken
            assert httpx.get(f"{running.mlflow_url}/version").is_success
        finally:
            running.end()


def _crons_of(user_home: UserHome, model: str) -> list[str] | None:
    """The schedules of the model's training; None where it is not served, or paused."""
    filters = {"deployments": {"name": {"any_": [model]}}}
    for deployment in user_home.post_prefect("deployments/filter", filters):
        if deployment["entrypoint"] == "flows.training.train_candidate":
            schedules = [entry["schedule"]["cron"] for entry in deployment["schedules"]]
            return None if deployment["paused"] else schedules
    return None


@contextmanager
def _a_day_twice(user_home: UserHome) -> Iterator[None]:
    """The rows of one day again in the file of the next."""
    day = user_home.home / "data" / "days" / "2026-01-05.parquet"
    good = day.read_bytes()
    shutil.copy(day.with_name("2026-01-04.parquet"), day)
    yield
    day.write_bytes(good)


def _registered_version(output: str) -> str:
    registered = re.search(r"register +version (\d+)", output)
    assert registered, output
    return registered[1]


def _assert_that_prefect_schedules_runs(user_home: UserHome) -> None:
    """The pinned versions work together: with others the scheduler looks healthy and is idle."""
    body = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    scheduled = user_home.post_prefect("flow_runs/filter", body)
    assert {run["auto_scheduled"] for run in scheduled} == {True}


def _kill_up(user_home: UserHome) -> None:
    recorded = running_stack.read(Settings(ratchet_home=user_home.home))
    assert recorded is not None
    up = psutil.Process(recorded.up.pid)
    up.kill()
    await_that(lambda: recorded.up.process is None)


def _kill_once_started(running: Stack, name: str) -> None:
    await_that(lambda: name in running.children)
    if process := running.children[name].process:
        process.kill()


class _Answer(BaseHTTPRequestHandler):
    """Yes to every question."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _another_server() -> Iterator[int]:
    """The port of a server that is not ours and answers everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
