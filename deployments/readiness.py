"""When a process of the stack is ready, asked of the servers themselves; and ports that are free.

Not here: how long it is awaited, and what follows if it is not ready (stack.py).
"""

import socket
from collections.abc import Callable

import httpx

from configs.errors import RatchetError, Unreachable
from configs.reading import read_models
from configs.settings import Settings
from deployments import processes
from deployments.prefect_api import Prefect
from deployments.processes import Child

VERSION_PAGES = {"mlflow": "/version", "prefect": "/api/admin/version"}
# a server that starts, or starts again, refuses connections or answers late
NOT_READY = (httpx.TransportError, Unreachable)


def holds(is_ready: Callable[[], bool]) -> bool:
    """Whether it is ready; a server that does not answer is not ready yet."""
    try:
        return is_ready()
    except NOT_READY:
        return False


def serves(server: Child, port: int) -> bool:
    """Whether our own server answers; RatchetError when another one has taken its port."""
    url = f"http://127.0.0.1:{port}{VERSION_PAGES[server.name]}"
    # without certificates, whose loading takes longer than the question
    answered = httpx.get(url, trust_env=False, verify=False).is_success
    # ours may have ended already, because the port was taken
    if answered and not processes.listens(server, port):
        raise RatchetError(f"another server took {url} while ours was starting")
    return answered


def has_polled(settings: Settings, flow: str, since: float) -> bool:
    """Whether a runner has asked for the due runs of each readable model since then (epoch s)."""
    models = read_models(settings).names
    with Prefect(settings) as prefect:
        return all(prefect.polled_since(flow, model, since) for model in models)


def free_port(wanted: int) -> int:
    """The wanted port, or another that is free when it is taken; 0 is never taken."""
    with socket.socket() as probe:
        # as servers do: a port whose server has just ended is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
