"""What a promotion, a rollback or a change of reference works with, and how it appends its events.

Not here: what is decided (promotion_request.py, promotion_answer.py, rollback.py, reference.py).
"""

from dataclasses import dataclass
from typing import Self

from mlflow import MlflowClient
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from configs.errors import HeadMoved, ModelRejected
from configs.model import ModelConfig
from tasks.records import RegisteredVersion, Role, VersionNumbers
from tasks.release.events import Entry, Event, EventName, Identity
from tasks.release.ledger import Ledger
from tasks.release.standing import Standing, standing
from tasks.tracking import model_files, versions

# Read, decide, append: where somebody else appended in between, all of it again, on what is so now.
# Each attempt that fails is one that another process won.
redecide_when_outrun = retry(
    retry=retry_if_exception_type(HeadMoved),
    wait=wait_random(max=0.2),
    stop=stop_after_attempt(100),
    reraise=True,
)


@dataclass(frozen=True)
class Actor:
    """Who does something, as the ledger names them."""

    name: str
    identity: Identity = "declared"


GATE = Actor("gate", "machine")
RUNNER = Actor("ratchet", "machine")


@dataclass(frozen=True)
class PromotionRun:
    """One flow run that may change a model's champion: its model and version, and both runs."""

    ledger: Ledger
    client: MlflowClient
    config: ModelConfig
    version: int
    flow_run: str
    mlflow_run: str

    @classmethod
    def of_event(
        cls, event: Event, ledger: Ledger, client: MlflowClient, config: ModelConfig
    ) -> Self:
        """The run that appended an event, to go on in its name."""
        return cls(ledger, client, config, event.version_to, event.flow_run, event.mlflow_run)

    def standing(self) -> Standing:
        return standing(self.config.name, self.ledger.events(self.config.name))

    def ended(self) -> Event | None:
        """The event with which this run's promotion ended, or None while it can go on."""
        return self.standing().ending_of(self.flow_run)

    def own(self, event: EventName) -> Event | None:
        """This flow run's event of that name, if there is one."""
        return self.standing().event_of(self.flow_run, event)

    def count(self, name: EventName) -> int:
        events = self.ledger.events(self.config.name)
        return sum(event.flow_run == self.flow_run and event.event == name for event in events)

    def append(
        self,
        name: EventName,
        now: Standing,
        by: Actor,
        why: str,
        evidence_digest: str | None = None,
        after: Event | None = None,
    ) -> Event:
        """Append this run's event of that name, once, as decided on `now`.

        `after` is an event that this run itself has appended since, now or in an earlier attempt.
        """
        return self.ledger.append(
            Entry(
                model=self.config.name,
                event=name,
                version_from=now.champion_version,
                version_to=self.version,
                who=by.name,
                identity=by.identity,
                why=why,
                flow_run=self.flow_run,
                mlflow_run=self.mlflow_run,
                evidence_digest=evidence_digest,
                key=self._key_of(name, now),
            ),
            after=max(now.head, after.sequence if after else 0),
        )

    def _key_of(self, name: EventName, now: Standing) -> str:
        """The key that makes the event happen once; an invalid answer may come more than once."""
        if name != "answer_invalid":
            return f"{self.flow_run}:{name}"
        earlier = sum(e.flow_run == self.flow_run and e.event == name for e in now.events)
        return f"{self.flow_run}:{name}:{earlier}"


def compared_numbers(run: PromotionRun, now: Standing) -> VersionNumbers:
    """The versions that a verdict about this run's version compares."""
    champion = now.champion_version
    return {"candidate": run.version, "champion": champion, "reference": now.reference}


def compared_versions(run: PromotionRun, now: Standing) -> dict[Role, RegisteredVersion]:
    """The records of those of them that the registry has."""
    return versions.read_versions(run.client, run.config.name, compared_numbers(run, now))


def damage_of(run: PromotionRun, version: RegisteredVersion) -> str | None:
    """Why the model's files are not those that were judged, or cannot be loaded; else None."""
    try:
        model_files.read_verified(run.client, version.address, version.sha256, model_files.load)
    except ModelRejected as error:
        return str(error)
    return None
