"""The chain from Prefect's own pages, in a real browser.

A run is started from its form, and a promotion is resumed through its form.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error, Locator, Page, Response, sync_playwright

from tests.user_home import DEADLINE_SECONDS, UserHome, await_that

CHROMIUM = Path("/usr/bin/chromium")
PRESSES = 10
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1100}, reduced_motion="reduce")
        page.set_default_timeout(DEADLINE_SECONDS * 1000)
        yield page
        browser.close()


def test_started_from_its_form_and_resumed_through_its_form_a_version_becomes_the_champion(
    page: Page, user_home: UserHome
) -> None:
    user_home.ensure_up()
    with _explained(page, user_home):
        _train(page, user_home)
        _approve(page, user_home)
    url = f"{user_home.mlflow_url}/api/2.0/mlflow/registered-models/alias"
    answer = httpx.get(url, params={"name": "tiny", "alias": "champion"}).json()
    champion = answer["model_version"]
    assert champion["version"] == str(user_home.events()[-1].version_to)
    assert "by release lead: seen in the browser" in champion["description"]


def _train(page: Page, user_home: UserHome) -> None:
    """Start a training from its form, and wait until its promotion is requested."""
    trained = len(_states(user_home, "train_candidate"))
    requested = len(_states(user_home, "promote_candidate"))
    url = f"{user_home.prefect_url}/deployments/name/train_candidate/tiny"
    deployment = httpx.get(url).json()["id"]
    page.goto(f"{_ui(user_home)}/deployments/deployment/{deployment}/run")
    page.get_by_text("The end of the holdout, up to which labels are complete").wait_for()
    page.get_by_text("Log a run that reads no holdout and registers nothing.").wait_for()
    _send(page.get_by_role("button", name="Submit"), "/create_flow_run")
    page.wait_for_url(lambda url: not url.endswith("/run"))
    await_that(lambda: _states(user_home, "train_candidate")[trained:] == ["Registered"])
    await_that(lambda: _states(user_home, "promote_candidate")[requested:] == ["Suspended"])


def _approve(page: Page, user_home: UserHome) -> None:
    """Resume the suspended promotion through its form."""
    request = user_home.events()[-1]
    page.goto(f"{_ui(user_home)}/runs/flow-run/{request.flow_run}")
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    # the evidence stands above the questions
    form.get_by_text("needs >= 0.5").first.wait_for()
    _press(form.get_by_role("button", name="Submit"))
    for field in ("decision", "your_name", "reason", "evidence"):
        form.get_by_text(f"'{field}' is a required property").wait_for()

    decision, evidence = form.locator(".p-select").all()
    _choose(decision, "approve")
    name, reason = form.locator("textarea").all()
    name.fill("release lead")
    reason.fill("seen in the browser")
    _choose(evidence, str(request.evidence_digest))
    _send(form.get_by_role("button", name="Submit"), "/resume")
    form.wait_for(state="hidden")
    await_that(lambda: _states(user_home, "promote_candidate")[-1] == "Promoted")


def _ui(user_home: UserHome) -> str:
    return user_home.prefect_url.removesuffix("/api")


def _press(button: Locator) -> None:
    """Press a button by key.

    A field that loses the focus drops its complaint, the button moves up, and a click that has
    begun ends beside it.
    """
    button.press("Enter")


def _send(button: Locator, endpoint: str) -> None:
    """Press until Prefect takes it, as docs/browser.md tells people to.

    With SQLite it answers 503 when another write came first.
    """
    for _ in range(PRESSES):
        with button.page.expect_response(lambda answer: answer.url.endswith(endpoint)) as answer:
            _press(button)
        if answer.value.status != httpx.codes.SERVICE_UNAVAILABLE:
            return
    pytest.fail(f"Prefect answered {endpoint} with 503 {PRESSES} times")


def _choose(select: Locator, option: str) -> None:
    """Open a select of Prefect's form and take an option.

    It is opened by key, because a click there only gives it the focus.
    """
    select.locator("button").press("ArrowDown")
    choice = select.page.get_by_role("option", name=option)
    choice.click()
    # else the next select finds this one's options still open
    choice.wait_for(state="hidden")


def _states(user_home: UserHome, flow: str) -> list[str]:
    """Names of the states of this flow's runs that have begun, oldest first."""
    body = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_ASC"}
    return [
        run["state_name"]
        for run in user_home.post_prefect("flow_runs/filter", body)
        if run["start_time"] or run["state_type"] not in ("SCHEDULED", "PENDING")
    ]


@contextmanager
def _explained(page: Page, user_home: UserHome) -> Iterator[None]:
    """What fails inside tells what was on the page, which requests failed, and each run's state."""
    failures: list[str] = []

    def note_refusal(answer: Response) -> None:
        if answer.status >= 400:
            failures.append(f"{answer.url}: {answer.status}")

    page.on(
        "requestfailed",
        lambda request: failures.append(f"{request.method} {request.url}: {request.failure}"),
    )
    page.on("response", note_refusal)
    try:
        yield
    except (AssertionError, Error) as error:
        for run in user_home.post_prefect("flow_runs/filter", {}):
            message = (run["state"] or {}).get("message")
            error.add_note(f"{run['name']}: {run['state_name']}: {message}")
        error.add_note("\n".join([f"{page.url}\n{page.inner_text('body')}", *failures]))
        error.add_note((user_home.home / "logs" / "prefect.log").read_text()[-4000:])
        raise
