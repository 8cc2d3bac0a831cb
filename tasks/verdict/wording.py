"""Evidence as people read it: the headline, the numbers, facts, doubts and changes.

Pure: evidence in, lines of text out, for the terminal, the approval's form and the report alike.
Not here: what the verdict comes to (conclusion.py), one rule's numbers (rule_wording.py), the
layout of the report (report.py) and of the terminal (deployments/commands/show.py).
"""

from configs.built_in_metrics import METRICS, greater_is_better
from tasks.records import Estimate, RuleVerdict
from tasks.verdict import rule_wording
from tasks.verdict.conclusion import conclusion
from tasks.verdict.evidence import Evidence
from tasks.verdict.rule_wording import as_sentence, number, percent, signed_difference

# a gate with less refuses too many models that are as good as the champion
ENOUGH_POWER = 0.8
# with fewer, a handful of rows carries the uncertainty of a metric
FEW_DEGREES_OF_FREEDOM = 10
# of a metric in which no single row can weigh much
WIDEST_RANGE = 2


def headline(evidence: Evidence) -> str:
    """Which version against which, and the verdict."""
    champion = evidence.champion
    opponent = f"vs champion {champion.version}" if champion else "with no champion yet"
    return f"{evidence.model} {evidence.candidate.version} {opponent}: {evidence.verdict.outcome}"


def facts(evidence: Evidence) -> list[str]:
    """What to know of the comparison, and of how the candidate was made."""
    sentences = [_holdout(evidence), _training(evidence)]
    if evidence.power is not None and evidence.power >= ENOUGH_POWER:
        sentences.append(_power(evidence.power))
    for name, value in evidence.baselines.items():
        baseline = name.replace("_", " ")
        sentences.append(f"Baseline ({baseline}): {evidence.main_metric} {number(value)}.")
    return sentences


def champion_failures(evidence: Evidence) -> list[str]:
    """The rules that the champion itself no longer meets, a sentence each."""
    version = evidence.champion.version if evidence.champion else ""
    return [
        f"Champion {version} itself no longer meets the gate on these rows: "
        f"{rule_wording.sentence(verdict)}."
        for verdict in evidence.failed_by_champion
    ]


def doubts(evidence: Evidence) -> list[str]:
    """What a person should weigh before saying yes."""
    sentences = list(evidence.notes)
    sentences += champion_failures(evidence)
    sentences += _unbeaten_baselines(evidence)
    sentences += _carried_by_few_rows(evidence)
    if evidence.power is not None and evidence.power < ENOUGH_POWER:
        sentences.append(_power(evidence.power))
    sentences += _worst_part(evidence)
    if evidence.looks > 1:
        sentences.append(
            f"{evidence.looks} training runs, including this one, have shown holdout metrics "
            "since this champion was promoted."
        )
    if evidence.holdout.left_out:
        rows = f"{evidence.holdout.left_out:,} holdout rows"
        sentences.append(f"{rows} were left out by the exclude setting or for missing values.")
    if evidence.candidate.git_dirty:
        sentences.append("It was trained with uncommitted code.")
    return sentences + [as_sentence(text) for text in evidence.model_signature]


def _unbeaten_baselines(evidence: Evidence) -> list[str]:
    """Which baselines are no worse in the main metric than the candidate, or than the champion."""
    metric = evidence.main_metric
    values = {"The candidate": evidence.metrics.get(f"holdout/{metric}")}
    if evidence.champion and evidence.better:
        values[f"Champion {evidence.champion.version}"] = evidence.better.other
    return [
        f"{who} does not beat the baseline ({name.replace('_', ' ')}): "
        f"{metric} {number(value, beside=baseline)} vs {number(baseline)}."
        for who, value in values.items()
        for name, baseline in evidence.baselines.items()
        if value is not None and not _is_better(metric, value, baseline)
    ]


def _carried_by_few_rows(evidence: Evidence) -> list[str]:
    """The metrics whose range is open, and whose variance few rows determine, such as wild errors.

    No resample holds a kind of row that the holdout does not.
    """
    metrics = dict.fromkeys(
        verdict.rule.metric
        for verdict in evidence.verdict.rules
        if isinstance(verdict.estimate, Estimate) and _is_carried_by_few_rows(verdict)
    )
    return [
        f"The bounds of {metric} rest on very few rows with large errors and may be too narrow."
        for metric in metrics
    ]


