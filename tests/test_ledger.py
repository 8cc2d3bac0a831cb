"""The ledger keeps what it was given: once, in order, unchanged; in SQLite and in Postgres."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.pool import NullPool

from configs import canonical_json
from configs.errors import ConfigError, HeadMoved, LedgerDamaged, Unreachable, UsageError
from tasks.release.events import Entry, Event
from tasks.release.ledger import Ledger
from tasks.release.standing import standing
from tasks.verdict import wording
from tests.postgres import postgres_server as postgres_server

NOON = datetime(2018, 8, 8, 12, 0, 0, 123456)
DOCUMENT = {
    "model": "fraud",
    "metrics": {"average_precision": 0.658, "rows": 58264},
    "slices": [1.0, None, "é"],
}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that does not exist yet."""
    if request.param == "postgres":
        new: str = request.getfixturevalue("postgres_server").new_address()
        return new
    return f"sqlite:///{tmp_path}/home/ledger.db"


@pytest.fixture
def ledger(url: str) -> Ledger:
    return Ledger(url)


@contextmanager
def raw(url: str) -> Iterator[sa.Connection]:
    """A connection past the ledger's own code, as an operator with a SQL client has it."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def put(
    ledger: Ledger, event: Any = "requested", after: int = 0, time: Any = None, **facts: Any
) -> Event:
    entry: dict[str, Any] = {
        "model": "fraud",
        "event": event,
        "version_to": 7,
        "key": f"run:{event}:{after}",
        "who": "ana",
        "identity": "declared",
        "flow_run": "run",
        "mlflow_run": "m",
        **facts,
    }
    return ledger.append(Entry(**entry), after=after, time=time)


def put_four(ledger: Ledger) -> None:
    digest = ledger.store_document(DOCUMENT)
    put(ledger, "requested", 0, version_to=7, evidence_digest=digest)
    put(ledger, "approved", 1, version_to=7, why="better at night")
    put(ledger, "promoted", 2, version_to=7)
    put(ledger, "refused", 3, version_to=8)


def test_what_was_appended_is_read_back_exactly(ledger: Ledger) -> None:
    digest = ledger.store_document(DOCUMENT)
    fields = {
        "version_from": 5,
        "version_to": 7,
        "flow_run": "f1",
        "mlflow_run": "m1",
        "why": "ü 'quoted' \n",
        "time": NOON,
    }
    first = put(ledger, "approved", 0, evidence_digest=digest, **fields)
    second = put(ledger, "promoted", 1)
    assert ledger.events("fraud") == (first, second)
    assert {name: getattr(first, name) for name in fields} == fields
    assert (first.sequence, first.previous, second.previous) == (1, "", first.sha256)
    assert ledger.verify("fraud") == 2


def test_each_model_has_its_own_sequence(ledger: Ledger) -> None:
    put(ledger, model="trip", key="a")
    assert put(ledger, model="fraud", key="b").sequence == 1
    assert ledger.models() == ("fraud", "trip")
    assert [event.key for event in ledger.events("trip")] == ["a"]


def test_a_time_with_a_zone_is_kept_as_utc(ledger: Ledger) -> None:
    paris = NOON.replace(tzinfo=timezone(timedelta(hours=2)))
    assert put(ledger, time=paris).time == NOON - timedelta(hours=2)


def test_without_a_time_it_is_now_in_utc(ledger: Ledger) -> None:
    before = datetime.now(timezone.utc).replace(tzinfo=None)  # noqa: UP017
    assert before <= put(ledger).time <= before + timedelta(minutes=1)


def test_a_decision_on_what_is_no_longer_the_head_is_refused_and_told_what_came_between(
    ledger: Ledger,
) -> None:
    put_four(ledger)
    with pytest.raises(
        HeadMoved,
        match=r"since row 2 \(row 3: fraud 7 became the champion, by ana .* row 4: fraud 8",
    ):
        put(ledger, "promoted", 2, key="another")
    assert len(ledger.events("fraud")) == 4


@pytest.mark.parametrize("after", [3, -1])
def test_a_decision_on_a_row_that_is_not_there_is_refused(ledger: Ledger, after: int) -> None:
    with pytest.raises(HeadMoved, match=f"has no row {after}"):
        put(ledger, after=after)
    assert ledger.events("fraud") == ()


def test_the_same_key_is_appended_once_whatever_else_the_second_call_says(ledger: Ledger) -> None:
    first = put(ledger, key="run:requested", why="first")
    assert put(ledger, key="run:requested", after=1, why="again") == first
    assert put(ledger, key="run:requested", after=9) == first
    assert ledger.events("fraud") == (first,)


@pytest.mark.parametrize("other", [{"event": "promoted"}, {"model": "trip"}])
def test_a_key_never_answers_for_another_event_or_model(
    ledger: Ledger, other: dict[str, str]
) -> None:
    put(ledger, key="k")
    with pytest.raises(UsageError, match="'k' belongs to 'requested' of fraud"):
        put(ledger, key="k", after=1, **other)


def test_evidence_comes_back_as_it_was_stored(ledger: Ledger) -> None:
    digest = ledger.store_document(DOCUMENT)
    assert ledger.document(digest) == DOCUMENT
    assert ledger.store_document(dict(reversed(DOCUMENT.items()))) == digest
    assert digest == canonical_json.sha256(
        '{"metrics":{"average_precision":0.658,"rows":58264},"model":"fraud","slices":[1,null,"é"]}'
    )


def test_evidence_that_is_not_there_cannot_be_read_nor_cited(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="no evidence 'abc'"):
        ledger.document("abc")
    with pytest.raises(UsageError, match="no evidence 'abc'; store it before"):
        put(ledger, evidence_digest="abc")
    assert ledger.events("fraud") == ()


@pytest.mark.parametrize(
    ("document", "culprit"),
    [
        ({"metrics": {"cost": float("nan")}}, "metrics.cost cannot be recorded: nan"),
        (
            {"slices": [{"low": 1.0}, {"low": float("-inf")}]},
            r"slices\[1\].low cannot be recorded: -inf",
        ),
        ({"rows": 2**53}, "rows cannot be recorded: 9007199254740992"),
        ({"at": NOON}, "at cannot be recorded: unsupported type"),
        ({1: 2}, "this cannot be recorded: object keys must be strings"),
    ],
)
def test_evidence_that_has_no_json_is_refused_by_the_place_of_the_culprit(
    tmp_path: Path, document: Any, culprit: str
) -> None:
    with pytest.raises(UsageError, match=culprit):
        Ledger(f"sqlite:///{tmp_path}/ledger.db").store_document(document)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_a_document_read_back_is_equal_and_has_the_same_digest(document: dict[str, Any]) -> None:
    text = canonical_json.write(document)
    assert canonical_json.read(text) == document
    assert canonical_json.write(canonical_json.read(text)) == text


CHANGES = [
    "UPDATE ledger SET who = 'eve'",
    "DELETE FROM ledger",
    "UPDATE evidence SET text = '{}'",
    "DELETE FROM evidence",
]
REPLACEMENTS = {
    "sqlite": [
        "INSERT OR REPLACE INTO ledger SELECT model, sequence, time, event, version_from, "
        "version_to, 'eve', identity, why, flow_run, mlflow_run, evidence, 'new', text, sha256, "
        "previous FROM ledger WHERE sequence = 2",
        "INSERT OR REPLACE INTO ledger SELECT model, 9, time, event, version_from, "
        "version_to, 'eve', identity, why, flow_run, mlflow_run, evidence, \"key\", text, sha256, "
        "previous FROM ledger WHERE sequence = 2",
        "INSERT OR REPLACE INTO evidence SELECT sha256, '{}' FROM evidence",
    ],
    "postgresql": ["TRUNCATE ledger", "TRUNCATE evidence"],
}


def test_the_database_itself_refuses_to_change_or_delete_a_row(ledger: Ledger, url: str) -> None:
    put_four(ledger)
    before = ledger.events("fraud")
    for statement in CHANGES + REPLACEMENTS[url.partition(":")[0]]:
        with (
            pytest.raises(sa.exc.DBAPIError, match="is appended to and never changed"),
            raw(url) as connection,
        ):
            connection.execute(sa.text(statement))
    assert ledger.events("fraud") == before
    assert ledger.document(before[0].evidence_digest or "") == DOCUMENT


@pytest.mark.parametrize("taken", ["'fraud', 2, 'new'", "'trip', 1, \"key\""])
def test_the_database_itself_has_each_sequence_and_each_key_once(
    ledger: Ledger, url: str, taken: str
) -> None:
    put_four(ledger)
    columns = "time, event, who, identity, why, text, sha256, previous"
    into = f'INSERT INTO ledger (model, sequence, "key", {columns})'
    second = f"{into} SELECT {taken}, {columns} FROM ledger"
    with pytest.raises(sa.exc.IntegrityError), raw(url) as connection:
        connection.execute(sa.text(f"{second} WHERE sequence = 2"))


@contextmanager
def tampering(url: str) -> Iterator[sa.Connection]:
    """A connection of somebody who has taken the database's own guards away first."""
    with raw(url) as connection:
        if url.startswith("sqlite"):
            for name in (
                connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
                .scalars()
                .all()
            ):
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(sa.text("ALTER TABLE ledger DISABLE TRIGGER ALL"))
            connection.execute(sa.text("ALTER TABLE evidence DISABLE TRIGGER ALL"))
        yield connection


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE ledger SET text = replace(text, 'ana', 'eve') WHERE sequence = 2",
            "row 2 of the ledger has a text",
        ),
        ("UPDATE ledger SET sha256 = 'abc' WHERE sequence = 4", "row 4 of the ledger has a text"),
        ("UPDATE ledger SET who = 'eve' WHERE sequence = 2", "row 2 of the ledger has columns"),
        ("UPDATE ledger SET version_to = 6 WHERE sequence = 3", "row 3 of the ledger has columns"),
        (
            "UPDATE ledger SET time = '2018-01-01T00:00:00.000000Z' WHERE sequence = 1",
            "row 1 of the ledger has columns",
        ),
        ("UPDATE ledger SET previous = '' WHERE sequence = 3", "row 3 of the ledger has columns"),
        (
            "DELETE FROM ledger WHERE sequence = 1",
            "row 1 of the ledger is missing: row 2 follows row 0",
        ),
        (
            "DELETE FROM ledger WHERE sequence = 2",
            "row 2 of the ledger is missing: row 3 follows row 1",
        ),
        (
            "UPDATE ledger SET sequence = 5 WHERE sequence = 3",
            "row 3 of the ledger is missing: row 4 follows row 2",
        ),
        ("UPDATE evidence SET text = '{}'", "row 1 of the ledger rests on evidence"),
        ("DELETE FROM evidence", "row 1 of the ledger rests on evidence"),
    ],
)
def test_tampering_is_found_and_its_row_named(
    ledger: Ledger, url: str, statement: str, found: str
) -> None:
    put_four(ledger)
    assert ledger.verify("fraud") == 4
    with tampering(url) as connection:
        connection.execute(sa.text(statement))
    with pytest.raises(LedgerDamaged, match=found):
        ledger.verify("fraud")


