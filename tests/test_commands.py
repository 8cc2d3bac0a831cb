"""Commands as they are typed: what they import, what they say without a server, how they end."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from configs.settings import Settings
from tasks.release.ledger import Ledger

HEAVY = ("prefect", "mlflow", "sklearn", "pandas", "great_expectations")
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture
def environment(tiny: Path, settings: Settings) -> dict[str, str]:
    """The test's own settings, and servers that do not answer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "PREFECT_", "MLFLOW_"))}
    return clean | settings.environment() | {"MLFLOW_TRACKING_URI": NOBODY, "PREFECT_API_URL": f"{NOBODY}/api"}


def ratchet(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.commands", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def a_promotion(settings: Settings) -> None:
    ledger = Ledger(settings.ledger_url)
    verdict = {"outcome": "PASS", "rules": [{"rule": "roc_auc at least 0.5", "value": 0.8, "outcome": "PASS"}]}
    holdout = {"holdout_start": "2018-08-08", "holdout_end": "2018-08-15", "holdout_rows": "58264", "holdout_positives": "385"}
    digest = ledger.store_evidence({
        "model": "tiny", "champion": None, "note": "No champion yet.", "verdict": verdict, "holdout": holdout,
        "training": {"train_rows": "67240", "train_end": "2018-08-01"}, "candidate": {"version": 5, "git_commit": "1f09c2a"},
    })  # fmt: skip
    said = {"version_to": 5, "who": "release lead", "identity": "declared", "flow_run": "f", "evidence": digest}
    for sequence, event in enumerate(("requested", "approved", "promoted")):
        time = datetime(2018, 8, 8, 9, sequence)
        ledger.append("tiny", event, after=sequence, key=f"f:{event}", why="+2 points at night", time=time, **said)


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["history", "tiny"], ["show", "tiny", "5"], ["config", "check"]])
def test_commands_that_only_answer_import_no_framework(
    environment: dict[str, str], settings: Settings, arguments: list[str]
) -> None:
    a_promotion(settings)
    code = (
        "import sys\nfrom deployments.commands.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_the_ledger_answers_without_any_server(environment: dict[str, str], settings: Settings) -> None:
    a_promotion(settings)
    assert "5         2018-08-08 09:02" in ratchet(environment, "status").stdout
    history = ratchet(environment, "history", "tiny").stdout
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["3", "2", "1"]
    then = ratchet(environment, "history", "tiny", "--on", "2018-08-08T10:00").stdout
    assert "tiny 5 became the champion" in then
    before = ratchet(environment, "history", "tiny", "--on", "2018-08-08T09:00").stdout
    assert "No version of tiny was in production" in before
    assert "roc_auc at least 0.5  0.800      PASS" in ratchet(environment, "show", "tiny", "5").stdout


def test_a_request_past_its_days_is_shown_as_expired(environment: dict[str, str], settings: Settings) -> None:
    a_promotion(settings)
    ledger = Ledger(settings.ledger_url)
    evidence, long_ago = ledger.events("tiny")[-1].evidence, datetime(2020, 1, 1)
    said = {"version_to": 6, "who": "schedule", "identity": "declared", "flow_run": "g", "evidence": evidence}
    ledger.append("tiny", "requested", after=3, key="g:requested", time=long_ago, **said)
    assert "Expired on 2020-01-08 00:00 UTC without an answer. Ask again" in ratchet(environment, "show", "tiny").stdout


def test_output_fits_into_80_columns(environment: dict[str, str], settings: Settings) -> None:
    a_promotion(settings)
    for arguments in (["status"], ["history", "tiny"], ["show", "tiny", "5"]):
        assert max(len(line.rstrip()) for line in ratchet(environment, *arguments).stdout.splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "tyni"], 2, "there is no model 'tyni'"),
        (["train", "tiny", "--set", "gate.x=1"], 2, "is not an override"),
        (["train", "tiny", "--as-of", "yesterday"], 2, "does not match the formats"),
        (["trian", "tiny"], 2, "No such command 'trian'"),
        (["train", "tiny"], 4, f"no Prefect server answers at {NOBODY}/api. Start one with: ratchet up"),
        (["promote", "tiny", "1"], 4, "Start one with: ratchet up"),
        (["approve", "tiny", "1", "--reason", "r"], 2, "version 1 of tiny does not wait for an answer; nothing does"),
        (["show", "tiny"], 2, "nothing of tiny waits for an answer"),
        (["show", "tiny", "3"], 2, "version 3 of tiny has not been judged"),
        (["history", "tyni"], 2, "there is no model 'tyni'"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code_within_ten_seconds(
    environment: dict[str, str], arguments: list[str], code: int, sentence: str
) -> None:
    began = time.monotonic()
    done = ratchet(environment, *arguments)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 10


def test_config_check_names_each_broken_model_and_says_what_is_well(environment: dict[str, str], tiny: Path) -> None:
    tiny.with_name("other.yaml").write_text(tiny.read_text().replace("name: tiny", "name: other").replace("key: id", "key: idd"))
    tiny.with_name("other.py").write_text(tiny.with_suffix(".py").read_text())
    done = ratchet(environment, "config", "check")
    assert done.returncode == 2
    assert "tiny: 2 features, 2 checks, 1 rules. All is well." in done.stdout
    assert "other.yaml:9: data.key: 'idd' is not declared" in done.stderr


def test_config_show_has_the_overrides_in_effect(environment: dict[str, str]) -> None:
    assert '"C": 0.1' in ratchet(environment, "config", "show", "tiny", "--set", "train.params.C=0.1").stdout


def test_simulate_writes_a_file_a_day(environment: dict[str, str], tmp_path: Path) -> None:
    done = ratchet(environment, "simulate", "--days", "3", "--out", str(tmp_path / "out"), "--customers", "50")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"2026-01-0{day}.parquet" for day in (1, 2, 3)]
