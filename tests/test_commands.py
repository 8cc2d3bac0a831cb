"""Commands as they are typed: what they import, what they say without a server, how they end."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import click
import pytest

from configs.settings import Settings
from deployments.commands import main
from deployments.commands.main import COMMANDS, FIRST
from deployments.commands.progress import as_document
from deployments.flow_run import FlowRun
from tasks.records import RegisteredVersion, Role
from tasks.release.events import Entry, EventName
from tasks.release.ledger import Ledger
from tests.commands import ratchet
from tests.conftest import write_days
from tests.documents import ABSOLUTE, ABSOLUTE_RULE, CANDIDATE, CHAMPION, evidence_of

HEAVY = ("prefect", "mlflow", "sklearn", "pandas", "great_expectations")
LIGHT_COMMANDS = ("", "--help", "status", "history tiny", "show tiny 5", "config check")
# run one command after the other, and name the heavy modules that are imported after each
IMPORTS = f"""
import sys
from deployments.commands.main import main
for command in {LIGHT_COMMANDS!r}:
    main(command.split())
    print("after", command, [name for name in {HEAVY!r} if name in sys.modules])
"""
JSON_PAGE = Path(__file__).parents[1] / "docs" / "json.md"
# the discard port: nothing listens there
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def environment(tiny: Path, settings: Settings) -> dict[str, str]:
    """The test's own settings, and servers that do not answer."""
    ours = ("RATCHET_", "PREFECT_", "MLFLOW_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    servers = {"MLFLOW_TRACKING_URI": NOBODY, "PREFECT_API_URL": f"{NOBODY}/api"}
    return inherited | settings.environment() | servers


@pytest.fixture
def nothing_up(environment: dict[str, str]) -> dict[str, str]:
    """The same without the address of a Prefect server."""
    return {name: value for name, value in environment.items() if name != "PREFECT_API_URL"}


def record_promotion(settings: Settings) -> None:
    """Record in the ledger how version 5 of tiny became the champion."""
    ledger = Ledger(settings.ledger_url)
    digest = ledger.store_evidence(evidence_of())
    events: tuple[EventName, ...] = ("requested", "approved", "promoted")
    for sequence, event in enumerate(events):
        entry = Entry(
            model="tiny",
            event=event,
            version_to=5,
            who="release lead",
            identity="declared",
            why="+2 points at night",
            flow_run="f",
            mlflow_run="m",
            evidence_digest=digest,
            key=f"f:{event}",
        )
        ledger.append(entry, after=sequence, time=datetime(2018, 8, 8, 9, sequence))


def record_request(settings: Settings, time: datetime | None = None) -> None:
    """Record in the ledger, after `record_promotion`, that version 6 of tiny is waiting."""
    ledger = Ledger(settings.ledger_url)
    entry = Entry(
        model="tiny",
        event="requested",
        version_to=6,
        who="schedule",
        identity="declared",
        flow_run="g",
        mlflow_run="m",
        evidence_digest=ledger.events("tiny")[-1].evidence_digest,
        key="g:requested",
    )
    ledger.append(entry, after=3, time=time)


def record_decline(settings: Settings) -> None:
    """Record, after `record_promotion`, that version 6 was refused, and what became of 5."""
    ledger = Ledger(settings.ledger_url)
    versions: dict[Role, RegisteredVersion] = {
        "candidate": replace(CANDIDATE, number=6),
        "champion": replace(CHAMPION, number=5),
    }
    declined = replace(ABSOLUTE, candidate=0.41, spare=-0.09, low=-0.13, high=-0.05)
    evidence = evidence_of(versions, of_champion=((ABSOLUTE_RULE, (declined,)),))
    entry = Entry(
        model="tiny",
        event="refused",
        version_to=6,
        who="gate",
        identity="machine",
        flow_run="g",
        mlflow_run="m",
        evidence_digest=ledger.store_evidence(evidence),
        key="g:refused",
    )
    ledger.append(entry, after=3)


def test_a_champion_that_fell_below_the_gate_is_said_whatever_became_of_the_candidate(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    (row,) = json.loads(ratchet(environment, "status", "--json").stdout)
    assert row["problem"] == "-"
    record_decline(settings)
    sentence = (
        "Champion 5 itself no longer meets the gate on these rows: average_precision 0.41 "
        "(95% upper bound 0.45, needs >= 0.5): FAIL. (seen when version 6 was judged)"
    )
    (row,) = json.loads(ratchet(environment, "status", "--json").stdout)
    assert row["problem"] == sentence
    assert f"tiny: {sentence}" in " ".join(ratchet(environment, "status").stdout.split())
    assert sentence[:60] in " ".join(ratchet(environment, "show", "tiny", "6").stdout.split())


def test_commands_that_only_answer_import_no_framework(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    command = [sys.executable, "-c", IMPORTS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    imported = [line for line in done.stdout.splitlines() if line.startswith("after")]
    none = [f"after {command} []" for command in LIGHT_COMMANDS]
    assert imported == none, done.stdout + done.stderr


@pytest.mark.parametrize(("arguments", "code"), [("history tiny", 0), ("train tiny", 4)])
def test_typed_in_a_shell_a_command_ends_with_its_exit_code_within_ten_seconds(
    environment: dict[str, str], arguments: str, code: int
) -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "deployments.commands", *arguments.split()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    in_this_process = ratchet(environment, *arguments.split())
    assert (done.returncode, done.stdout) == (code, in_this_process.stdout)
    assert done.stderr == in_this_process.stderr
    assert time.monotonic() - began < 10


def test_the_ledger_answers_without_any_server(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    assert "5        2018-08-08 09:02" in ratchet(environment, "status").stdout
    history = ratchet(environment, "history", "tiny").stdout
    rows = [line.split() for line in history.splitlines() if line[:1].isdigit()]
    assert [sequence for sequence, *_ in rows] == ["3", "2", "1"]
    then = ratchet(environment, "history", "tiny", "--on", "2018-08-08T10:00").stdout
    assert "tiny 5 became the champion" in then
    before = ratchet(environment, "history", "tiny", "--on", "2018-08-08T09:00").stdout
    assert "No version of tiny was in production" in before
    for minute, version in (("10:00", 5), ("09:00", None)):
        instant = ("--on", f"2018-08-08T{minute}", "--json")
        champion = json.loads(ratchet(environment, "history", "tiny", *instant).stdout)
        assert (champion and champion["version_to"]) == version
    shown = [line.split() for line in ratchet(environment, "show", "tiny", "5").stdout.splitlines()]
    assert ["average_precision", ">=", "0.5", "0.612", "0.56", ">=", "0.5", "PASS"] in shown


def test_a_ledger_is_verified_and_a_row_that_was_edited_is_named(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    intact = ratchet(environment, "ledger", "verify")
    assert intact.stdout == "tiny: 3 events, chain and evidence intact.\n"
    with sqlite3.connect(settings.home / "ledger.db") as database:
        database.execute("DROP TRIGGER ledger_no_update")
        database.execute("UPDATE ledger SET version_to = 6 WHERE sequence = 3")
    damaged = ratchet(environment, "ledger", "verify")
    assert damaged.returncode == 1
    assert "tiny: row 3 of the ledger has columns that do not match its text" in damaged.stderr
    unknown = ratchet(environment, "ledger", "verify", "tinny")
    assert (unknown.returncode, "no events of tinny" in unknown.stderr) == (2, True)


def test_a_request_past_its_days_is_shown_as_expired(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    record_request(settings, datetime(2020, 1, 1))
    shown = ratchet(environment, "show", "tiny").stdout
    assert "Expired on 2020-01-08 00:00 UTC without an answer. Request it again:" in shown
    assert "ratchet promote tiny 6" in shown


def test_output_fits_into_80_columns(environment: dict[str, str], settings: Settings) -> None:
    record_promotion(settings)
    for arguments in (["status"], ["history", "tiny"], ["show", "tiny", "5"]):
        lines = ratchet(environment, *arguments).stdout.splitlines()
        assert max(len(line.rstrip()) for line in lines) <= 80


PAST_DAYS = ["train", "tiny", "--from", "2026-01-08"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "tyni"], 2, "there is no model 'tyni'"),
        (["train", "tiny", "--set", "gate.x=1"], 2, "is not an override"),
        (["train", "tiny", "--as-of", "yesterday"], 2, "does not match the formats"),
        (["train", "tiny", "--to", "2026-01-09"], 2, "--to and --every go with --from"),
        (["train", "tiny", "--every", "7d"], 2, "--to and --every go with --from"),
        (["train", "tiny", "--from", "2026-01-08"], 2, "--from goes with --to, and without"),
        (
            [*PAST_DAYS, "--to", "2026-01-09", "--as-of", "2026-01-09"],
            2,
            "--from goes with --to, and without --as-of",
        ),
        (["validate", "tiny", "--as-of", "0001-01-01"], 2, "there are no 2 days before 1-01-01"),
        (["validate", "tiny", "--as-of", "9999-12-31T01:00:00"], 2, "choose an earlier day"),
        ([*PAST_DAYS, "--to", "2026-01-07"], 2, "--to 2026-01-07 is before --from 2026-01-08"),
        ([*PAST_DAYS, "--every", "0d"], 2, "'0d' is not a number of days; write it as 7d"),
        ([*PAST_DAYS, "--every", "-1"], 2, "'-1' is not a number of days"),
        ([*PAST_DAYS, "--every", "1e9d"], 2, "'1e9d' is not a number of days"),
        ([*PAST_DAYS, "--to", "2026-01-09"], 4, "Start it with: ratchet up"),
        (["trian", "tiny"], 2, "there is no command 'trian'; did you mean train?"),
        (
            ["train", "tiny"],
            4,
            f"no Prefect server answers at {NOBODY}/api. Start it with: ratchet up",
        ),
        (["promote", "tiny", "1"], 4, "Start it with: ratchet up"),
        (["promote", "tiny", "1", "--replace-pending"], 4, "Start it with: ratchet up"),
        (
            ["rollback", "tiny", "--reason", "r"],
            2,
            "tiny has no earlier champion to roll back to. See: ratchet history tiny",
        ),
        (["rollback", "tiny", "--to", "1", "--reason", "r"], 4, "Start it with: ratchet up"),
        (["reference", "tiny", "1", "--reason", "r"], 4, "Start it with: ratchet up"),
        (
            ["approve", "tiny", "1", "--reason", "r"],
            2,
            "version 1 of tiny is not waiting for an answer, and no other version is.",
        ),
        (["show", "tiny"], 2, "no version of tiny is waiting for an answer"),
        (["show", "tiny", "3"], 2, "version 3 of tiny has not been judged"),
        (["history", "tyni"], 2, "there is no model 'tyni'"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence_and_an_exit_code_at_once(
    environment: dict[str, str], arguments: list[str], code: int, sentence: str
) -> None:
    began = time.monotonic()
    done = ratchet(environment, *arguments)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 5


def test_a_group_without_a_command_prints_its_help_alone(environment: dict[str, str]) -> None:
    done = ratchet(environment, "ledger")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ratchet ledger")
    assert "See:" not in done.stderr


def test_without_an_earlier_champion_in_line_the_former_ones_are_named(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    ledger = Ledger(settings.ledger_url)
    changes: tuple[tuple[EventName, int], ...] = (("promoted", 6), ("rolled_back", 5))
    for sequence, (event, version) in enumerate(changes, 3):
        entry = Entry(
            model="tiny",
            event=event,
            version_to=version,
            who="release lead",
            identity="declared",
            flow_run="h",
            mlflow_run="m",
            evidence_digest=ledger.events("tiny")[-1].evidence_digest,
            key=f"h:{event}",
        )
        ledger.append(entry, after=sequence)
    done = ratchet(environment, "rollback", "tiny", "--reason", "r")
    assert done.returncode == 2
    assert "no earlier champion in line; choose a former one with --to: 6" in done.stderr


def test_a_wrong_variable_is_one_sentence(environment: dict[str, str]) -> None:
    done = ratchet(environment | {"RATCHET_MLFLOW_PORT": "abc"}, "status")
    assert (done.returncode, done.stderr) == (
        2,
        "ratchet: RATCHET_MLFLOW_PORT is 'abc'; set it to a port from 0 to 65535, "
        "where 0 means any free port\n",
    )


def test_where_nothing_is_up_no_other_homes_server_is_asked(nothing_up: dict[str, str]) -> None:
    done = ratchet(nothing_up, "train", "tiny")
    assert done.returncode == 4
    assert "PREFECT_API_URL is not set. Start them with: ratchet up" in done.stderr


def test_a_server_that_is_ill_is_named_with_its_log(environment: dict[str, str]) -> None:
    class Ill(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

    with ThreadingHTTPServer(("127.0.0.1", 0), Ill) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/api"
        done = ratchet(environment | {"PREFECT_API_URL": url}, "train", "tiny")
        server.shutdown()
    assert done.returncode == 4
    assert f"the Prefect server at {url} answers 500; its log says why" in done.stderr


def test_config_check_names_each_broken_model_and_says_which_are_right(
    environment: dict[str, str], tiny: Path
) -> None:
    tiny.with_name("other.yaml").write_text(
        tiny.read_text().replace("name: tiny", "name: other").replace("key: id", "key: idd")
    )
    tiny.with_name("other.py").write_text(tiny.with_suffix(".py").read_text())
    done = ratchet(environment, "config", "check")
    assert done.returncode == 2
    assert "tiny: 2 features, 2 checks, 1 rules. No problems found." in done.stdout
    assert "other.yaml:9: data.key: 'idd' is not declared" in done.stderr


def test_config_show_has_the_overrides_in_effect(environment: dict[str, str]) -> None:
    override = ("--set", "train.params.C=0.1")
    assert '"C": 0.1' in ratchet(environment, "config", "show", "tiny", *override).stdout


def test_simulate_writes_a_file_a_day(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    options = ("--days", "3", "--out", str(folder), "--customers", "50")
    done = ratchet(environment, "simulate", *options)
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in folder.iterdir())
    assert files == [f"2026-01-0{day}.parquet" for day in (1, 2, 3)]


def test_help_shows_the_first_commands_and_all_of_them_when_asked(
    environment: dict[str, str],
) -> None:
    assert _listed(ratchet(environment, "--help").stdout) == list(COMMANDS)[:FIRST]
    assert _listed(ratchet(environment, "--help", "--all").stdout) == list(COMMANDS)


def _listed(text: str) -> list[str]:
    """The commands that a help text lists."""
    return re.findall(r"^  ([a-z]+)  +[A-Z]", text.split("Commands:")[1], re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_each_command_can_be_typed(name: str) -> None:
    command = main.ratchet.get_command(click.Context(main.ratchet), name)
    is_group = isinstance(command, click.Group)
    for member in command.commands.values() if is_group else [command]:
        words = shlex.split(str(member.epilog).removeprefix("Example: ratchet "))
        arguments = words[2:] if is_group else words[1:]
        assert member.make_context(name, arguments).args == []


def test_an_unknown_command_is_answered_with_the_nearest(environment: dict[str, str]) -> None:
    done = ratchet(environment, "trian", "tiny")
    assert (done.returncode, done.stderr) == (
        2,
        "ratchet: there is no command 'trian'; did you mean train? See: ratchet --help\n",
    )


def test_alone_it_says_what_to_do_next(
    environment: dict[str, str], nothing_up: dict[str, str], settings: Settings, tiny: Path
) -> None:
    assert "Start them: ratchet up" in ratchet(nothing_up).stdout
    assert "ratchet train tiny" in ratchet(environment).stdout
    record_promotion(settings)
    assert "ratchet status" in ratchet(environment).stdout
    record_request(settings)
    assert (
        "Version 6 of tiny is waiting for an answer. Look at it: ratchet show tiny"
        in ratchet(environment).stdout
    )
    tiny.unlink()
    assert "Put a YAML there" in ratchet(environment).stdout


def test_validate_names_what_fails_and_trains_nothing(
    environment: dict[str, str], settings: Settings
) -> None:
    rows = write_days(settings.data / "days")
    assert "raw       12 of 12 checks passed" in ratchet(environment, "validate", "tiny").stdout
    first_day = rows[rows["at"] < "2026-01-02"]
    incomplete = first_day.assign(amount=first_day["amount"].mask(first_day["id"] < 12))
    incomplete.to_parquet(settings.data / "days" / "2026-01-05.parquet")
    stopped = ratchet(environment, "validate", "tiny", "--json")
    assert stopped.returncode == 3
    assert "structure-time-in-window" in stopped.stderr
    (report,) = json.loads(stopped.stdout)
    assert report["stage"] == "raw"
    assert not all(outcome["passed"] for outcome in report["outcomes"])


def test_what_programs_read_has_the_keys_that_are_written_down(
    environment: dict[str, str], settings: Settings
) -> None:
    record_promotion(settings)
    write_days(settings.data / "days")
    (status,) = json.loads(ratchet(environment, "status", "--json").stdout)
    event, *_ = json.loads(ratchet(environment, "history", "tiny", "--json").stdout)
    show = json.loads(ratchet(environment, "show", "tiny", "5", "--json").stdout)
    report, *_ = json.loads(ratchet(environment, "validate", "tiny", "--json").stdout)
    assert list(status) == _keys("status")
    assert list(event) == _keys("history")
    assert list(show) == _keys("show")
    (checked,) = json.loads(ratchet(environment, "config", "check", "--json").stdout)
    assert list(checked) == _keys("config check")
    (verified,) = json.loads(ratchet(environment, "ledger", "verify", "--json").stdout)
    assert list(verified) == _keys("ledger verify")
    assert list(report) + list(report["outcomes"][0]) == _keys("validate")
    run = as_document(FlowRun("id", "name", "COMPLETED", "Promoted", ""), page="")
    assert list(run) == _keys("train, score, promote, watch, approve, reject, rollback, reference")


def _keys(title: str) -> list[str]:
    """The keys that docs/json.md names under a title.

    Of each row of its table the keys on the left, and on the right those "of each check".
    """
    section = JSON_PAGE.read_text().split(f"## {title}\n")[1].split("## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    outer = [key for row in rows for key in re.findall(r"`(\w+)`", row[1])]
    lists = [row[2] for row in rows if "of each check" in row[2]]
    inner = [key for text in lists for key in re.findall(r"`(\w+)`", text)]
    return outer + inner


@click.command()
@click.argument("kind")
def odd(kind: str) -> None:
    """A command that fails in a way that nobody foresaw."""
    if kind == "disk":
        raise FileNotFoundError(2, "No such file or directory", "/nowhere/rows")
    raise ValueError("no account DE89")


@pytest.fixture
def odd_command(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("deployments.commands.odd")
    monkeypatch.setattr(module, "odd", odd, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "odd", main.Entry("odd", "Fails."))


@pytest.mark.usefixtures("odd_command")
def test_an_error_that_nobody_foresaw_is_a_sentence_that_quotes_nothing(
    environment: dict[str, str],
) -> None:
    disk = ratchet(environment, "odd", "disk")
    assert (disk.returncode, disk.stderr) == (
        1,
        "ratchet: No such file or directory: /nowhere/rows\n",
    )
    unforeseen = ratchet(environment, "odd", "other")
    assert unforeseen.returncode == 1
    assert re.fullmatch(
        r"ratchet: an error that nobody foresaw: ValueError in test_commands.py:\d+. .*\n",
        unforeseen.stderr,
    )
    with pytest.raises(ValueError, match="no account DE89"):
        ratchet(environment, "--debug", "odd", "other")
