"""`ratchet validate`: the checks of a model's data, made here and now, without any server and without training."""

import json
from dataclasses import asdict
from datetime import datetime
from io import StringIO
from typing import Any

import click
from ruamel.yaml import YAML

from configs.reading import hooks_path, read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL


@click.command(epilog="Example: ratchet validate fraud_detector --as-of 2018-08-15")
@MODEL
@click.option("--as-of", type=click.DateTime(), help="As for ratchet train.")
@click.option(
    "--suggest",
    "wants_checks",
    is_flag=True,
    help="Print a first set of checks that these rows pass, to edit and put in the YAML.",
)
@AS_JSON
def validate(model: str, as_of: datetime | None, wants_checks: bool, as_json: bool) -> None:
    """Check the data of MODEL as a training run would; what fails is named, with rows and first keys."""
    from tasks.data import hooks, sources, splits, validation
    from tasks.data.suggestion import suggest

    settings = Settings()
    config = read_model(model, settings)
    window = splits.settle_window(config, as_of, settings.data)
    rows = sources.load(config, window, settings.data)
    if wants_checks:
        _print_checks(suggest(rows, config))
        return
    reports = [validation.validate(rows, config, window, "raw")]
    if not reports[0].critical:
        prepared = hooks.prepare(
            config, hooks.load_hooks(config, hooks_path(model, settings)), rows
        )
        reports.append(validation.validate(prepared, config, window, "features"))
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=1))
    else:
        click.echo(f"{model}: {len(rows):,} rows, {window or config.split}")
        for report in reports:
            passed = len(report.outcomes) - len(report.failures)
            click.echo(f"  {report.stage:<9} {passed} of {len(report.outcomes)} checks passed")
            for outcome in report.failures:
                if outcome.severity != "critical":
                    click.echo(f"    {outcome}")
    for report in reports:
        validation.require_passed(report, config, window)


def _print_checks(checks: list[dict[str, Any]]) -> None:
    """As they stand in a YAML, a line each."""
    yaml = YAML()
    yaml.default_flow_style, yaml.width = True, 10_000
    click.echo("checks:")
    for check in checks:
        text = StringIO()
        yaml.dump(check, text)
        click.echo(f"  - {text.getvalue().strip()}")
