"""The Prefect server over HTTP: start a run, follow it, answer it, end it.

Written on httpx, because importing prefect takes seconds and a command should answer at once.
Not here: what a flow run is (flow_run.py); what the commands print (commands/).
"""

from collections.abc import Container
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
from tenacity import (
    RetryCallState,
    retry,
    retry_if_result,
    stop_after_delay,
    wait_random_exponential,
)

from configs.errors import RatchetError, Unreachable, UsageError
from configs.settings import Settings
from deployments.flow_run import FlowRun, read_flow_run

# the most that the server returns at once
PAGE_LENGTH = 200
TIMEOUT = httpx.Timeout(30, connect=5)
BUSY_SECONDS = 20.0
INFO_LEVEL = 20


def _is_busy(answer: httpx.Response) -> bool:
    """Whether the server's SQLite was locked by another write: it answers 503 and did nothing."""
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE


def _last_answer(attempts: RetryCallState) -> httpx.Response | None:
    return attempts.outcome.result() if attempts.outcome else None


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

    def start(self, flow: str, model: str, parameters: dict[str, Any]) -> FlowRun:
        """Start a run of the model's deployment of that flow.

        RatchetError when no runner serves the model, UsageError when the flow does not accept
        the parameters.
        """
        deployment = self._send("GET", f"/deployments/name/{flow}/{model}")
        if deployment.status_code == httpx.codes.NOT_FOUND:
            raise RatchetError(
                f"the runner at {self.settings.prefect_ui} does not serve {model}; "
                "wait a few seconds if its YAML is new, else restart it: ratchet up"
            )
        # the key makes a request that is sent twice start one run
        body = {"parameters": parameters, "idempotency_key": str(uuid4())}
        path = f"/deployments/{deployment.json()['id']}/create_flow_run"
        answer = self._send("POST", path, json=body)
        if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY):
            detail = answer.json().get("detail", answer.text)
            raise UsageError(f"Prefect does not accept these parameters: {detail}")
        return read_flow_run(self._require_accepted(answer).json())

    def read(self, flow_run: str) -> FlowRun:
        """The flow run as it is now; UsageError when the server does not know it."""
        return read_flow_run(self._call("GET", f"/flow_runs/{flow_run}").json())

    def newest(self) -> FlowRun:
        """The run that began last; UsageError when none ever began."""
        body = {
            "sort": "START_TIME_DESC",
            "limit": 1,
            "flow_runs": {"start_time": {"is_null_": False}},
        }
        runs = self._call("POST", "/flow_runs/filter", json=body).json()
        if not runs:
            raise UsageError("no run has begun yet; start one: ratchet train MODEL")
        return read_flow_run(runs[0])

    def running(self) -> list[FlowRun]:
        """The runs that hold a process, as far as the server has heard."""
        states = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
        runs = self._all_pages("/flow_runs/filter", {"flow_runs": states})
        return [read_flow_run(run) for run in runs]

    def current_step(self, flow_run: str) -> str | None:
        """The name of the step that a run is at, or None between steps."""
        body = {
            "flow_runs": {"id": {"any_": [flow_run]}},
            "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}},
        }
        steps = self._call("POST", "/task_runs/filter", json=body).json()
        return str(steps[0]["name"]) if steps else None

    def polled_since(self, flow: str, model: str, instant: float) -> bool:
        """Whether a runner has polled for due runs of this deployment since `instant`.

        `instant` is in seconds since the epoch.
        """
        deployment = self._http.get(f"/deployments/name/{flow}/{model}")
        if not deployment.is_success:
            return False
        polled = deployment.json().get("last_polled")
        return bool(polled) and datetime.fromisoformat(polled).timestamp() >= instant

    def log_lines(self, flow_run: str, after: int) -> list[str]:
        """The lines that the run's steps have logged, without the first `after` of them."""
        body = {
            "logs": {"flow_run_id": {"any_": [flow_run]}, "level": {"ge_": INFO_LEVEL}},
            "sort": "TIMESTAMP_ASC",
        }
        logs = self._all_pages("/logs/filter", body)
        lines = [log["message"] for log in logs if log["name"].endswith(".ratchet")]
        return lines[after:]

    def answer(self, flow_run: str, form: dict[str, Any]) -> None:
        """Resume the suspended run with this form.

        UsageError with the server's reason when it refuses. RatchetError when the run has lost
        its form: then the run is rescheduled, and asks again.
        """
        refusal = self._resume(flow_run, form)
        if refusal is None:
            return
        # Its process died between suspending and saving the form. The server tells this apart
        # from a wrong answer by nothing but its sentence: there is no code and no field to read.
        if "schema not found" in refusal:
            self.reschedule(flow_run, "its form was lost")
            raise RatchetError(
                "the form was lost when the run's process died; the run is asking again: "
                "answer once more in a minute"
            )
        raise UsageError(f"Prefect did not accept the answer: {refusal}")

    def _resume(self, flow_run: str, form: dict[str, Any]) -> str | None:
        """Why the server did not resume the run with this form, or None when it did."""
        path = f"/flow_runs/{flow_run}/resume"
        reply = self._call("POST", path, json={"run_input": form}).json()
        if reply["status"] == "ACCEPT":
            return None
        return str(reply["details"].get("reason", ""))

    def reschedule(self, flow_run: str, why: str) -> None:
        """Let a runner run this flow run once more, from its first line."""
        self.set_state(flow_run, "SCHEDULED", why)

    def skip_late(self) -> None:
        """Cancel, as Skipped, all but the newest overdue scheduled run of each deployment.

        Of a paused deployment all of them are cancelled.
        """
        late = {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
        }
        body = {"flow_runs": late, "sort": "EXPECTED_START_TIME_DESC"}
        why = "its time has passed: a newer run is due, or the deployment is paused"
        deployments = self._all_pages("/deployments/filter", {})
        # deployments whose remaining late runs are all to be skipped
        settled = {deployment["id"] for deployment in deployments if deployment["paused"]}
        for run in self._all_pages("/flow_runs/filter", body):
            if not run["auto_scheduled"] or run["run_count"]:
                continue
            if run["deployment_id"] in settled:
                self.set_state(run["id"], "CANCELLED", why, name="Skipped")
            settled.add(run["deployment_id"])

    def pause_others(self, models: Container[str]) -> None:
        """Pause the deployments of every model but these: they schedule no more runs.

        Requests of theirs that wait for an answer are left alone, should the model come back.
        """
        for deployment in self._all_pages("/deployments/filter", {}):
            if deployment["name"] not in models:
                self._pause(deployment)

    def pause(self, model: str) -> None:
        """Pause the deployments of this model."""
        of_model = {"deployments": {"name": {"any_": [model]}}}
        for deployment in self._all_pages("/deployments/filter", of_model):
            self._pause(deployment)

    def set_state(self, flow_run: str, state: str, message: str, name: str | None = None) -> None:
        """Force the run into a state of this type, whatever its present one."""
        body = {"state": {"type": state, "name": name, "message": message}, "force": True}
        self._call("POST", f"/flow_runs/{flow_run}/set_state", json=body)

    def _pause(self, deployment: dict[str, Any]) -> None:
        if not deployment["paused"]:
            self._call("PATCH", f"/deployments/{deployment['id']}", json={"paused": True})

    def _all_pages(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Everything that matches a filter, fetched page by page."""
        matches: list[dict[str, Any]] = []
        while True:
            page_body = {**body, "limit": PAGE_LENGTH, "offset": len(matches)}
            page = self._call("POST", path, json=page_body).json()
            matches += page
            if len(page) < PAGE_LENGTH:
                return matches

    def _call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """The server's answer, if it accepted the request; otherwise the error that says why."""
        answer = self._send(method, path, **kwargs)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise Unreachable(
                f"the Prefect server at {self.settings.prefect_url} denies us access "
                f"({answer.status_code})"
            )
        if answer.status_code == httpx.codes.NOT_FOUND and path.startswith("/flow_runs/"):
            flow_run = path.split("/")[2]
            raise UsageError(f"Prefect does not know flow run {flow_run}; it may have been deleted")
        return self._require_accepted(answer)

    def _require_accepted(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_server_error:
            log = self.settings.home / "logs" / "prefect.log"
            raise Unreachable(
                f"the Prefect server at {self.settings.prefect_url} answers {answer.status_code}; "
                f"its log says why: {log}"
            )
        return answer.raise_for_status()

    @retry(
        retry=retry_if_result(_is_busy),
        stop=stop_after_delay(BUSY_SECONDS),
        wait=wait_random_exponential(max=4),
        retry_error_callback=_last_answer,
    )
    def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **kwargs)
        except httpx.TransportError as error:
            raise Unreachable(
                f"no Prefect server answers at {self.settings.prefect_url}. "
                "Start it with: ratchet up"
            ) from error
