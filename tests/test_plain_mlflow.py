"""The example of docs/scoring.md: plain MLflow gives what `ratchet score` writes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from configs.reading import read_model
from flows.scoring import score_batch
from tasks.tracking.requirements import pip_requirements
from tests.journeys import Journey

PAGE = Path(__file__).parents[1] / "docs" / "scoring.md"
PRINT = """
import importlib.util, json
assert importlib.util.find_spec("prefect") is None, "this is not an environment of its own"
print(json.dumps({"score": scores.tolist(), "decision": decisions.tolist()}))
"""


def test_the_example_gives_scores_and_decisions_in_an_environment_of_the_models_requirements(
    journey: Journey, tmp_path: Path
) -> None:
    if (uv := shutil.which("uv")) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no uv on the path to make an environment with"
        )
    journey.crown()
    out = tmp_path / "scores"
    state = journey.run(score_batch, journey.start(score_batch, out=str(out)))
    assert state.name == "Scored", state.message
    (file,) = out.rglob("*.parquet")
    written = pd.read_parquet(file, partitioning=None)

    day = journey.settings.data / "days" / "2026-01-10.parquet"
    raw = pd.read_parquet(day).sort_values(["at", "id"])
    raw.to_parquet(tmp_path / "rows.parquet", index=False)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    code = example.replace("my_model", journey.model).replace('["prepare"]', '["add_double"]')
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "env"], check=True)
    requirements = pip_requirements(read_model(journey.model, journey.settings))
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *requirements], check=True)
    child = subprocess.run(
        [python, "-c", code + PRINT],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": journey.settings.mlflow_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    answers = json.loads(child.stdout.splitlines()[-1])
    assert answers["score"] == list(written["score"])
    assert answers["decision"] == list(written["decision"])
    assert set(answers["decision"]) == {0, 1}
