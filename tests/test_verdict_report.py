"""The page a person decides on: whole in one file, escaped, with both models in every picture."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import Compared, compare
from tasks.comparison.contest import Contest
from tasks.records import Verdict
from tasks.verdict import report
from tasks.verdict.judgement import Judgement
from tests.contests import config_of, contest_of
from tests.documents import evidence_of

PICTURES = {
    "binary": {"slices", "precision_recall", "roc", "calibration", "scores", "cost"},
    "multiclass": {"slices", "classes"},
    "regression": {"slices", "errors"},
}
METRIC = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mean_absolute_error"}


def contest(kind: str) -> Contest:
    random = np.random.default_rng(0)
    prices = {"minimise": "cost", "false_positive": 1, "false_negative": 5}
    config = config_of(
        {"metric": METRIC[kind], "not_worse_than": "champion", "by": 0.1},
        kind=kind,
        columns={"half": "int64", "customer": "int64"},
        slices={"halves": {"half": "values"}},
        comparison={"units": ["customer"]},
        threshold=prices if kind == "binary" else None,
    )
    truth: Any = {
        "binary": random.integers(0, 2, 300),
        "multiclass": random.choice(["a", "b", "c"], 300),
        "regression": random.normal(size=300),
    }[kind]
    rows = pd.DataFrame({"y": truth, "half": np.arange(300) % 2, "customer": np.arange(300) // 6})
    if kind == "multiclass":
        made = [
            pd.DataFrame(random.dirichlet([1, 1, 1], 300), columns=["a", "b", "c"])
            for _ in range(2)
        ]
    elif kind == "binary":
        made = [np.clip(0.3 * truth + 0.7 * random.random(300), 0, 1) for _ in range(2)]
    else:
        made = [truth + random.normal(size=300) for _ in range(2)]
    return contest_of(config, rows, candidate=made[0], champion=made[1])


@pytest.mark.parametrize("kind", PICTURES)
def test_the_page_has_the_pictures_of_its_kind_and_needs_nothing_else(
    tmp_path: Path, kind: str
) -> None:
    compared = contest(kind)
    found = compare(compared, Levels(0.05, 0.05))
    report.write(
        Judgement(Verdict("PASS", ()), evidence_of(slices=found.slices), compared, found),
        tmp_path,
    )
    page = (tmp_path / "report.html").read_text()
    assert {picture.stem for picture in tmp_path.glob("*.png")} == PICTURES[kind]
    assert set(re.findall(r"(?:src|href)=.([^\"']{0,22})", page)) == {"data:image/png;base64,"}
    assert page.count("<figure>") == len(PICTURES[kind])
    assert ("The bands hold 95% of 200 resamples of customer." in page) == (kind == "binary")
    assert (
        page.index("Significantly better in average_precision")
        < page.index("Doubts")
        < page.index("Rules")
        < page.index("Changed since champion 2")
    )


def test_words_from_elsewhere_are_escaped_and_a_contest_that_could_not_be_held_has_its_reason(
    tmp_path: Path,
) -> None:
    evidence = evidence_of(problems=("champion 2 cannot be compared: <script>alert(1)</script>",))
    nothing = Contest(config_of({"metric": "roc_auc", "at_least": 0.5}), pd.DataFrame(), {})
    report.write(Judgement(Verdict("FAIL", ()), evidence, nothing, Compared()), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "Champion 2 cannot be compared: &lt;script&gt;" in page
    assert "<script>" not in page
    assert "<figure>" not in page
