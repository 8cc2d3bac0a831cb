"""`stack.json`, which tells other commands and the next `ratchet up` which stack runs in a home.

Beside it, `ports.json` keeps the ports of the last one, so that links to its pages stay true.
Not here: how a stack is started and tended (stack.py). Settings reads the addresses from it too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from configs.errors import UsageError
from configs.settings import Settings
from deployments import processes
from deployments.processes import Child


@dataclass(frozen=True)
class RunningStack:
    """What `ratchet up` wrote: its addresses, itself, and the processes it started."""

    mlflow: str
    prefect: str
    up: Child
    children: tuple[Child, ...]


def write(settings: Settings, mlflow: str, prefect: str, children: Iterable[Child]) -> None:
    """Record the stack of this process."""
    record = {
        "mlflow": mlflow,
        "prefect": prefect,
        "up": asdict(processes.this_process("up")),
        "children": [asdict(child) for child in children],
    }
    partial = settings.stack_file.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1))
    partial.rename(settings.stack_file)


def read(settings: Settings) -> RunningStack | None:
    """The stack recorded in this home, whether or not it still runs."""
    record = settings.stack_record()
    if not record:
        return None
    return RunningStack(
        record["mlflow"],
        record["prefect"],
        Child(**record["up"]),
        tuple(Child(**child) for child in record["children"]),
    )


def wanted_ports(settings: Settings) -> dict[str, int]:
    """The port that each server should have: the chosen one, else that of the last stack."""
    chosen = {"mlflow": settings.ratchet_mlflow_port, "prefect": settings.ratchet_prefect_port}
    last = _last_ports(settings)
    return {
        name: port if port and _is_set(settings, name) else last.get(name, port)
        for name, port in chosen.items()
    }


def keep_ports(settings: Settings, ports: Mapping[str, int]) -> None:
    """Let the next stack of this home have these ports."""
    settings.ports_file.write_text(json.dumps(ports))


def _is_set(settings: Settings, server: str) -> bool:
    return f"ratchet_{server}_port" in settings.model_fields_set


def _last_ports(settings: Settings) -> dict[str, int]:
    """The ports of the last stack; none where the file is missing or damaged: they are a wish."""
    try:
        ports = json.loads(settings.ports_file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    numbers = ports.items() if isinstance(ports, dict) else ()
    return {name: port for name, port in numbers if isinstance(port, int) and 0 < port < 2**16}


def forget(settings: Settings) -> None:
    settings.stack_file.unlink(missing_ok=True)


def is_up(settings: Settings) -> bool:
    """Whether a `ratchet up` of this home runs, or the environment names a Prefect server."""
    if settings.prefect_api_url:
        return True
    recorded = read(settings)
    return recorded is not None and recorded.up.process is not None


def end_running(settings: Settings) -> None:
    """Stop this home's stack in good order, whoever started it; UsageError when none runs."""
    recorded = read(settings)
    if recorded is None:
        raise UsageError(f"no servers are running for {settings.home}")
    if recorded.up.process:
        recorded.up.process.terminate()
        processes.wait(recorded.up)
    end_leftovers(settings)


def end_leftovers(settings: Settings) -> None:
    """End what a killed `ratchet up` left behind; UsageError if that `up` still runs."""
    recorded = read(settings)
    if recorded is None:
        return
    if recorded.up.process:
        raise UsageError(
            f"this home is up already: mlflow {recorded.mlflow}, "
            f"prefect {recorded.prefect.removesuffix('/api')}"
        )
    for child in reversed(recorded.children):
        processes.end(child)
    forget(settings)
