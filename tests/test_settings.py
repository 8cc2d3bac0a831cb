"""The addresses of pages that people open are made in one place; a wrong variable is named."""

from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.settings import Settings
from deployments.running_stack import keep_ports, wanted_ports

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


def test_the_ports_of_the_last_stack_are_wanted_again_unless_others_are_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RATCHET_MLFLOW_PORT", raising=False)
    monkeypatch.setenv("RATCHET_PREFECT_PORT", "0")
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path))
    assert wanted_ports(Settings()) == {"mlflow": 5000, "prefect": 0}
    keep_ports(Settings(), {"mlflow": 5011, "prefect": 4211})
    assert wanted_ports(Settings()) == {"mlflow": 5011, "prefect": 4211}
    monkeypatch.setenv("RATCHET_PREFECT_PORT", "4300")
    assert wanted_ports(Settings()) == {"mlflow": 5011, "prefect": 4300}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"mlflow": "5011"}', '{"mlflow": 70000}'])
def test_damaged_ports_are_only_a_lost_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.delenv("RATCHET_MLFLOW_PORT", raising=False)
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path))
    Settings().ports_file.write_text(text)
    assert wanted_ports(Settings())["mlflow"] == 5000
