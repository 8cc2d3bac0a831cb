"""The addresses of pages that people open are made in one place; a wrong variable is named."""

import pytest

from configs.errors import ConfigError
from configs.settings import Settings

SETTINGS = Settings(
    mlflow_tracking_uri="http://127.0.0.1:5000/", prefect_api_url="http://127.0.0.1:4200/api"
)


def test_a_page_of_prefect_is_in_its_ui_and_not_in_its_api() -> None:
    assert SETTINGS.prefect_page("deployments") == "http://127.0.0.1:4200/deployments"
    assert SETTINGS.flow_run_page("1a2b") == "http://127.0.0.1:4200/runs/flow-run/1a2b"


def test_a_page_of_an_mlflow_run_is_in_the_area_for_models() -> None:
    run = "http://127.0.0.1:5000/#/experiments/7/runs/1a2b"
    assert SETTINGS.mlflow_run_page("7", "1a2b") == f"{run}?workflowType=machine_learning"
    report = SETTINGS.mlflow_run_page("7", "1a2b", "report.html")
    assert report == f"{run}/artifacts/report.html?workflowType=machine_learning"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}"])
def test_a_damaged_record_of_the_servers_is_named(settings: Settings, text: str) -> None:
    settings.stack_file.parent.mkdir(parents=True, exist_ok=True)
    settings.stack_file.write_text(text)
    with pytest.raises(ConfigError, match=r"stack\.json is damaged; stop .* and delete it"):
        _ = settings.mlflow_url


@pytest.mark.parametrize("port", ["abc", "65536", "-1"])
def test_a_port_that_is_none_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("RATCHET_PREFECT_PORT", port)
    with pytest.raises(ConfigError, match=f"RATCHET_PREFECT_PORT is '{port}'; set it to a port"):
        Settings()
