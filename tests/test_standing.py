"""The standing that follows from the events, over all legal histories and in the subtle cases."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.release.events import Event
from tasks.release.standing import champion_on, ending, standing

START = datetime(2018, 8, 1)
ANSWERS = ["approved", "answer_invalid"]  # to the pending request, which stays open
ENDS = ["rejected", "stale", "expired", "withdrawn", "promoted"]  # of the pending request

CORRECTIONS = ["rolled_back", "reference_set"]  # by a person, whatever waits
CHANGES = ["promoted", "rolled_back"]  # of the champion


def event(sequence: int, name: Any, version: int, flow_run: str = "f", **fields: Any) -> Event:
    about = {
        "who": "ana",
        "identity": "declared",
        "why": "",
        "mlflow_run": "m",
        "evidence_digest": None,
        "version_from": None,
    }
    fields = {
        **about,
        "time": START + timedelta(hours=sequence),
        "key": f"{flow_run}:{name}",
        **fields,
    }
    return Event(
        model="fraud",
        sequence=sequence,
        event=name,
        version_to=version,
        flow_run=flow_run,
        sha256="",
        previous="",
        **fields,
    )


def promotions(*versions: int) -> list[Event]:
    return [
        event(number, "promoted", version, f"f{number}")
        for number, version in enumerate(versions, start=1)
    ]


@dataclass
class History:
    """Events as promotions write them, with what is known while they are written."""

    events: list[Event] = field(default_factory=list)
    pending: Event | None = None
    ended: dict[str, Event] = field(default_factory=dict)

    def add(self, name: str, version: int) -> None:
        sequence = len(self.events) + 1
        if self.pending and name in ANSWERS + ENDS:
            added = event(sequence, name, self.pending.version_to, self.pending.flow_run)
        else:
            added = event(sequence, name, version, f"flow {sequence}")
        self.events.append(added)
        if name == "requested":
            self.pending = added
        elif name not in [*ANSWERS, *CORRECTIONS]:
            self.ended[added.flow_run] = added
            self.pending = None if name in ENDS else self.pending


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    for version in draw(st.lists(st.integers(1, 4), max_size=30)):
        legal = (
            ["promoted", *ENDS, *ANSWERS, "deferred", "refused"]
            if history.pending
            else ["requested", "refused"]
        )
        now = standing("fraud", history.events)
        if version in now.former:
            legal += CORRECTIONS
        history.add(draw(st.sampled_from(legal)), version)
    return history


@given(histories())
def test_the_pending_request_is_the_one_that_nothing_has_ended(history: History) -> None:
    assert standing("fraud", history.events).pending == history.pending


@given(histories())
def test_a_flow_run_has_ended_with_the_event_that_ended_it_or_not_at_all(history: History) -> None:
    for flow_run in {e.flow_run for e in history.events}:
        assert ending(history.events, flow_run) == history.ended.get(flow_run)


@given(histories())
def test_there_is_one_champion_and_every_other_that_was_is_a_former_one(history: History) -> None:
    now = standing("fraud", history.events)
    changes = [e for e in history.events if e.event in CHANGES]
    assert now.champion == (changes[-1] if changes else None)
    champion = [now.champion.version_to] if now.champion else []
    assert sorted(str(v) for v in (*now.former, *champion)) == sorted(
        {str(e.version_to) for e in changes}
    )


@given(histories())
def test_a_promotion_undone_leaves_the_champion_the_way_back_and_the_reference_that_there_were(
    history: History,
) -> None:
    before = standing("fraud", history.events)
    if before.champion:
        back, start = before.champion.version_to, len(history.events)
        later = [
            (start + 1, "promoted", 9),
            (start + 2, "reference_set", 9),
            (start + 3, "rolled_back", back),
        ]
        now = standing(
            "fraud", [*history.events, *(event(*each, flow_run=f"f{each[0]}") for each in later)]
        )
        assert (now.champion and now.champion.version_to, now.previous) == (back, before.previous)
        assert now.reference == before.reference
        assert set(now.former) == {*before.former, 9}


@given(histories())
def test_a_reference_there_is_from_the_first_champion_on_and_it_was_one(history: History) -> None:
    now = standing("fraud", history.events)
    champions = {e.version_to for e in history.events if e.event in CHANGES}
    assert (now.reference in champions) if champions else (now.reference is None)


def test_two_rollbacks_go_back_two_champions_and_one_that_was_left_behind_may_come_again() -> None:
    back = [
        event(4, "rolled_back", 8, "a"),
        event(5, "rolled_back", 7, "b"),
        event(6, "rolled_back", 9, "c"),
    ]
    events = [*promotions(7, 8, 9), *back]
    assert [standing("fraud", events[:count]).previous for count in (3, 4, 5, 6)] == [8, 7, None, 7]
    assert [standing("fraud", events[:count]).former for count in (4, 5, 6)] == [
        (9, 7),
        (9, 8),
        (8, 7),
    ]


def test_a_reference_that_a_rollback_leaves_behind_counts_no_longer_and_another_does() -> None:
    set_to_9 = [*promotions(7, 8, 9), event(4, "reference_set", 9, "a")]
    assert standing("fraud", [*set_to_9, event(5, "rolled_back", 8, "b")]).reference == 7
    assert (
        standing(
            "fraud", [*set_to_9, event(5, "promoted", 10, "b"), event(6, "rolled_back", 9, "c")]
        ).reference
        == 9
    )
    moved = [
        *promotions(7, 8, 9),
        event(4, "reference_set", 8, "a"),
        event(5, "rolled_back", 8, "b"),
    ]
    assert standing("fraud", moved).reference == 8


@given(histories())
def test_at_each_instant_the_champion_is_the_one_of_the_standing_then(history: History) -> None:
    for count, last in enumerate(history.events, start=1):
        assert (
            champion_on(history.events, last.time)
            == standing("fraud", history.events[:count]).champion
        )


@given(histories())
def test_a_version_is_deferred_once_until_something_else_happens_to_it_or_another_is_promoted(
    history: History,
) -> None:
    deferred = standing("fraud", history.events).deferred
    promoted = max((e.sequence for e in history.events if e.event in CHANGES), default=0)
    last = {e.version_to: e.event for e in history.events if e.sequence > promoted}
    assert {e.version_to for e in deferred} == {
        version for version, name in last.items() if name == "deferred"
    }
    assert len({e.version_to for e in deferred}) == len(deferred)
    assert list(deferred) == sorted(deferred, key=lambda e: e.sequence)


@given(histories())
def test_the_head_is_the_last_sequence(history: History) -> None:
    assert standing("fraud", history.events).head == len(history.events)


def test_nothing_on_record_is_a_standing_too() -> None:
    now = standing("fraud", [])
    assert (now.head, now.champion, now.former, now.pending, now.deferred) == (
        0,
        None,
        (),
        None,
        (),
    )
    assert str(now) == "fraud: has no champion"


def test_a_champion_that_came_back_is_no_former_one_and_the_last_former_is_the_one_before_it() -> (
    None
):
    assert standing("fraud", promotions(7, 8, 9)).former == (7, 8)
    assert standing("fraud", promotions(7, 8, 7)).former == (8,)
    assert standing("fraud", promotions(7, 8, 7, 9)).former == (8, 7)
    assert standing("fraud", promotions(7, 7)).former == ()


def test_a_yes_or_an_invalid_answer_leaves_the_request_open() -> None:
    asked = event(1, "requested", 7)
    assert (
        standing("fraud", [asked, event(2, "answer_invalid", 7), event(3, "approved", 7)]).pending
        == asked
    )


def test_another_flow_runs_end_leaves_the_request_open() -> None:
    asked = event(1, "requested", 7, "f1")
    others = [
        event(2, "promoted", 8, "f2"),
        event(3, "refused", 7, "f3"),
        event(4, "deferred", 7, "f4"),
    ]
    assert standing("fraud", [asked, *others]).pending == asked


def test_a_request_after_one_that_ended_is_pending() -> None:
    again = event(3, "requested", 7, "f2")
    assert (
        standing(
            "fraud", [event(1, "requested", 7, "f1"), event(2, "expired", 7, "f1"), again]
        ).pending
        == again
    )


def test_a_version_deferred_twice_keeps_its_place() -> None:
    events = [
        event(1, "deferred", 8, "f1"),
        event(2, "deferred", 9, "f2"),
        event(3, "deferred", 8, "f3"),
    ]
    assert [e.sequence for e in standing("fraud", events).deferred] == [1, 2]


def test_before_the_first_promotion_there_was_no_champion_and_from_its_instant_on_there_was() -> (
    None
):
    first = event(1, "promoted", 7)
    assert champion_on([first], first.time - timedelta(microseconds=1)) is None
    assert champion_on([first], first.time) == first


def test_when_clocks_disagree_the_later_row_counts() -> None:
    first = event(1, "promoted", 7, time=START + timedelta(seconds=5))
    second = event(2, "promoted", 8, "f2", time=START)
    assert (
        champion_on([first, second], START + timedelta(seconds=9))
        == second
        == standing("fraud", [first, second]).champion
    )


def test_a_standing_can_be_read_aloud() -> None:
    events = [
        *promotions(5),
        event(2, "requested", 7, "a"),
        event(3, "deferred", 8, "b"),
        event(4, "deferred", 9, "c"),
    ]
    assert str(standing("fraud", events)) == (
        "fraud: version 5 is the champion, version 7 waits for an answer, deferred: 8, 9"
    )
