"""The `ratchet` command: its list of commands, and how an error ends it.

A command's module is imported when the command is used, so that --help answers at once.
Not here: what the commands do (a file for each family of them).
"""

import importlib
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from configs.errors import RatchetError
from configs.problems import nearest


@dataclass(frozen=True)
class Entry:
    """A command in the list: the module that defines it, and its line in --help."""

    module: str
    summary: str


COMMANDS = {
    "demo": Entry("demo", "Watch the whole story on this machine, with data of its own."),
    "up": Entry("stack", "Start the local servers and the runners."),
    "init": Entry("init", "Write a first YAML for a model from a file of its rows."),
    "train": Entry("flow_runs", "Train a candidate."),
    "show": Entry("show", "Show a version's evidence and verdict, or what is waiting."),
    "approve": Entry("approval", "Approve a version that is waiting for an answer."),
    "reject": Entry("approval", "Reject a version that is waiting for an answer."),
    "status": Entry("status", "Show every model at a glance."),
    "history": Entry("status", "Show what was decided, by whom and on what evidence."),
    "rollback": Entry("rollback", "Roll back to a former champion."),
    "promote": Entry("flow_runs", "Request the promotion of a registered version."),
    "score": Entry("flow_runs", "Score new rows with the champion."),
    "watch": Entry("flow_runs", "Follow a run that was started elsewhere."),
    "reference": Entry(
        "rollback", "Set the reference, with which later candidates are also compared."
    ),
    "ledger": Entry("ledger", "Check that no recorded event was changed or removed."),
    "replay": Entry("replay", "Judge past candidates with another gate."),
    "validate": Entry("validation", "Check a model's data without training."),
    "config": Entry("config", "Check or show a model's YAML."),
    "simulate": Entry("simulation", "Write days of simulated card transactions."),
    "down": Entry("stack", "Stop what `ratchet up` started."),
}
# the commands that --help lists; --help --all lists the rest too
FIRST = 9


class Commands(click.Group):
    """A group that finds a command by name; listing them imports none of their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            ctx.fail(f"there is no command {name!r}; {nearest(name, COMMANDS)}")
        module = importlib.import_module(f"deployments.commands.{COMMANDS[name].module}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = list(COMMANDS) if ctx.params.get("all_commands") else list(COMMANDS)[:FIRST]
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in names])


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ratchet train fraud_detector. Every command: ratchet --help --all",
)
@click.version_option(package_name="ratchet")
@click.option(
    "--all", "all_commands", is_flag=True, is_eager=True, help="With --help: list every command."
)
# not eager, so that it comes after --all wherever that stands
@click.help_option("-h", "--help", is_eager=False)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def ratchet(context: click.Context, all_commands: bool, debug: bool) -> None:  # noqa: ARG001
    """A training platform whose production model only moves forward.

    Run without a command to see what to do next.
    """
    # `all_commands` is read by `format_commands`, `debug` by `main`
    if context.invoked_subcommand is None:
        from deployments.commands.status import next_step

        click.echo(next_step())


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; an error is one sentence on stderr and an exit code.

    Exit codes: 0 done; 2 wrong arguments or configuration; 3 refused; 4 a server cannot be
    reached; 1 any other error; 130 interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return ratchet.main(arguments, prog_name="ratchet", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ratchet"
        click.echo(f"ratchet: {error.format_message()} See: {command} --help", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except RatchetError as error:
        if "--debug" in arguments:
            raise
        click.echo(f"ratchet: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if "--debug" in arguments:
            raise
        path = f": {error.filename}" if error.filename else ""
        click.echo(f"ratchet: {error.strerror or error}{path}", err=True)
        sys.exit(1)
    # its text may quote a row
    except Exception as error:
        if "--debug" in arguments:
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        click.echo(
            f"ratchet: an error that nobody foresaw: {type(error).__name__} in "
            f"{Path(place.filename).name}:{place.lineno}. With --debug its traceback is shown; "
            "please report it",
            err=True,
        )
        sys.exit(1)
