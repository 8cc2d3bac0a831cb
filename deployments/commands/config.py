"""`ratchet config check` and `ratchet config show`: a model's YAML, judged and shown without any server."""

import click

from configs.reading import model_names, read_model
from configs.settings import Settings
from deployments.commands.arguments import MODEL, complete_model
from tasks.errors import ConfigError


@click.group()
def config() -> None:
    """Check or show a model's YAML."""


@config.command(epilog="Example: ratchet config check fraud_detector")
@click.argument("models", nargs=-1, shell_complete=complete_model)
def check(models: tuple[str, ...]) -> None:
    """Say whether the YAML of MODELS, or of every model, is right; name file, line and key of what is not."""
    settings = Settings()
    names = models or model_names(settings)
    if not names:
        raise ConfigError(
            f"there is no model in {settings.models}; put one <name>.yaml there, or point RATCHET_MODELS at its folder"
        )
    problems = []
    for name in names:
        try:
            found = read_model(name, settings)
            click.echo(
                f"{name}: {len(found.data.features)} features, {len(found.checks)} checks, {len(found.gate)} rules. All is well."
            )
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))


@config.command(epilog="Example: ratchet config show fraud_detector")
@MODEL
@click.option("--set", "overrides", multiple=True, metavar="train.KEY=VALUE", help="As for ratchet train.")
def show(model: str, overrides: tuple[str, ...]) -> None:
    """The configuration of MODEL as it is in effect, defaults and overrides included, as JSON."""
    click.echo(read_model(model, Settings(), overrides).model_dump_json(indent=1))
