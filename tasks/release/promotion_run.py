"""What one promotion, rollback or change of reference works with: the ledger, the registry, and whose flow run it is.

Not here: what is decided (promotion_request.py, promotion_answer.py, rollback.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mlflow import MlflowClient

from configs.errors import HeadMoved, ModelRejected
from configs.model import ModelConfig
from tasks.records import RegisteredVersion, Role
from tasks.release.ledger import Event, Ledger
from tasks.release.standing import Standing, ending, standing
from tasks.tracking import model_files, versions

E = TypeVar("E", bound="Event | None")


GATE = "gate"  # who refuses, when no person does


@dataclass(frozen=True)
class PromotionRun:
    """What one promotion works with: the ledger, the registry, and whose flow run it is."""

    ledger: Ledger
    client: MlflowClient
    config: ModelConfig
    version: int
    flow_run: str
    mlflow_run: str

    def standing(self) -> Standing:
        return standing(self.config.name, self.ledger.events(self.config.name))

    def own(self, event: str) -> Event | None:
        """This flow run's event of that name, if there is one."""
        found = (
            e
            for e in self.ledger.events(self.config.name)
            if e.flow_run == self.flow_run and e.event == event
        )
        return next(found, None)

    def count(self, event: str) -> int:
        return sum(
            e.flow_run == self.flow_run and e.event == event
            for e in self.ledger.events(self.config.name)
        )

    def ended(self) -> Event | None:
        return ending(self.ledger.events(self.config.name), self.flow_run)

    def append(
        self, event: Any, now: Standing, *, who: str, why: str, after: int = 0, **facts: Any
    ) -> Event:
        """One event of this promotion, once, decided on what stood in `now`, or on this run's own later event `after`.

        Its key is this flow run and the event's name, unless `key` says otherwise.
        """
        facts.setdefault("key", f"{self.flow_run}:{event}")
        facts.setdefault("version_to", self.version)
        facts.setdefault("flow_run", self.flow_run)
        return self.ledger.append(
            self.config.name, event, after=max(now.head, after), who=who, identity="declared", why=why, mlflow_run=self.mlflow_run,
            version_from=now.champion.version_to if now.champion else None, **facts,
        )  # fmt: skip


def decided_anew(decide: Callable[[], E]) -> E:
    """What `decide` returns once nobody appends between its reading and its own append."""
    while True:
        try:
            return decide()
        except HeadMoved:
            continue


def compared_with(run: PromotionRun) -> dict[Role, int | None]:
    """The versions that a verdict is about, as it stands now."""
    now = run.standing()
    champion = now.champion.version_to if now.champion else None
    return {"candidate": run.version, "champion": champion, "reference": now.reference}


def compared_versions(run: PromotionRun) -> dict[Role, RegisteredVersion]:
    return versions.read_versions(run.client, run.config.name, compared_with(run))


def damage_of(run: PromotionRun, version: RegisteredVersion) -> str | None:
    """What is wrong with the model's files, in words: not those that were judged, or not loadable."""
    try:
        model_files.verify(run.client, version.address, version.sha256, model_files.load)
    except ModelRejected as error:
        return str(error)
    return None
