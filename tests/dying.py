"""A flow run in a process of its own that is killed, as by kill -9, at an exact place: `python -m tests.dying FLOW_RUN PLACE WHEN`.

PLACE is `module:function` or `module:Class.method`, WHEN `before` or `after` its call, or `after=WORD` for a call with that argument.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID


def deadly(work: Callable[..., Any], when: str) -> Callable[..., Any]:
    moment, _, word = when.partition("=")

    @wraps(work)
    def dying(*args: Any, **kwargs: Any) -> Any:
        meant = not word or word in args
        if meant and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = work(*args, **kwargs)
        if meant:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return dying


def main(flow_run: str, place: str, when: str) -> None:
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, deadly(getattr(owner, name), when))

    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow

    from flows.promotion import promote_candidate
    from flows.training import train_candidate

    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(flow_run))
        name = client.read_flow(run.flow_id).name
    flow = train_candidate if name == "train_candidate" else promote_candidate
    run_flow(flow, flow_run=run, parameters=run.parameters)


if __name__ == "__main__":
    main(*sys.argv[1:])
