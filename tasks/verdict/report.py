"""What a verdict leaves in MLflow: the page a person decides on, the evidence, and metrics.

Not here: the page's sentences (wording.py), its plots (plots.py), its style (tasks/pages); the
evidence that counts, which lies with the ledger (tasks/release/ledger.py).
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient

from tasks.model.plots import Picture
from tasks.pages import rendering
from tasks.records import Estimate
from tasks.tracking import runs
from tasks.verdict import evidence_json, plots, rule_wording, wording
from tasks.verdict.conclusion import conclusion
from tasks.verdict.evidence import Evidence
from tasks.verdict.judgement import Judgement


def log(client: MlflowClient, run_id: str, judgement: Judgement) -> None:
    """Log report.html and its plots, evidence.json, and each rule's numbers to the run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(judgement, folder)
        document = json.dumps(evidence_json.write(judgement.evidence), indent=1, allow_nan=False)
        (folder / "evidence.json").write_text(document, encoding="utf-8")
        client.log_artifacts(run_id, name)
    runs.log_metrics(client, run_id, dict(_metrics_of(judgement.evidence)))


def write(judgement: Judgement, folder: Path) -> None:
    """Write report.html and its plots to `folder`; without plots where nothing was compared."""
    evidence = judgement.evidence
    pictures: list[Picture] = []
    if "candidate" in judgement.contest.contestants:
        pictures = list(plots.draw(judgement.contest, evidence.slices, folder))
    page = rendering.render(
        "verdict.html",
        evidence=evidence,
        headline=wording.headline(evidence),
        conclusion=conclusion(evidence),
        doubts=wording.doubts(evidence),
        facts=wording.facts(evidence),
        columns=rule_wording.COLUMNS,
        rules=[rule_wording.row(verdict) for verdict in evidence.verdict.rules],
        methods=_methods_of(evidence),
        parts=_part_rows(evidence),
        pictures=[
            (rendering.embed_png(folder / picture.file), picture.caption) for picture in pictures
        ],
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _methods_of(evidence: Evidence) -> list[str]:
    """How the bounds of the rules were found, each method once."""
    estimates = [verdict.estimate for verdict in evidence.verdict.rules]
    return list(dict.fromkeys(e.method for e in estimates if isinstance(e, Estimate) and e.method))


def _part_rows(evidence: Evidence) -> list[dict[str, str]]:
    """The table of slices, each cell as text."""
    has_positives = any(part.positives is not None for part in evidence.slices)
    rows = []
    for part in evidence.slices:
        row = {"part": part.part, "rows": f"{part.rows:,}"}
        if has_positives:
            row["positives"] = "" if part.positives is None else f"{part.positives:,}"
        row["candidate"] = rule_wording.number(part.candidate)
        row["champion"] = rule_wording.number(part.other)
        if isinstance(part, Estimate):
            row["difference"] = rule_wording.signed_difference(part)
            row["interval"] = rule_wording.interval(part)
        else:
            row["difference"], row["interval"] = "too few rows", ""
        rows.append(row)
    return rows


def _metrics_of(evidence: Evidence) -> Iterator[tuple[str, float]]:
    for number, verdict in enumerate(evidence.verdict.rules, 1):
        for name in ("candidate", "other", "spare", "low", "high"):
            value = getattr(verdict.estimate, name, None)
            if value is not None:
                yield f"rule{number}/{verdict.rule.metric}/{name}", value
    if evidence.power is not None:
        yield "power", evidence.power
    yield "looks", float(evidence.looks)
