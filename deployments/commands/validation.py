"""`ratchet validate`: check a model's data here and now, without any server and without training.

Not here: the checks themselves (tasks/data/validation.py).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

import click
from ruamel.yaml import YAML

from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL
from tasks.records import ValidationReport, Window

if TYPE_CHECKING:
    from tasks.data.selection import Selection

# a check stands on one line, however long
LONGEST_LINE = 10_000


@click.command(epilog="Example: ratchet validate fraud_detector --as-of 2018-08-15")
@MODEL
@click.option("--as-of", type=click.DateTime(), help="As in ratchet train.")
@click.option(
    "--suggest",
    "suggest_checks",
    is_flag=True,
    help="Print a first set of checks that these rows pass, to edit and put in the YAML.",
)
@AS_JSON
def validate(model: str, as_of: datetime | None, suggest_checks: bool, as_json: bool) -> None:
    """Check the data of MODEL as a training run would, and name what fails with its first keys."""
    from tasks.data import sources, splits, validation
    from tasks.data.selection import select
    from tasks.data.suggestion import suggest

    settings = Settings()
    config = read_model(model, settings)
    window = splits.settle_window(config, as_of, settings.data)
    selection = select(config, sources.load(config, window, settings.data))
    rows = selection.rows
    if suggest_checks:
        _print_checks(suggest(rows, config))
        return
    reports = _validate(settings, config, window, selection)
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=1))
    else:
        click.echo(f"{model}: {len(rows):,} rows, {window or config.split}")
        _print_reports(reports)
    for report in reports:
        validation.require_passed(report, config, window)


def _validate(
    settings: Settings, config: ModelConfig, window: Window | None, selection: "Selection"
) -> list[ValidationReport]:
    """The reports of the stages, up to the first in which a critical check fails."""
    from tasks.data import blinding, hooks, splits, validation
    from tasks.model.partition_checks import check_partitions

    rows = selection.rows
    reports = [validation.validate(rows, config, window, "raw", selection.outcomes)]
    if reports[-1].critical:
        return reports
    loaded_hooks = hooks.load_hooks(config, hooks_path(config.name, settings))
    prepared = blinding.prepare(config, loaded_hooks, rows, window)
    reports.append(validation.validate(prepared, config, window, "features"))
    if reports[-1].critical:
        return reports
    partitions = splits.split(config, loaded_hooks, prepared, window)
    return [*reports, check_partitions(partitions, config)]


def _print_reports(reports: Sequence[ValidationReport]) -> None:
    """Print how many checks passed, and the failures that do not stop a training run.

    Those that do are in the error that follows.
    """
    for report in reports:
        count = len(report.outcomes)
        passed = count - len(report.failures)
        click.echo(f"  {report.stage:<9} {passed} of {count} checks passed")
        for outcome in report.failures:
            if outcome.severity != "critical":
                click.echo(f"    {outcome}")


def _print_checks(checks: Sequence[dict[str, Any]]) -> None:
    """Print the checks as a YAML has them, a line for each."""
    yaml = YAML()
    yaml.default_flow_style = True
    yaml.width = LONGEST_LINE
    click.echo("checks:")
    for check in checks:
        text = StringIO()
        yaml.dump(check, text)
        click.echo(f"  - {text.getvalue().strip()}")
