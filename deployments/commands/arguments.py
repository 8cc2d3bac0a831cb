"""Arguments and options that several commands share."""

import getpass
import subprocess
from collections.abc import Callable
from typing import Any

import click

from configs.reading import model_names
from configs.settings import Settings

Command = Callable[..., Any]


def declared_name() -> str:
    """git's user.name, else the login name."""
    try:
        git = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return getpass.getuser()
    return git.stdout.strip() or getpass.getuser()


def complete_model(_context: click.Context, _parameter: click.Parameter, prefix: str) -> list[str]:
    """The models whose names begin so, for the shell's completion."""
    return [name for name in model_names(Settings()) if name.startswith(prefix)]


MODEL = click.argument("model", shell_complete=complete_model)
VERSION = click.argument("version", type=click.IntRange(min=1))
AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs (docs/json.md)."
)
REASON = click.option("--reason", required=True, help="Why; recorded in the ledger.")


def _as_name(help_text: str) -> Callable[[Command], Command]:
    return click.option(
        "--as",
        "who",
        metavar="NAME",
        default=declared_name,
        show_default="git's user",
        help=help_text,
    )


AS_DECIDER = _as_name("Who decides; recorded in the ledger.")
AS_REQUESTER = _as_name("Who requests it; recorded in the ledger.")
