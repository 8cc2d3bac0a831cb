"""What README, CONTRIBUTING and docs tell a newcomer exists, and means what they say."""

import json
import os
import re
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from configs.data import Source
from configs.model import ModelConfig
from configs.settings import SHIPPED_MODELS, Settings
from configs.split import Split
from deployments.commands import main
from deployments.commands.main import COMMANDS
from tasks.records import Outcome
from tasks.release.events import Entry, EventName
from tasks.release.ledger import Ledger
from tests.commands import ratchet

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
INDEX = ROOT / "docs" / "README.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]


def _path_in_repository(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _targets_of_links(page: Path) -> list[Path]:
    """The files that a page links to; links to other sites are left out."""
    names = re.findall(r"\]\(([^):]+)\)", page.read_text())
    return [(page.parent / name).resolve() for name in names]


def test_the_readme_names_the_commands_of_a_first_day() -> None:
    named = set(re.findall(r"(?:^|`|\$ |  |run )ratchet ([a-z]+)", README, re.MULTILINE))
    assert named >= {"demo", "up", "train", "show", "approve", "status", "history", "config"}


@pytest.mark.parametrize("page", PAGES, ids=_path_in_repository)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"(?:^|`|\$ |  |run )ratchet ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= set(COMMANDS)


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_make_target_that_is_named_exists(text: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    rules = re.findall(r"^([a-z][a-z -]*):", makefile, re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    named = set(re.findall(r"make ([a-z]+(?:-[a-z]+)*)\b", text))
    assert named >= {"demo", "test", "check"}
    assert named <= targets


def test_every_make_target_is_explained_to_contributors() -> None:
    (targets,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {f"`make {target}`" for target in targets.split()} <= set(
        re.findall(r"^\| (`make [a-z-]+`)", CONTRIBUTING, re.MULTILINE)
    )


def test_every_variable_in_the_readme_is_a_setting() -> None:
    variables = re.findall(r"`((?:RATCHET|MLFLOW|PREFECT)_[A-Z_]+)`", README)
    assert {name.lower() for name in variables} <= set(Settings.model_fields)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = main.ratchet.get_command(click.Context(main.ratchet), name)
    assert command is not None
    members = command.commands.values() if isinstance(command, click.Group) else [command]
    for member in members:
        assert member.help
        assert str(member.epilog).startswith(f"Example: ratchet {name}")


def test_every_folder_of_the_annotated_tree_exists_and_no_package_is_missing() -> None:
    folders = _folders_of_the_tree()
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
    packages = {
        str(module.parent.relative_to(ROOT))
        for top in ("configs", "tasks", "flows", "deployments")
        for module in (ROOT / top).rglob("__init__.py")
    }
    assert packages <= set(folders)


def test_every_module_that_the_annotated_tree_names_exists() -> None:
    named = set(re.findall(r"\b(\w+\.py)\b", _tree()))
    assert named
    assert named <= {path.name for path in (ROOT / "configs").glob("*.py")}


def _tree() -> str:
    return README.split("## Layout\n```\n")[1].split("```")[0]


def _folders_of_the_tree() -> list[str]:
    """The folders of the README's tree; an indented one lies in the last one that is not."""
    folders: list[str] = []
    top = ""
    for indent, name in re.findall(r"^( *)(\w+)/  +", _tree(), re.MULTILINE):
        if not indent:
            top = name
        folders.append(f"{top}/{name}" if indent else name)
    return folders


@pytest.mark.parametrize("page", PAGES, ids=_path_in_repository)
def test_every_file_that_a_page_points_at_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:configs|docs|tasks|flows|deployments|tests)/[\w/]+\.\w+)`", page.read_text()
    )
    files = [*_targets_of_links(page), *(ROOT / name for name in named)]
    assert [path for path in files if not path.exists()] == []


def test_the_index_lists_every_page() -> None:
    assert {*DOCS, ROOT / "CONTRIBUTING.md"} - {INDEX} <= set(_targets_of_links(INDEX))


def test_the_readme_leads_to_the_index_and_to_what_a_newcomer_reads_first() -> None:
    first = {INDEX, ROOT / "CONTRIBUTING.md", ROOT / "docs/glossary.md", ROOT / "docs/models.md"}
    assert first <= set(_targets_of_links(ROOT / "README.md"))


def test_the_glossary_explains_every_event_of_the_ledger_and_every_verdict() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", GLOSSARY, re.MULTILINE))
    assert get_args(EventName)
    assert {*get_args(EventName), *get_args(Outcome)} <= explained


JUDGING = ["metrics", "threshold", "slices", "comparison", "gate", "promotion"]


def test_what_the_docs_write_into_a_yaml_is_what_the_schema_allows() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    sections: dict[str, TypeAdapter[object]] = {
        "source": TypeAdapter(Source),
        "split": TypeAdapter(Split),
        **{
            name: TypeAdapter(ModelConfig.model_fields[name].annotation)
            for name in (*JUDGING, "train")
        },
    }
    texts = [
        text
        for block in blocks
        for text in re.split(r"^(?=source|split|train)", block, flags=re.MULTILINE)
        if text
    ]
    documents = [YAML(typ="safe").load(text) for text in texts]
    written = [key for document in documents for key in document]
    assert written == ["source"] * 5 + ["split"] * 3 + JUDGING + ["train"]
    for document in documents:
        for key, value in document.items():
            sections[key].validate_python(value)


def test_what_the_readme_shows_of_a_candidate_is_what_is_printed(settings: Settings) -> None:
    """The block as the real command prints it for the evidence of the demo's second candidate.

    Times and digests may differ.
    """
    block = README.split("$ ratchet show fraud_detector 2\n")[1].split("```")[0]
    document = json.loads((ROOT / "tests" / "evidence_of_the_demo.json").read_text())
    ledger = Ledger(settings.ledger_url)
    entry = Entry(
        model="fraud_detector",
        event="reference_set",
        version_to=2,
        who="gate",
        identity="machine",
        why="significantly better than 1 in average_precision",
        flow_run="f",
        mlflow_run="m",
        evidence_digest=ledger.store_document(document),
        key="f",
    )
    ledger.append(entry, after=0)
    environment = os.environ | settings.environment() | {"RATCHET_MODELS": str(SHIPPED_MODELS)}
    shown = ratchet(environment, "show", "fraud_detector", "2")
    assert shown.returncode == 0, shown.stderr
    assert _without_moments(shown.stdout) == _without_moments(block)


def _without_moments(text: str) -> str:
    text = re.sub(r"evidence \w{4} \w{4}|flow-run/\S+|\d{4}-\d\d-\d\d\s+\d\d:\d\d UTC", "...", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
