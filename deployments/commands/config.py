"""`ratchet config check` and `ratchet config show`: a model's YAML, judged and shown without any server."""

import json

import click

from configs.errors import ConfigError
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
    "wants_power",
    is_flag=True,
    help="Also how often its gate lets an equally good model by, from past comparisons.",
)
@AS_JSON
def check(models: tuple[str, ...], wants_power: bool, as_json: bool) -> None:
    """Say whether the YAML of MODELS, or of every model, is right; name file, line and key of what is not."""
    settings = Settings()
    names = models or model_names(settings)
    if not names:
        raise ConfigError(
            f"there is no model in {settings.models}; put one <name>.yaml there, or point RATCHET_MODELS at its folder"
        )
    readings = {name: _read(name, settings) for name in names}
    problems = {
        name: str(found) for name, found in readings.items() if isinstance(found, ConfigError)
    }
    if as_json:
        click.echo(
            json.dumps([{"model": name, "problem": problems.get(name)} for name in names], indent=1)
        )
    else:
        for name, found in readings.items():
            if isinstance(found, ModelConfig):
                counts = f"{len(found.data.features)} features, {len(found.checks)} checks, {len(found.gate)} rules"
                click.echo(f"{name}: {counts}. All is well.")
                if wants_power:
                    _print_power(found, settings)
    if problems:
        raise ConfigError("\n".join(problems.values()))


def _print_power(config: ModelConfig, settings: Settings) -> None:
    ledger = Ledger(settings.ledger_url)
    digests = dict.fromkeys(
        event.evidence for event in ledger.events(config.name) if event.evidence
    )
    found = power.foresee(config.gate, [ledger.evidence(digest) for digest in digests])
    for each in found:
        click.echo(f"  {each}")
    if not found:
        click.echo(
            "  No past comparison with another version is on record to tell the gate's power from."
        )


def _read(name: str, settings: Settings) -> ModelConfig | ConfigError:
    try:
        return read_model(name, settings)
    except ConfigError as error:
        return error


@config.command(epilog="Example: ratchet config show fraud_detector")
@MODEL
@click.option(
    "--set", "overrides", multiple=True, metavar="train.KEY=VALUE", help="As for ratchet train."
)
def show(model: str, overrides: tuple[str, ...]) -> None:
    """The configuration of MODEL as it is in effect, defaults and overrides included, as JSON."""
    click.echo(read_model(model, Settings(), overrides).model_dump_json(indent=1))
