"""The `ratchet` command: which verbs there are, and how errors end it. Each verb's code is loaded when it is used."""

import importlib
import sys
from typing import Any

import click

from tasks.errors import RatchetError

VERBS = {
    "demo": ("demo", "The whole chain once, on this machine, on data of its own."),
    "up": ("stack", "The local servers and the runner, until Ctrl-C."),
    "train": ("runs", "Train a candidate of a model."),
    "show": ("decisions", "A version's evidence and verdict; without a version, what waits."),
    "approve": ("decisions", "Say yes to a version that waits."),
    "reject": ("decisions", "Say no to a version that waits."),
    "status": ("records", "Every model at a glance."),
    "history": ("records", "What was decided, by whom, on what."),
    "promote": ("runs", "Ask for a registered version's promotion."),
    "config": ("config", "Check or show a model's YAML."),
    "simulate": ("simulation", "Write days of simulated card transactions."),
}


class Verbs(click.Group):
    """Verbs found by name; listing them loads none of their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in VERBS:
            return None
        command: click.Command = getattr(importlib.import_module(f"deployments.commands.{VERBS[name][0]}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ratchet")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def ratchet(debug: bool) -> None:
    """A training platform whose production model only moves forward."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; an error is one sentence on stderr and an exit code (DESIGN: 0, 2, 3, 4, else 1)."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return ratchet.main(given, standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except RatchetError as error:
        if "--debug" in given:
            raise
        click.echo(f"ratchet: {error}", err=True)
        sys.exit(error.exit_code)