def _is_carried_by_few_rows(verdict: RuleVerdict) -> bool:
    metric, estimate = METRICS.get(verdict.rule.metric), verdict.estimate
    if metric is None or not isinstance(estimate, Estimate) or not estimate.degrees_of_freedom:
        return False
    is_open_ended = metric.range is None or metric.range > WIDEST_RANGE
    return is_open_ended and estimate.degrees_of_freedom < FEW_DEGREES_OF_FREEDOM


def _is_better(metric: str, value: float, other: float) -> bool:
    return value > other if greater_is_better(metric) else value < other


def form_text(evidence: Evidence, report_page: str) -> str:
    """What the approval's form shows above its questions; a small screen shows the first lines.

    Prefect's dialog has room for one column of a table, so each rule is a sentence.
    """
    rules = [f"- {rule_wording.sentence(verdict)}" for verdict in evidence.verdict.rules]
    lines = [
        f"**{headline(evidence)}**. {conclusion(evidence)} [Full report]({report_page})",
        "",
        *rules,
        "",
        " ".join(doubts(evidence)),
    ]
    return "\n".join(lines)


def markdown(evidence: Evidence) -> str:
    """The evidence as the runs' pages in Prefect and MLflow show it."""
    lines = [
        f"**{headline(evidence)}**",
        "",
        conclusion(evidence),
        "",
        *_markdown_table(evidence),
        "",
        " ".join([*doubts(evidence), *facts(evidence)]),
    ]
    if evidence.changes:
        lines += ["", f"Changed: {'; '.join(evidence.changes)}."]
    return "\n".join(lines)


def _power(power: float) -> str:
    return f"Power {power:.0%}: how often a model exactly as good as the champion would pass."


def _worst_part(evidence: Evidence) -> list[str]:
    """The part of a slice with the largest loss, or else the smallest gain."""
    parts = [part for part in evidence.slices if isinstance(part, Estimate)]
    if not parts:
        return []
    worst = min(parts, key=lambda part: part.spare)
    what = "Largest loss among slices" if worst.spare < 0 else "Smallest gain among slices"
    positives = "" if worst.positives is None else f", {worst.positives:,} positives"
    bounds = f"simultaneous {percent(worst.confidence)} interval {rule_wording.interval(worst)}"
    size = f"{worst.rows:,} rows{positives}"
    return [f"{what}: {worst.part}, {signed_difference(worst)} ({bounds}; {size})."]


def _holdout(evidence: Evidence) -> str:
    holdout = evidence.holdout
    days = ""
    if holdout.start and holdout.end:
        days = f" {holdout.start:%Y-%m-%d} .. {holdout.end:%Y-%m-%d}"
    positives = "" if holdout.positives is None else f", {holdout.positives:,} positives"
    return f"Holdout{days}: {_counted(holdout.rows)} rows{positives}."


def _training(evidence: Evidence) -> str:
    """The training rows: how many, up to when, how old they were at the verdict; and the code."""
    training, commit = evidence.training, evidence.candidate.git_commit
    until = ""
    if training.train_end:
        until = f" up to {training.train_end:%Y-%m-%d}"
    if training.train_end and evidence.judged_on:
        age = (evidence.judged_on - training.train_end.date()).days
        until += f", {age} days before the verdict"
    code = commit[:7] if commit.isalnum() else commit
    return f"Trained on {_counted(training.train_rows)} rows{until}; code {code}."


def _counted(rows: int | None) -> str:
    return "an unknown number of" if rows is None else f"{rows:,}"


def _markdown_table(evidence: Evidence) -> list[str]:
    columns = rule_wording.COLUMNS
    alignment = "|---|" + "---:|" * (len(columns) - 2) + "---|"
    rows = [rule_wording.row(verdict).cells for verdict in evidence.verdict.rules]
    return [f"| {' | '.join(columns)} |", alignment, *(f"| {' | '.join(row)} |" for row in rows)]
