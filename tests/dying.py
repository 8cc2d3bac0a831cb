"""A flow run in a process of its own that is killed, as by kill -9, at an exact place.

A place is `module:function`, as its caller looks it up, or `module:Class.method`. The process is
killed `before` or `after` the call, or `after=WORD` a call with that argument, or with an entry of
that event.
The processes are forked from one that has imported everything already, which takes seconds.
"""

import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.promotion import promote_candidate
from flows.scoring import score_batch
from flows.training import train_candidate

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.dying"])
DEADLINE_SECONDS = 300


def begin(flow_run: UUID, place: str, when: str) -> BaseProcess:
    """Start the process, in this one's environment."""
    process = FORKS.Process(target=main, args=(flow_run, place, when, dict(os.environ)))
    process.start()
    return process


def wait_for(process: BaseProcess) -> int | None:
    """The process's exit code once it has ended: minus the signal that killed it, or 0."""
    process.join(DEADLINE_SECONDS)
    return process.exitcode


def main(flow_run: UUID, place: str, when: str, environment: Mapping[str, str]) -> None:
    """Run the flow run; kill this process at that place."""
    os.environ.clear()
    os.environ.update(environment)
    _make_deadly(place, when)
    with temporary_settings({PREFECT_API_URL: environment["PREFECT_API_URL"]}):
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(flow_run)
            name = client.read_flow(run.flow_id).name
        flows = (train_candidate, promote_candidate, score_batch)
        flow = next(flow for flow in flows if flow.name == name)
        run_flow(flow, flow_run=run, parameters=run.parameters)


def _make_deadly(place: str, when: str) -> None:
    """Replace what stands at that place by itself with a kill beside it."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, _deadly(getattr(owner, name), when))


def _deadly(work: Callable[..., Any], when: str) -> Callable[..., Any]:
    moment, _, word = when.partition("=")

    @wraps(work)
    def dying(*args: Any, **kwargs: Any) -> Any:
        names = [getattr(argument, "event", argument) for argument in args]
        is_the_call = not word or word in names
        if is_the_call and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = work(*args, **kwargs)
        if is_the_call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return dying
