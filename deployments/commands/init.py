"""`ratchet init`: a first YAML of a model, drafted from a file of its rows.

Not here: what the draft says (tasks/data/draft.py).
"""

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from configs.errors import UsageError
from configs.model import NAME_PATTERN
from configs.settings import Settings
from deployments.commands.arguments import declared_name

if TYPE_CHECKING:
    from tasks.data.draft import Draft

LONGEST_LINE = 10_000


@click.command(epilog="Example: ratchet init churn customers.csv --target churned")
@click.argument("model")
@click.argument("file")
@click.option("--target", metavar="COLUMN", help="The column to predict; by default, a guess.")
def init(model: str, file: str, target: str | None) -> None:
    """Write a first YAML for MODEL from FILE, or from files that match a glob in quotes.

    It declares the columns of the file with their types and guesses the rest, and its checks pass
    on these rows. Read it and correct it before you train.
    """
    from tasks.data.draft import draft

    if not re.fullmatch(NAME_PATTERN, model):
        raise UsageError(
            f"{model!r} cannot be a model's name: use lower-case letters, digits and _, and begin "
            "with a letter"
        )
    settings = Settings()
    path = settings.models / f"{model}.yaml"
    if path.exists():
        raise UsageError(f"{path} is there already; choose another name, or remove it first")
    drafted = draft(model, file, settings.data, declared_name(), target)
    settings.models.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(drafted, file), encoding="utf-8")
    click.echo(f"wrote {path}")
    for note in drafted.notes:
        click.echo(f"  {note}")
    click.echo(f"Read it and correct it, then: ratchet validate {model}")


def _text(drafted: "Draft", file: str) -> str:
    """The YAML, with what its reader should know as comments at its head."""
    head = [f"Drafted by ratchet init from {file}; read it and correct it.", *drafted.notes]
    # a column's name may hold a line break
    comments = "".join(f"# {' '.join(line.split())}\n" for line in head)
    facts = {key: value for key, value in drafted.document.items() if isinstance(value, str)}
    sections = [{key: value} for key, value in drafted.document.items() if key not in facts]
    return comments + "\n".join(map(_dump, (facts, *sections)))


def _dump(section: dict[str, Any]) -> str:
    """A section in the style of the shipped models: a column or a check on a line."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = LONGEST_LINE
    yaml.indent(mapping=2, sequence=4, offset=2)
    if "data" in section:
        columns = CommentedMap(section["data"]["columns"])
        columns.fa.set_block_style()
        section = {"data": section["data"] | {"columns": columns}}
    document = CommentedMap(section)
    document.fa.set_block_style()
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()
