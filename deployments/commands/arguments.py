"""Arguments and options that several verbs share."""

import getpass
import subprocess

import click

from configs.reading import model_names
from configs.settings import Settings


def declared_name() -> str:
    """git's user.name, else the login name."""
    try:
        done = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return getpass.getuser()
    return done.stdout.strip() or getpass.getuser()


def complete_model(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in model_names(Settings()) if name.startswith(begun)]


MODEL = click.argument("model", shell_complete=complete_model)
VERSION = click.argument("version", type=click.IntRange(min=1))
AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="The answer as JSON, for programs (docs/json.md)."
)
AS_NAME = click.option(
    "--as",
    "who",
    metavar="NAME",
    default=declared_name,
    show_default="git's user",
    help="Who decides; it goes on record.",
)
