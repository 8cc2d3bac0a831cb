"""What the README and the Makefile tell a newcomer exists and means what they say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from configs.data import Source
from configs.model import ModelConfig
from configs.settings import SHIPPED_MODELS, Settings
from configs.split import Split
from deployments.commands.main import COMMANDS, ratchet
from tasks.release.ledger import Ledger

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"(?:^|`|\$ |  |run )ratchet ([a-z]+)", README, re.MULTILINE))
    assert named >= {"demo", "up", "train", "show", "approve", "status", "history", "config"}
    assert named <= set(COMMANDS)


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)\b", README)) - {"and"} <= targets


def test_every_variable_in_the_readme_is_a_setting() -> None:
    assert {
        name.lower() for name in re.findall(r"`((?:RATCHET|MLFLOW|PREFECT)_[A-Z_]+)`", README)
    } <= set(Settings.model_fields)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = ratchet.get_command(click.Context(ratchet), name)
    assert command is not None
    members = command.commands.values() if isinstance(command, click.Group) else [command]
    for member in members:
        assert member.help
        assert str(member.epilog).startswith(f"Example: ratchet {name}")


def test_every_folder_and_file_of_the_annotated_tree_exists() -> None:
    tree = README.split("## The house")[1]
    for folder in re.findall(r"^ *([a-z]+(?:/[a-z]+)?)/?  +", tree, re.MULTILINE):
        assert any((ROOT / parent / folder).is_dir() for parent in ("", "tasks")), folder


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_every_file_that_a_page_points_at_exists(page: Path) -> None:
    text = page.read_text()
    linked = [page.parent / name for name in re.findall(r"\]\(([^):]+)\)", text)]
    named = [
        ROOT / name
        for name in re.findall(
            r"`((?:configs|docs|tasks|flows|deployments|tests)/[\w/]+\.\w+)`", text
        )
    ]
    assert not [path for path in (*linked, *named) if not path.exists()]


JUDGING = ["metrics", "threshold", "slices", "comparison", "gate", "promotion"]


def test_what_the_docs_write_into_a_yaml_is_what_the_schema_allows() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    parts: dict[str, TypeAdapter[object]] = {
        "source": TypeAdapter(Source),
        "split": TypeAdapter(Split),
        **{
            name: TypeAdapter(ModelConfig.model_fields[name].annotation)
            for name in (*JUDGING, "train")
        },
    }
    read = [
        YAML(typ="safe").load(part)
        for block in blocks
        for part in re.split(r"^(?=source|split|train)", block, flags=re.MULTILINE)
        if part
    ]
    assert [key for part in read for key in part] == ["source"] * 3 + ["split"] * 3 + JUDGING + [
        "train"
    ]
    for part in read:
        for key, value in part.items():
            parts[key].validate_python(value)


def test_what_the_readme_shows_of_a_candidate_is_what_is_printed(settings: Settings) -> None:
    """The block as the real command prints it for the evidence of the demo's second candidate; times and digests are their own."""
    block = README.split("$ ratchet show fraud_detector 2\n")[1].split("```")[0]
    document = json.loads((ROOT / "tests" / "evidence_of_the_demo.json").read_text())
    ledger = Ledger(settings.ledger_url)
    said = {
        "who": "gate",
        "identity": "declared",
        "version_to": 2,
        "flow_run": "f",
        "why": "surely better than 1 in average_precision",
    }
    ledger.append(
        "fraud_detector",
        "reference_set",
        after=0,
        key="f",
        evidence=ledger.store_evidence(document),
        **said,
    )
    environment = os.environ | settings.environment() | {"RATCHET_MODELS": str(SHIPPED_MODELS)}
    command = [sys.executable, "-m", "deployments.commands", "show", "fraud_detector", "2"]
    printed = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert _without_moments(printed) == _without_moments(block)


def _without_moments(text: str) -> str:
    text = re.sub(r"evidence \w{4} \w{4}|flow-run/\S+|\d{4}-\d\d-\d\d\s+\d\d:\d\d UTC", "...", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
