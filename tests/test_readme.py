"""What the README and the Makefile tell a newcomer exists and means what they say."""

import re
from pathlib import Path

import click
import pytest

from configs.settings import Settings
from deployments.commands.main import VERBS, ratchet

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"(?:^|`|\$ |  |run )ratchet ([a-z]+)", README, re.MULTILINE))
    assert named >= {"demo", "up", "train", "show", "approve", "status", "history", "config"}
    assert named <= set(VERBS)


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)\b", README)) - {"and"} <= targets


def test_every_variable_in_the_readme_is_a_setting() -> None:
    assert {name.lower() for name in re.findall(r"`((?:RATCHET|MLFLOW|PREFECT)_[A-Z_]+)`", README)} <= set(Settings.model_fields)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    command = ratchet.get_command(click.Context(ratchet), verb)
    assert command is not None
    parts = command.commands.values() if isinstance(command, click.Group) else [command]
    assert all(part.help and (part.epilog or "").startswith(f"Example: ratchet {verb}") for part in parts)


def test_every_folder_and_file_of_the_annotated_tree_exists() -> None:
    tree = README.split("## The house")[1]
    for folder in re.findall(r"^ *([a-z]+(?:/[a-z]+)?)/?  +", tree, re.MULTILINE):
        assert any((ROOT / parent / folder).is_dir() for parent in ("", "tasks")), folder
