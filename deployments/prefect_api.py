"""The Prefect server over HTTP, for commands: start a run, watch it, answer it. Without importing prefect, which takes seconds.

Not here: what the commands say (commands/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
from tenacity import retry, retry_if_result, stop_after_delay, wait_random_exponential

from configs.errors import RatchetError, Unreachable, UsageError
from configs.settings import Settings

PAGE = 200  # as many as the server gives at once
TIMEOUT = httpx.Timeout(30, connect=5)


@dataclass(frozen=True)
class FlowRun:
    """A flow run as it stands: its state's type (COMPLETED, PAUSED, ...), name and message."""

    id: str
    name: str
    type: str
    state: str
    message: str

    @property
    def over(self) -> bool:
        return self.type in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

    @property
    def suspended(self) -> bool:
        return self.type == "PAUSED"


class Prefect:
    """A session with the server; Unreachable, at once, when it does not answer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._http = httpx.Client(base_url=settings.prefect_url, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        self._call("GET", "/admin/version")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def start(
        self, flow: str, model: str, parameters: dict[str, Any], key: str | None = None
    ) -> FlowRun:
        """A new run of the model's deployment of that flow, or the one that was started with this key."""
        deployment = self._send("GET", f"/deployments/name/{flow}/{model}")
        if deployment.status_code == httpx.codes.NOT_FOUND:
            raise RatchetError(
                f"the runner at {self.settings.prefect_ui} does not serve {model}; restart it: ratchet up"
            )
        body = {
            "parameters": parameters,
            "idempotency_key": key or str(uuid4()),
        }  # a call that is repeated starts no second run
        answer = self._send(
            "POST", f"/deployments/{deployment.json()['id']}/create_flow_run", json=body
        )
        if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY):
            raise UsageError(
                f"Prefect refuses these parameters: {answer.json().get('detail', answer.text)}"
            )
        return _flow_run(self._accepted(answer).json())

    def read(self, flow_run: str) -> FlowRun:
        return _flow_run(self._call("GET", f"/flow_runs/{flow_run}").json())

    def newest(self) -> FlowRun:
        """The run that began last; UsageError when none ever began."""
        body = {
            "sort": "START_TIME_DESC",
            "limit": 1,
            "flow_runs": {"start_time": {"is_null_": False}},
        }
        found = self._call("POST", "/flow_runs/filter", json=body).json()
        if not found:
            raise UsageError("no run has begun yet; start one: ratchet train MODEL")
        return _flow_run(found[0])

    def running(self) -> list[FlowRun]:
        """Runs that hold a process, or held one when they last said so."""
        states = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
        return [_flow_run(body) for body in self._all("/flow_runs/filter", {"flow_runs": states})]

    def step(self, flow_run: str) -> str | None:
        """The name of the step that a run is at, or None between steps."""
        body = {
            "flow_runs": {"id": {"any_": [flow_run]}},
            "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}},
        }
        found = self._call("POST", "/task_runs/filter", json=body).json()
        return str(found[0]["name"]) if found else None

    def polled_since(self, flow: str, model: str, instant: float) -> bool:
        """Whether a runner has asked for due runs of this deployment since then (seconds since the epoch)."""
        found = self._http.get(f"/deployments/name/{flow}/{model}")
        polled = str(found.json().get("last_polled") or "") if found.is_success else ""
        return polled != "" and datetime.fromisoformat(polled).timestamp() >= instant

    def lines(self, flow_run: str, after: int) -> list[str]:
        """What the run's steps have said, from the line with that number on."""
        body = {
            "logs": {"flow_run_id": {"any_": [flow_run]}, "level": {"ge_": 20}},
            "sort": "TIMESTAMP_ASC",
        }
        logs = self._all("/logs/filter", body)
        return [log["message"] for log in logs if log["name"].endswith(".ratchet")][after:]

    def answer(self, flow_run: str, form: dict[str, Any]) -> None:
        """The suspended run resumed with this form; UsageError with the server's reason when it refuses."""
        reply = self._call("POST", f"/flow_runs/{flow_run}/resume", json={"run_input": form}).json()
        if reply["status"] == "ACCEPT":
            return
        reason = reply["details"].get("reason", "")
        if "schema not found" in reason:  # its process died between suspending and saving the form
            self.set_state(flow_run, "SCHEDULED", "its form was lost")
            raise RatchetError(
                "the question's form was lost when its process died; it is asked again: answer once more in a minute"
            )
        raise UsageError(f"the answer was not taken: {reason}")

    def skip_late(self) -> None:
        """Of the runs whose scheduled time has passed unused, each deployment's newest stays; all others end as Skipped."""
        late = {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
        }
        body = {"flow_runs": late, "sort": "EXPECTED_START_TIME_DESC"}
        settled = {
            deployment["id"]
            for deployment in self._all("/deployments/filter", {})
            if deployment["paused"]
        }
        for run in self._all("/flow_runs/filter", body):
            if not run["auto_scheduled"] or run["run_count"]:
                continue
            if run["deployment_id"] in settled:
                self.set_state(
                    run["id"],
                    "CANCELLED",
                    "its time has passed: a newer one is due, or none is wanted",
                    name="Skipped",
                )
            settled.add(run["deployment_id"])

    def pause_others(self, models: Sequence[str]) -> None:
        """The deployments of models that are no more make no more runs; what waits for an answer is kept, should they come back."""
        for deployment in self._all("/deployments/filter", {}):
            if deployment["name"] not in models and not deployment["paused"]:
                self._call("PATCH", f"/deployments/{deployment['id']}", json={"paused": True})

    def set_state(self, flow_run: str, state: str, message: str, name: str | None = None) -> None:
        body = {"state": {"type": state, "name": name, "message": message}, "force": True}
        self._call("POST", f"/flow_runs/{flow_run}/set_state", json=body)

    def _all(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Everything that a filter finds, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._call(
                "POST", path, json={**body, "limit": PAGE, "offset": len(found)}
            ).json()
            found += page
            if len(page) < PAGE:
                return found

    def _call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        answer = self._send(method, path, **kwargs)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise Unreachable(
                f"the Prefect server at {self.settings.prefect_url} refuses us ({answer.status_code})"
            )
        if answer.status_code == httpx.codes.NOT_FOUND and path.startswith("/flow_runs/"):
            raise UsageError(f"Prefect knows no flow run {path.split('/')[2]}; it was deleted")
        return self._accepted(answer)

    def _accepted(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_server_error:
            where = f"its log says why: {self.settings.home / 'logs' / 'prefect.log'}"
            raise Unreachable(
                f"the Prefect server at {self.settings.prefect_url} answers {answer.status_code}; {where}"
            )
        return answer.raise_for_status()

    @retry(
        retry=retry_if_result(
            lambda answer: answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        ),  # its SQLite was busy
        stop=stop_after_delay(20),
        wait=wait_random_exponential(max=4),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **kwargs)
        except httpx.TransportError as error:
            raise Unreachable(
                f"no Prefect server answers at {self.settings.prefect_url}. Start one with: ratchet up"
            ) from error


def _flow_run(body: dict[str, Any]) -> FlowRun:
    state = body.get("state") or {}
    return FlowRun(
        body["id"],
        body["name"],
        state.get("type", ""),
        state.get("name", ""),
        state.get("message") or "",
    )