def test_a_row_written_anew_with_its_own_hash_is_found_by_the_row_after_it(
    ledger: Ledger, url: str
) -> None:
    put_four(ledger)
    with tampering(url) as connection:
        row = (
            connection.execute(sa.text("SELECT text FROM ledger WHERE sequence = 2"))
            .scalar_one()
            .replace("ana", "eve")
        )
        forged = {"text": row, "sha256": canonical_json.sha256(row)}
        statement = (
            "UPDATE ledger SET who = 'eve', text = :text, sha256 = :sha256 WHERE sequence = 2"
        )
        connection.execute(sa.text(statement), forged)
    with pytest.raises(LedgerDamaged, match="row 3 of the ledger does not follow from row 2"):
        ledger.verify("fraud")


def test_changed_evidence_is_not_handed_out(ledger: Ledger, url: str) -> None:
    digest = ledger.store_document(DOCUMENT)
    with tampering(url) as connection:
        connection.execute(sa.text("UPDATE evidence SET text = '{}'"))
    with pytest.raises(LedgerDamaged, match=f"evidence {digest[:12]} has changed"):
        ledger.document(digest)


def test_asking_a_ledger_that_does_not_exist_makes_nothing(
    ledger: Ledger, url: str, tmp_path: Path
) -> None:
    assert (ledger.events("fraud"), ledger.models(), ledger.verify("fraud")) == ((), (), 0)
    with pytest.raises(UsageError):
        ledger.document("abc")
    assert list(tmp_path.iterdir()) == []
    if url.startswith("postgres"):
        with raw(url) as connection:
            assert sa.inspect(connection).get_table_names() == []


