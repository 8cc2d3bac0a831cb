"""The `ratchet` command: which verbs there are, and how errors end it. Each verb's code is loaded when it is used."""

import importlib
import sys
from typing import Any

import click

from configs.errors import RatchetError
from configs.problems import nearest

VERBS = {
    "demo": ("demo", "The whole story on this machine, on data of its own."),
    "up": ("stack", "Start the local servers and the runners."),
    "train": ("flow_runs", "Train a candidate of a model."),
    "show": ("show", "A version's evidence and verdict; what waits."),
    "approve": ("approval", "Say yes to a version that waits."),
    "reject": ("approval", "Say no to a version that waits."),
    "status": ("status", "Every model at a glance."),
    "history": ("status", "What was decided, by whom, on what."),
    "rollback": ("rollback", "Make a former champion serve again."),
    "promote": ("flow_runs", "Ask for a registered version's promotion."),
    "watch": ("flow_runs", "Follow a run that was started elsewhere."),
    "reference": ("rollback", "Move the mark that champions are held to."),
    "replay": ("replay", "Judge past candidates by another gate."),
    "validate": ("validation", "Check a model's data, without training."),
    "config": ("config", "Check or show a model's YAML."),
    "simulate": ("simulation", "Write days of simulated card transactions."),
    "down": ("stack", "Stop what `ratchet up` started."),
}
FIRST = 9  # verbs that --help shows; --help --all shows the rest


class Verbs(click.Group):
    """Verbs found by name; listing them loads none of their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            ctx.fail(f"there is no verb {name!r}; {nearest(name, VERBS)}")
        command: click.Command = getattr(
            importlib.import_module(f"deployments.commands.{VERBS[name][0]}"), name
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shown = list(VERBS) if ctx.params.get("all_verbs") else list(VERBS)[:FIRST]
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name][1]) for name in shown])


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ratchet train fraud_detector. The rarer verbs: ratchet --help --all",
)
@click.version_option(package_name="ratchet")
@click.option("--all", "all_verbs", is_flag=True, is_eager=True, help="Let --help show every verb.")
@click.help_option("-h", "--help", is_eager=False)  # after --all, wherever that stands
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def ratchet(context: click.Context, all_verbs: bool, debug: bool) -> None:  # noqa: ARG001 --all is for the help, --debug for main
    """A training platform whose production model only moves forward. Alone it says what to do next."""
    if context.invoked_subcommand is None:
        from deployments.commands.status import next_step

        click.echo(next_step())


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; an error is one sentence on stderr and an exit code (DESIGN: 0, 2, 3, 4, else 1)."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return ratchet.main(given, prog_name="ratchet", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.UsageError as error:
        help_of = error.ctx.command_path if error.ctx else "ratchet"
        click.echo(f"ratchet: {error.format_message()} See: {help_of} --help", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except RatchetError as error:
        if "--debug" in given:
            raise
        click.echo(f"ratchet: {error}", err=True)
        sys.exit(error.exit_code)
