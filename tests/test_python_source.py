"""Classes, their arguments and the names of a module are known without importing anything."""

import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from configs import python_source

FIND = """
import sys
from configs import python_source
found = python_source.find_class(sys.argv[1])
print(found.name, *sorted(found.arguments))
sys.exit("sklearn" in sys.modules)
"""


@pytest.mark.parametrize(
    ("import_string", "estimator"),
    [
        ("sklearn.ensemble.RandomForestClassifier", RandomForestClassifier),
        ("sklearn.linear_model.LogisticRegression", LogisticRegression),
    ],
)
def test_a_classs_arguments_are_known_without_importing_scikit_learn(
    import_string: str, estimator: type[BaseEstimator]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIND, import_string],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    name, *arguments = done.stdout.split()
    assert name == estimator.__name__
    assert arguments == sorted(signature(estimator).parameters)


@pytest.mark.parametrize(
    "import_string",
    [
        "sklearn.ensemble.RandomForrest",
        "sklearn.ensemble.nowhere.RandomForestClassifier",
        "sklearn.ensemble.BaseEnsemble.nested",
        "no_such_package.module.Class",
        "sys.Class",
        "math.Class",
        "cronsim.nowhere.CronSim",
    ],
)
def test_a_class_that_is_not_there_is_not_found(import_string: str) -> None:
    assert python_source.find_class(import_string) is None


def test_the_names_of_a_module_are_those_it_defines_assigns_and_imports() -> None:
    assert "RandomForestClassifier" in python_source.names_in("sklearn.ensemble")
    assert {"ROW", "Data", "data_problems", "Field"} <= python_source.names_in("configs.data")
    assert python_source.names_in("sklearn.nowhere") == frozenset()


def test_the_functions_of_a_file_are_those_at_its_top_level(tmp_path: Path) -> None:
    path = tmp_path / "hooks.py"
    path.write_text(
        "import os\ndef outer():\n    def inner(): ...\nclass A:\n    def method(self): ...\n"
    )
    assert python_source.functions_in(path) == {"outer"}


def test_reading_a_file_does_not_run_it(tmp_path: Path) -> None:
    path = tmp_path / "hooks.py"
    path.write_text("def hook(): ...\nraise RuntimeError\n")
    assert python_source.functions_in(path) == {"hook"}


def test_arguments_that_a_class_inherits_or_takes_by_any_name_are_not_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some_classes.py"
    path.write_text(
        "class Own:\n    def __init__(self, a, *, b=1): ...\n"
        "class Inherited(Own): ...\n"
        "class Open:\n    def __init__(self, a, **others): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    arguments = {
        name: python_source.find_class(f"some_classes.{name}").arguments  # type: ignore[union-attr]
        for name in ("Own", "Inherited", "Open")
    }
    assert arguments == {"Own": frozenset({"a", "b"}), "Inherited": None, "Open": None}
