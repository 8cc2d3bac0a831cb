"""Where a model stands, as it follows from the ledger's events: champion, former champions, who waits, who waits behind.

Pure: the same events give the same standing. Not here: the events themselves (ledger.py), what is done about them
(promotion.py), what MLflow shows of it (projection.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.release.ledger import Event

CHAMPION_CHANGES = frozenset({"promoted", "rolled_back"})
ENDINGS = frozenset(
    {"promoted", "refused", "rejected", "stale", "expired", "deferred", "withdrawn"}
)


@dataclass(frozen=True)
class Standing:
    """What is so after the last event. `head` is its sequence, 0 when there is none."""

    model: str
    head: int
    champion: Event | None  # the event that made the version in production the champion
    former: tuple[
        int, ...
    ]  # versions that were champion and are not: first those that a rollback left behind, each by its last reign
    previous: (
        int | None
    )  # the champion before this one, whom a rollback makes it again; two rollbacks go back two champions
    reference: (
        int | None
    )  # the champion below which no later one may creep: the first, until another is set
    pending: Event | None  # the request that waits for an answer
    deferred: tuple[
        Event, ...
    ]  # since the last promotion: versions put off that nothing has been heard of since, as they came

    def __str__(self) -> str:
        champion = (
            f"version {self.champion.version_to} is the champion"
            if self.champion
            else "has no champion"
        )
        pending = f", version {self.pending.version_to} waits for an answer" if self.pending else ""
        behind = ", ".join(str(event.version_to) for event in self.deferred)
        return f"{self.model}: {champion}{pending}{f', behind it {behind}' if behind else ''}"


def standing(model: str, events: Iterable[Event]) -> Standing:
    """The standing of a model after all its events, given oldest first."""
    events = tuple(events)
    changes = [event for event in events if event.event in CHAMPION_CHANGES]
    left, line, marks = _reigns(events)
    return Standing(
        model=model,
        head=events[-1].sequence if events else 0,
        champion=changes[-1] if changes else None,
        former=(*left, *line[:-1]),
        previous=line[-2] if line[1:] else None,
        reference=marks[-1] if marks else None,
        pending=_pending(events),
        deferred=_deferred(events),
    )


def ending(events: Iterable[Event], flow_run: str) -> Event | None:
    """The event with which the promotion of that flow run ended, or None while it can go on."""
    return next(
        (event for event in events if event.flow_run == flow_run and event.event in ENDINGS), None
    )


def champion_on(events: Iterable[Event], instant: datetime) -> Event | None:
    """The event by which the champion of that instant (UTC) had come into production, or None if there was none."""
    changes = (
        event for event in events if event.event in CHAMPION_CHANGES and event.time <= instant
    )
    return max(changes, key=lambda event: event.sequence, default=None)


def _reigns(events: Sequence[Event]) -> tuple[list[int], list[int], list[int]]:
    """The versions that rollbacks left behind, the line of champions that leads to today's, and the references that still count.

    A reference that a rollback leaves behind counts no longer: the one before it does.
    """
    left: list[int] = []
    line: list[int] = []
    marks: list[int] = []
    for event in events:
        version = event.version_to or 0
        if event.event == "reference_set":
            marks.append(version)
        elif event.event == "rolled_back" and version in line:
            after = line.index(version) + 1
            behind, line = line[after:], line[:after]
            left += behind
            marks = [mark for mark in marks if mark not in behind] or [version]
        elif event.event in CHAMPION_CHANGES:
            left, line = (
                [kept for kept in versions if kept != version] for versions in (left, line)
            )
            line.append(version)
            marks = marks or [version]
    return left, line, marks


def _pending(events: Sequence[Event]) -> Event | None:
    pending = None
    for event in events:
        if event.event == "requested":
            pending = event
        elif pending and event.flow_run == pending.flow_run and event.event in ENDINGS:
            pending = None
    return pending


def _deferred(events: Sequence[Event]) -> tuple[Event, ...]:
    waiting: dict[int | None, Event] = {}
    for event in events:
        if event.event in CHAMPION_CHANGES:
            waiting.clear()  # they were put off behind another champion: who wants one of them asks anew
        elif event.event == "deferred":
            waiting.setdefault(event.version_to, event)  # put off again, it keeps its place
        else:
            waiting.pop(event.version_to, None)
    return tuple(waiting.values())
