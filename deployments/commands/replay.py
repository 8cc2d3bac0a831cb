"""`ratchet replay`: another gate over past candidates, on their kept rows, with their kept models; nothing is trained and nothing written."""

import json
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from configs.errors import ConfigError, UsageError
from configs.model import ModelConfig, judging_problems
from configs.reading import read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from tasks.records import Role
from tasks.release.ledger import Event, Ledger

ROLES: tuple[Role, ...] = ("candidate", "champion", "reference")
JUDGING = ("metrics", "threshold", "slices", "comparison", "gate")


@click.command(epilog="Example: ratchet replay fraud_detector --gate stricter.yaml")
@MODEL
@click.option(
    "--gate",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"A YAML with any of {', '.join(JUDGING)}.",
)
@AS_JSON
def replay(model: str, file: Path, as_json: bool) -> None:
    """Say which past candidates of MODEL another gate would have let by, each beside the champion of its day."""
    from tasks.tracking.server import connect
    from tasks.verdict import judgement, wording

    settings = Settings()
    config = _with_gate(read_model(model, settings), file)
    ledger, client = Ledger(settings.ledger_url), connect(settings)
    replayed = []
    for event in _judged(ledger, model):
        was = ledger.evidence(event.evidence or "")
        numbers: dict[Role, int | None] = {role: (was[role] or {}).get("version") for role in ROLES}
        found = judgement.judge(
            client,
            config,
            numbers,
            champion_since=None,
            asked_by="replay",
            before=None,
            looks=was["looks"],
        )
        then, now = was["verdict"]["outcome"], found.verdict.outcome
        replayed.append(
            {
                "version": event.version_to,
                "then": then,
                "now": now,
                "why": wording.answer(found.document),
            }
        )
    if as_json:
        click.echo(json.dumps(replayed, indent=1))
        return
    table = Table(
        "version",
        "then",
        "with this gate",
        "why",
        box=None,
        pad_edge=False,
        header_style="",
        padding=(0, 2, 0, 0),
    )
    for each in replayed:
        table.add_row(str(each["version"]), each["then"], each["now"], each["why"])
    Console(width=80, highlight=False, markup=False).print(table)


def _judged(ledger: Ledger, model: str) -> list[Event]:
    """The event that rests on the newest evidence of each version, oldest version first."""
    newest = {event.version_to: event for event in ledger.events(model) if event.evidence}
    if not newest:
        raise UsageError(
            f"no candidate of {model} has been judged; ask for one: ratchet promote {model} VERSION"
        )
    return list(newest.values())


def _with_gate(config: ModelConfig, file: Path) -> ModelConfig:
    if not file.is_file():
        raise ConfigError(
            f"there is no {file}; write the gate to replay into it, as it stands in a YAML"
        )
    given: Any = YAML(typ="safe").load(file)
    if not isinstance(given, dict) or not given or set(given) - set(JUDGING):
        raise ConfigError(
            f"{file}: a gate to replay has any of {', '.join(JUDGING)}, and nothing else"
        )
    try:
        changed = ModelConfig.model_validate(config.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if problems := [
        f"{file}: {'.'.join(map(str, problem.location))}: {problem.sentence}"
        for problem in judging_problems(changed)
    ]:
        raise ConfigError("\n".join(problems))
    return changed
