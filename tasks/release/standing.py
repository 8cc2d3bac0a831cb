"""Where a model stands: its champion, former champions, reference and requests.

All of it follows from the ledger's events. Pure: the same events give the same standing.
Not here: the events themselves (events.py), what is done about them (promotion_request.py,
promotion_answer.py), what MLflow shows of it (projection.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.release.events import Event, EventName


@dataclass(frozen=True)
class Standing:
    """What holds after the last event."""

    model: str
    # all that happened, oldest first
    events: tuple[Event, ...]
    # the event that made the version in production the champion
    champion: Event | None
    # versions that were champion and are not: first those that a rollback left behind, each by its
    # last reign
    former: tuple[int, ...]
    # the champion before this one, to which a rollback returns; two rollbacks go back two champions
    previous: int | None
    # the champion that later candidates are also compared with: the first, until another is set
    reference: int | None
    # the request that waits for an answer
    pending: Event | None
    # since the champion last changed: deferred versions about which nothing else has happened
    deferred: tuple[Event, ...]

    @property
    def head(self) -> int:
        """The sequence of the last event, 0 when there is none."""
        return self.events[-1].sequence if self.events else 0

    @property
    def champion_version(self) -> int | None:
        return self.champion.version_to if self.champion else None

    def ending_of(self, flow_run: str) -> Event | None:
        """The event with which that flow run's promotion ended, or None while it can go on."""
        return ending(self.events, flow_run)

    def event_of(self, flow_run: str, name: EventName) -> Event | None:
        """That flow run's first event of a name, or None."""
        return next(
            (e for e in self.events if e.flow_run == flow_run and e.event == name),
            None,
        )

    def __str__(self) -> str:
        champion = "has no champion"
        if self.champion:
            champion = f"version {self.champion.version_to} is the champion"
        pending, deferred = "", ""
        if self.pending:
            pending = f", version {self.pending.version_to} waits for an answer"
        if self.deferred:
            deferred = f", deferred: {', '.join(str(e.version_to) for e in self.deferred)}"
        return f"{self.model}: {champion}{pending}{deferred}"


def standing(model: str, events: Iterable[Event]) -> Standing:
    """The standing of a model after all its events, given oldest first."""
    events = tuple(events)
    changes = [event for event in events if event.kind.changes_champion]
    reigns = _reigns(events)
    return Standing(
        model=model,
        events=events,
        champion=changes[-1] if changes else None,
        former=(*reigns.left_behind, *reigns.line[:-1]),
        previous=reigns.line[-2] if reigns.line[1:] else None,
        reference=reigns.references[-1] if reigns.references else None,
        pending=_pending(events),
        deferred=_deferred(events),
    )


def ending(events: Iterable[Event], flow_run: str) -> Event | None:
    """The event with which the promotion of that flow run ended, or None while it can go on."""
    return next((e for e in events if e.flow_run == flow_run and e.kind.ends_promotion), None)


def champion_on(events: Iterable[Event], instant: datetime) -> Event | None:
    """The event that made the champion of that instant (UTC), or None if there was none."""
    changes = (e for e in events if e.kind.changes_champion and e.time <= instant)
    return max(changes, key=lambda event: event.sequence, default=None)


@dataclass(frozen=True)
class _Reigns:
    """The champions so far: those that rollbacks left behind, and the line that leads to today's.

    `references` are those that still count: one that a rollback leaves behind does not.
    """

    left_behind: list[int]
    line: list[int]
    references: list[int]


def _reigns(events: Sequence[Event]) -> _Reigns:
    left_behind: list[int] = []
    line: list[int] = []
    references: list[int] = []
    for event in events:
        version = event.version_to
        if event.event == "reference_set":
            references.append(version)
        elif event.event == "rolled_back" and version in line:
            place = line.index(version) + 1
            skipped, line = line[place:], line[:place]
            left_behind += skipped
            references = [number for number in references if number not in skipped] or [version]
        elif event.kind.changes_champion:
            left_behind = [number for number in left_behind if number != version]
            line = [*(number for number in line if number != version), version]
            references = references or [version]
    return _Reigns(left_behind, line, references)


def _pending(events: Sequence[Event]) -> Event | None:
    pending: Event | None = None
    for event in events:
        if event.event == "requested":
            pending = event
        elif pending and event.flow_run == pending.flow_run and event.kind.ends_promotion:
            pending = None
    return pending


def _deferred(events: Sequence[Event]) -> tuple[Event, ...]:
    waiting: dict[int, Event] = {}
    for event in events:
        if event.kind.changes_champion:
            # they were deferred behind another champion: whoever wants one of them requests it anew
            waiting.clear()
        elif event.event == "deferred":
            # deferred again, it keeps its place
            waiting.setdefault(event.version_to, event)
        else:
            waiting.pop(event.version_to, None)
    return tuple(waiting.values())