def test_a_ledger_is_found_again(url: str) -> None:
    first = put(Ledger(url))
    second = put(Ledger(url), "approved", 1)
    assert Ledger(url).events("fraud") == (first, second)


Race = Callable[[list[dict[str, Any]]], list[str]]
RACERS = """
import json, sys
from multiprocessing import get_context
# imported once, not by each of the eight
import psycopg, sqlalchemy.dialects.postgresql.psycopg
from configs.errors import RatchetError
from tasks.release.events import Entry
from tasks.release.ledger import Ledger

fork = get_context("fork")
at_once = fork.Barrier(8)

def append(call):
    url, after = call.pop("url"), call.pop("after")
    at_once.wait()
    try:
        return str(Ledger(url).append(Entry(**call), after=after).sequence)
    except RatchetError as error:
        return type(error).__name__

with fork.Pool(8) as racers:
    for line in sys.stdin:
        print(json.dumps(racers.map(append, json.loads(line), chunksize=1)), flush=True)
"""


@pytest.fixture(scope="module")
def race() -> Iterator[Race]:
    """Eight processes append at once; the answer of each is a sequence or an error's name."""
    facts = {
        "model": "fraud",
        "event": "requested",
        "who": "ana",
        "identity": "declared",
        "version_to": 7,
        "flow_run": "f",
        "mlflow_run": "m",
    }
    with subprocess.Popen(
        [sys.executable, "-c", RACERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as racers:

        def run(calls: list[dict[str, Any]]) -> list[str]:
            assert racers.stdin
            assert racers.stdout
            racers.stdin.write(json.dumps([facts | call for call in calls]) + "\n")
            racers.stdin.flush()
            answers: list[str] = json.loads(racers.stdout.readline())
            return answers

        yield run


def test_of_eight_processes_one_wins_each_sequence(race: Race, url: str) -> None:
    for after in range(5):
        answers = race(
            [{"url": url, "after": after, "key": f"{racer}:{after}"} for racer in range(8)]
        )
        assert sorted(answers) == [str(after + 1)] + ["HeadMoved"] * 7
    assert Ledger(url).verify("fraud") == 5


def test_of_eight_processes_with_one_key_all_get_the_one_row(race: Race, url: str) -> None:
    for after in range(5):
        assert (
            race([{"url": url, "after": after, "key": f"key {after}"}] * 8) == [str(after + 1)] * 8
        )
    assert Ledger(url).verify("fraud") == 5


def test_eight_processes_make_the_same_new_ledger_without_harm(race: Race, url: str) -> None:
    assert (
        race(
            [
                {"url": url, "model": f"m{racer}", "after": 0, "key": str(racer)}
                for racer in range(8)
            ]
        )
        == ["1"] * 8
    )
    assert Ledger(url).models() == tuple(f"m{racer}" for racer in range(8))


WRITER = """
import sys
from tasks.release.events import Entry
from tasks.release.ledger import Ledger
ledger = Ledger(sys.argv[1])
facts = {"version_to": 7, "who": "ana", "identity": "declared", "flow_run": "f", "mlflow_run": "m"}
for after in range(1_000_000):
    entry = Entry(model="fraud", event="requested", key=str(after), **facts)
    print(ledger.append(entry, after=after).sha256, flush=True)
"""


def test_what_append_returned_is_there_after_kill_9_and_whole(ledger: Ledger, url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        returned = [writer.stdout.readline().strip() for _ in range(20)]
        writer.kill()
    assert [event.sha256 for event in ledger.events("fraud")][:20] == returned
    rows = ledger.verify("fraud")
    assert put(ledger, "approved", rows).sequence == rows + 1


LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE ledger"}
IMPATIENT = {"sqlite": "?timeout=0.05", "postgresql": "?options=-c%20lock_timeout=50"}


def test_a_ledger_that_another_writer_holds_for_too_long_is_unreachable_and_worth_a_retry(
    ledger: Ledger, url: str
) -> None:
    put(ledger)
    backend = url.partition(":")[0]
    with raw(url) as connection:
        connection.execute(sa.text(LOCKS[backend]))
        with pytest.raises(Unreachable, match=r"does not answer: .*lock") as caught:
            put(Ledger(url + IMPATIENT[backend]), "approved", 1)
    assert caught.value.retryable
    assert put(ledger, "approved", 1).sequence == 2


def test_a_dead_server_is_unreachable_and_its_password_stays_secret() -> None:
    with pytest.raises(Unreachable, match="does not answer: connection failed") as caught:
        Ledger("postgresql://ratchet:geheim@127.0.0.1:1/ledger").models()
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_ledger_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text(
        "not a database, but longer than the header of one would have to be" * 9
    )
    with pytest.raises(LedgerDamaged, match="file is not a database"):
        Ledger(f"sqlite:///{tmp_path}/ledger.db").models()


def test_a_folder_that_cannot_be_made_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(Unreachable, match="home cannot be created: "):
        put(Ledger(f"sqlite:///{tmp_path}/home/ledger.db"))


def test_a_relative_file_stays_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger("sqlite:///ledger.db")
    put(ledger)
    monkeypatch.chdir("/")
    assert len(ledger.events("fraud")) == 1


def test_a_nul_that_postgres_cannot_hold_is_no_reason_to_retry(url: str) -> None:
    if url.startswith("sqlite"):
        assert put(Ledger(url), why="a\0b").why == "a\0b"
    else:
        with pytest.raises(UsageError, match=r"cannot hold this: .*NUL"):
            put(Ledger(url), why="a\0b")


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("ledger.db", "is not a database URL"),
        ("mysql://somewhere/ledger", "names mysql"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:ledger.db?uri=true", "names no file"),
    ],
)
def test_an_address_where_no_ledger_can_be_kept_is_refused(address: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"RATCHET_LEDGER {complaint}"):
        Ledger(address)


def test_without_its_driver_a_ledger_in_postgres_says_what_to_install() -> None:
    program = """
import sys
sys.modules["psycopg"] = None
from tasks.release.ledger import Ledger
Ledger("postgresql://somewhere/ledger")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (
        "ConfigError: a ledger in Postgres needs its driver: uv sync --extra postgres"
        in done.stderr
    )


def test_reading_the_ledger_imports_nothing_heavy() -> None:
    program = "import sys, tasks.release.ledger, tasks.release.standing; print(*sys.modules)"
    modules = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    assert "tasks.release.ledger" in modules
    assert not modules & {
        "prefect",
        "mlflow",
        "great_expectations",
        "sklearn",
        "pandas",
        "numpy",
        "psycopg",
    }


def test_an_event_can_be_read_aloud(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    promoted = put(
        ledger,
        "promoted",
        0,
        version_from=4,
        version_to=5,
        who="lead",
        why="+2 points at night",
        time=NOON,
    )
    assert str(promoted) == (
        "fraud 5 became the champion in place of 4, by lead (declared), 2018-08-08 12:00 UTC: "
        "+2 points at night"
    )
    approved = put(ledger, "approved", 1, version_from=4, version_to=5, time=NOON)
    assert str(approved) == "fraud 5 was approved, by ana (declared), 2018-08-08 12:00 UTC"


def test_a_ledger_of_an_early_release_is_verified_read_and_shown(tmp_path: Path) -> None:
    """Its evidence was written before evidence had a type, by the demo of that day."""
    dump = Path(__file__).with_name("ledger_of_an_early_demo.sql").read_text()
    database = sqlite3.connect(tmp_path / "ledger.db")
    database.executescript(dump)
    database.close()
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    events = ledger.events("fraud_detector")
    assert ledger.verify("fraud_detector") == len(events) == 9
    assert standing("fraud_detector", events).champion_version == 2
    judged = {event.version_to: event for event in events if event.evidence_digest}
    outcomes = {
        version: ledger.evidence_of(event).verdict.outcome for version, event in judged.items()
    }
    assert outcomes == {1: "PASS", 2: "PASS", 3: "FAIL", 4: "PASS"}
    for event in judged.values():
        assert wording.markdown(ledger.evidence_of(event)).startswith("**fraud_detector ")
