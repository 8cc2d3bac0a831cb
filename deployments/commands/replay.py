"""`ratchet replay`: judge past candidates with another gate.

Reads the stored models and holdouts; trains nothing and writes nothing.
Not here: how a candidate is judged (tasks/verdict/judgement.py).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from configs.errors import ConfigError, UsageError
from configs.model import ModelConfig, judging_problems
from configs.problems import Problem
from configs.reading import load_yaml, plain, read_model
from configs.schema_problems import schema_problems
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from deployments.commands.output import print_table
from tasks.release.events import Event
from tasks.release.ledger import Ledger
from tasks.verdict.conclusion import conclusion

SECTIONS = ("metrics", "threshold", "slices", "comparison", "gate")


@dataclass(frozen=True)
class Replayed:
    """A version's recorded verdict, and the other gate's with its reason; the keys of --json."""

    version: int
    then: str
    now: str
    why: str


@click.command(epilog="Example: ratchet replay fraud_detector --gate stricter.yaml")
@MODEL
@click.option(
    "--gate",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"A YAML with any of {', '.join(SECTIONS)}.",
)
@AS_JSON
def replay(model: str, file: Path, as_json: bool) -> None:
    """Judge past candidates of MODEL with another gate, each against the champion of its day."""
    settings = Settings()
    config = _config_with_gate(read_model(model, settings), file)
    replayed = _replay(settings, config)
    if as_json:
        click.echo(json.dumps([asdict(verdict) for verdict in replayed], indent=1))
        return
    rows = [(str(verdict.version), *astuple(verdict)[1:]) for verdict in replayed]
    print_table(("version", "then", "with this gate", "why"), rows)


def _replay(settings: Settings, config: ModelConfig) -> list[Replayed]:
    from tasks.tracking.server import connect
    from tasks.verdict import judgement

    ledger, client = Ledger(settings.ledger_url), connect(settings)
    replayed = []
    for event in _judged_versions(ledger, config.name):
        recorded = ledger.evidence_of(event)
        request = judgement.Request(requested_by="replay", looks=recorded.looks)
        numbers = recorded.version_numbers
        judgement_now = judgement.judge(client, config, numbers, request)
        verdict = Replayed(
            version=event.version_to,
            then=recorded.verdict.outcome,
            now=judgement_now.verdict.outcome,
            why=conclusion(judgement_now.evidence),
        )
        replayed.append(verdict)
    return replayed


def _judged_versions(ledger: Ledger, model: str) -> list[Event]:
    """The event that rests on the newest evidence of each version, oldest version first."""
    newest = {event.version_to: event for event in ledger.events(model) if event.evidence_digest}
    if not newest:
        raise UsageError(
            f"no candidate of {model} has been judged; "
            f"request a promotion: ratchet promote {model} VERSION"
        )
    return list(newest.values())


def _config_with_gate(config: ModelConfig, file: Path) -> ModelConfig:
    """The model's configuration with the sections of this file in place of its own."""
    document = config.model_dump() | _read_sections(file)
    try:
        changed = ModelConfig.model_validate(document)
    except ValidationError as error:
        raise _config_error(file, schema_problems(error, document)) from error
    if problems := list(judging_problems(changed)):
        raise _config_error(file, problems)
    return changed


def _config_error(file: Path, problems: Sequence[Problem]) -> ConfigError:
    return ConfigError("\n".join(f"{file}: {problem}" for problem in problems))


def _read_sections(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ConfigError(
            f"there is no {file}; write the gate to replay there, as in a model's YAML"
        )
    sections = plain(load_yaml(file))
    if not isinstance(sections, dict) or not sections or not sections.keys() <= set(SECTIONS):
        raise ConfigError(
            f"{file}: a gate to replay has any of {', '.join(SECTIONS)}, and nothing else"
        )
    return sections
