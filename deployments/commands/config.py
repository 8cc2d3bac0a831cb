"""`ratchet config check` and `ratchet config show`: a model's YAML, without any server.

Not here: what may stand in a YAML (configs/).
"""

import json
from collections.abc import Iterator

import click

from configs.built_in_metrics import Kind
from configs.errors import ConfigError
from configs.gate import MINIMA, Rule
from configs.model import ModelConfig
from configs.reading import model_names, read_model
from configs.settings import Settings
from deployments.commands.arguments import AS_JSON, MODEL, complete_model
from tasks.release.ledger import Ledger
from tasks.verdict import power


@click.group()
def config() -> None:
    """Check or show a model's YAML."""


@config.command(epilog="Example: ratchet config check fraud_detector")
@click.argument("models", nargs=-1, shell_complete=complete_model)
@click.option(
    "--power",
    "with_power",
    is_flag=True,
    help="From past comparisons, estimate how often the gate lets an equally good model pass.",
)
@AS_JSON
def check(models: tuple[str, ...], with_power: bool, as_json: bool) -> None:
    """Check the YAML of MODELS, or of every model.

    Names the file, line and key of each problem.
    """
    settings = Settings()
    names = models or model_names(settings)
    if not names:
        raise ConfigError(
            f"there is no model in {settings.models}; "
            "put a <name>.yaml there, or set RATCHET_MODELS to the folder of yours"
        )
    configs, problems = _read_models(names, settings)
    if as_json:
        answers = [{"model": name, "problem": problems.get(name)} for name in names]
        click.echo(json.dumps(answers, indent=1))
    else:
        for config in configs.values():
            click.echo(_summary_of(config))
            for rule in config.gate:
                for minimum in _low_minima(rule, config.kind):
                    click.echo(f"  {rule}: {minimum}: bounds may cover less than they say.")
            if with_power:
                _print_power(config, settings)
    if problems:
        raise ConfigError("\n".join(problems.values()))


def _read_models(
    names: tuple[str, ...], settings: Settings
) -> tuple[dict[str, ModelConfig], dict[str, str]]:
    """The models' configurations, and the problems of those whose YAML is wrong, by name."""
    configs: dict[str, ModelConfig] = {}
    problems: dict[str, str] = {}
    for name in names:
        try:
            configs[name] = read_model(name, settings)
        except ConfigError as error:
            problems[name] = str(error)
    return configs, problems


def _summary_of(config: ModelConfig) -> str:
    return (
        f"{config.name}: {len(config.data.features)} features, {len(config.checks)} checks, "
        f"{len(config.gate)} rules. No problems found."
    )


def _low_minima(rule: Rule, kind: Kind) -> Iterator[str]:
    """The minima of a rule below their defaults, as `min_rows 30 is below the default of 100`."""
    for key, default in MINIMA.items():
        value = getattr(rule, key)
        if value < default and (kind == "binary" or key != "min_positives"):
            yield f"{key} {value} is below the default of {default}"


def _print_power(config: ModelConfig, settings: Settings) -> None:
    ledger = Ledger(settings.ledger_url)
    # one event for each evidence: a request and its answers rest on the same
    events = {e.evidence_digest: e for e in ledger.events(config.name) if e.evidence_digest}
    past = [ledger.evidence_of(event) for event in events.values()]
    powers = power.from_past(config.gate, past)
    for rule_power in powers:
        click.echo(f"  {rule_power}")
    if not powers:
        click.echo("  No past comparison with another version to estimate the gate's power from.")


@config.command(epilog="Example: ratchet config show fraud_detector")
@MODEL
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="train.KEY=VALUE",
    help="Change a training setting, as in ratchet train.",
)
def show(model: str, overrides: tuple[str, ...]) -> None:
    """Show the configuration of MODEL in effect, as JSON.

    Defaults and overrides are included.
    """
    click.echo(read_model(model, Settings(), overrides).model_dump_json(indent=1))
