"""Suggested checks fit into a YAML as printed, pass on the rows they were read off, and keep what
is private."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from configs.reading import read_file
from configs.settings import Settings
from deployments.commands.main import ratchet
from tasks.data import sources, validation
from tasks.data.splits import settle_window
from tests.conftest import write_days


@pytest.fixture
def printed(tiny: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    write_days(settings.data / "days")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    outcome = CliRunner().invoke(ratchet, ["validate", "tiny", "--suggest"], catch_exceptions=False)
    assert outcome.exit_code == 0
    return outcome.output


def test_what_is_suggested_is_read_from_a_yaml_and_passes(
    printed: str, tiny: Path, settings: Settings
) -> None:
    tiny.write_text(re.sub(r"checks:\n(  - .*\n)+", printed, tiny.read_text()))
    config = read_file(tiny)
    assert {check.id for check in config.checks} >= {
        "amount-known",
        "amount-range",
        "amount-level",
        "bad-one-of",
        "row-count-as-usual",
    }
    window = settle_window(config, None, settings.data)
    report = validation.validate(sources.load(config, window, settings.data), config, window, "raw")
    assert len(report.outcomes) > len(config.checks)
    assert report.failures == ()


def test_only_what_is_known_of_every_row_stops_a_run(printed: str) -> None:
    critical = [line for line in printed.splitlines()[1:] if "severity: warning" not in line]
    assert critical
    assert all("column_values_to_not_be_null" in line for line in critical)


def test_of_a_private_column_no_value_is_printed(printed: str) -> None:
    of_customers = [line for line in printed.splitlines() if "column: customer" in line]
    assert of_customers == [
        "  - {id: customer-known, expect: column_values_to_not_be_null, column: customer}"
    ]
