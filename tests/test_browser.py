"""The chain from Prefect's own pages, in a real browser: a run started from its form, a promotion resumed through its form."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error, Locator, Page, sync_playwright

from tasks.release.ledger import Ledger
from tests.test_stack import Home, await_that

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
def home(tmp_path: Path) -> Iterator[Home]:
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no Chromium: apt-get install chromium"
        )
    home = Home(tmp_path)
    up = home.up()
    yield home
    up.send_signal(signal.SIGTERM)
    up.wait(timeout=60)


def test_started_from_its_form_and_resumed_through_its_form_a_version_becomes_the_champion(
    home: Home,
) -> None:
    api = str(home.record["prefect"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1100}, reduced_motion="reduce")
        page.set_default_timeout(60_000)
        with _told(page, home):
            _start_and_promote(home, page, api)
        browser.close()

    mlflow = f"{home.record['mlflow']}/api/2.0/mlflow/registered-models/alias"
    champion = httpx.get(mlflow, params={"name": "tiny", "alias": "champion"}).json()[
        "model_version"
    ]
    assert champion["version"] == "1"
    assert "by release lead: seen in the browser" in champion["description"]


def _start_and_promote(home: Home, page: Page, api: str) -> None:
    ui = api.removesuffix("/api")
    deployment = httpx.get(f"{api}/deployments/name/train_candidate/tiny").json()["id"]
    page.goto(f"{ui}/deployments/deployment/{deployment}/run")
    page.get_by_text("The instant up to which labels are complete").wait_for()
    page.get_by_text("Log a run that reads no holdout and registers nothing.").wait_for()
    _send(page.get_by_role("button", name="Submit"), "/create_flow_run")
    page.wait_for_url(lambda url: not url.endswith("/run"))
    await_that(lambda: _states(api, "train_candidate") == ["Registered"])
    await_that(lambda: _states(api, "promote_candidate") == ["Suspended"])

    waiting = httpx.post(
        f"{api}/flow_runs/filter", json={"flows": {"name": {"any_": ["promote_candidate"]}}}
    ).json()[0]
    digest = str(
        Ledger(f"sqlite:///{home.folder / '.ratchet' / 'ledger.db'}").events("tiny")[-1].evidence
    )
    page.goto(f"{ui}/runs/flow-run/{waiting['id']}")
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    form.get_by_text(
        "average_precision at least 0.5"
    ).wait_for()  # the evidence stands above the questions
    _press(form.get_by_role("button", name="Submit"))
    for field in ("decision", "your_name", "reason", "evidence"):
        form.get_by_text(f"'{field}' is a required property").wait_for()

    decision, evidence = form.locator(".p-select").all()
    _choose(decision, "approve")
    name, reason = form.locator("textarea").all()
    name.fill("release lead")
    reason.fill("seen in the browser")
    _choose(evidence, digest)
    _send(form.get_by_role("button", name="Submit"), "/resume")
    form.wait_for(state="hidden")
    await_that(lambda: _states(api, "promote_candidate") == ["Promoted"])


def _press(button: Locator) -> None:
    """By key: a field that loses the focus drops its complaint, the button moves up, and a click that has begun ends beside it."""
    button.press("Enter")


def _send(button: Locator, endpoint: str) -> None:
    """Press until Prefect takes it, as docs/browser.md tells people to: with SQLite it answers 503 when another write came first."""
    for _ in range(PRESSES):
        with button.page.expect_response(lambda answer: answer.url.endswith(endpoint)) as answer:
            _press(button)
        if answer.value.status != httpx.codes.SERVICE_UNAVAILABLE:
            return
    pytest.fail(f"Prefect answered {endpoint} with 503 {PRESSES} times")


def _choose(select: Locator, option: str) -> None:
    """Open a select of Prefect's form by its key and take an option; by key, because a click there only gives it the focus."""
    select.locator("button").press("ArrowDown")
    choice = select.page.get_by_role("option", name=option)
    choice.click()
    choice.wait_for(state="hidden")  # else the next select finds this one's options still open


def _states(api: str, flow: str) -> list[str]:
    """Names of the states of this flow's runs that have begun."""
    runs = httpx.post(f"{api}/flow_runs/filter", json={"flows": {"name": {"any_": [flow]}}}).json()
    return [
        run["state_name"]
        for run in runs
        if run["start_time"] or run["state_type"] not in ("SCHEDULED", "PENDING")
    ]


@contextmanager
def _told(page: Page, home: Home) -> Iterator[None]:
    """What fails inside says what was on the page, what the page asked for in vain, and how each flow run stood."""
    in_vain: list[str] = []
    page.on(
        "requestfailed",
        lambda request: in_vain.append(f"{request.method} {request.url}: {request.failure}"),
    )
    page.on(
        "response",
        lambda answer: (
            in_vain.append(f"{answer.url}: {answer.status}") if answer.status >= 400 else None
        ),
    )
    try:
        yield
    except (AssertionError, Error) as error:
        runs = httpx.post(f"{home.record['prefect']}/flow_runs/filter", json={}).json()
        error.add_note(
            "\n".join(
                [
                    f"{run['name']}: {run['state_name']}: {(run['state'] or {}).get('message')}"
                    for run in runs
                ]
            )
        )
        error.add_note("\n".join([f"{page.url}\n{page.inner_text('body')}", *in_vain]))
        error.add_note((home.folder / ".ratchet" / "logs" / "prefect.log").read_text()[-4000:])
        raise
