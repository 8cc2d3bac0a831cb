"""Evidence as people read it: one sentence first, then what would make one doubt it, then the numbers, then what changed.

Pure: documents in, lines of text out, for the terminal, the approval's form and the report alike. Not here: what is in a document (evidence.py).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

Document = Mapping[str, Any]


def headline(document: Document) -> str:
    """Who against whom, and the verdict."""
    champion = document["champion"]
    against = f"against champion {champion['version']}" if champion else "with no champion yet"
    return f"{document['model']} {document['candidate']['version']} {against}: {document['verdict']['outcome']}"


def answer(document: Document) -> str:
    """The verdict in one sentence: how much better in the first metric, or why not."""
    verdict, better = document["verdict"], document["better"]
    if verdict["problems"]:
        return _sentence(verdict["problems"][0])
    deciding = [
        rule["sentence"] for rule in verdict["rules"] if rule["outcome"] == verdict["outcome"]
    ]
    if verdict["outcome"] != "PASS":
        return _sentence(deciding[0]) if deciding else "No rule could be judged."
    if not better or better["spare"] is None or better["low"] is None:
        return _sentence(f"every rule is kept: {deciding[0]}")
    if better["low"] == better["high"]:
        return (
            f"It answers every row as the champion does, as far as {document['main_metric']} sees."
        )
    clearly = "Better than" if better["low"] > 0 else "Not clearly better than"
    sure = f"by {better['low']:+.3g} at least with {100 * better['confidence']:.3g} %"
    return (
        f"{clearly} the champion in {document['main_metric']}: by {better['spare']:+.3g}, {sure}."
    )


def doubts(document: Document) -> list[str]:
    """What would make one doubt the verdict."""
    found = list(document["notes"])
    holdout = document["holdout"]
    if document["champion"] and document["power"] is not None:
        found.append(
            f"A model just as good as the champion would pass this gate {100 * document['power']:.0f} times in 100."
        )
    worst = [
        part for part in document["slices"] if part["spare"] is not None and part["low"] is not None
    ]
    if worst:
        part = min(worst, key=lambda each: each["spare"])
        positives = f", {part['positives']:,} positives" if part["positives"] is not None else ""
        found.append(
            f"Worst slice: {part['part']} ({part['spare']:+.3g}, at least {part['low']:+.3g} with {100 * part['confidence']:.3g} % "
            f"for all slices at once; {part['rows']:,} rows{positives})."
        )
    if document["looks"] > 1:
        found.append(
            f"{document['looks']} runs showed their holdout's metrics since this champion came, this one among them."
        )
    if holdout["holdout_left_out"] not in ("", "0"):
        found.append(
            f"{_counted(holdout['holdout_left_out'])} holdout rows are left out by the model's own rule."
        )
    if document["candidate"]["git_dirty"] == "True":
        found.append("It was trained with code that was not committed.")
    found += [_sentence(text) for text in document["signature"]]
    return found


def about(document: Document) -> list[str]:
    """The rows it learned from and was judged on, and how old the first are."""
    return [holdout_in_words(document), training_in_words(document)]


def as_question(document: Document, page: str) -> str:
    """What the approval's form says above its questions, the gravest first: on a small screen Prefect shows only the first lines."""
    rules = [
        f"- {row['verdict']} {row['rule']}: {row['candidate']}{row['sure'] and ', surely '}{row['sure']}"
        for row in table(document)
    ]
    return "\n".join([
        f"**{headline(document)}**. {answer(document)} [Everything that this rests on]({page})", "", " ".join(doubts(document)), "", *rules
    ])  # fmt: skip


def as_markdown(document: Document) -> str:
    """The evidence as the runs' pages show it."""
    rows = [
        f"| {shown['rule']} | {shown['candidate']} | {shown['other']} | {shown['sure']} | {shown['verdict']} |"
        for shown in table(document)
    ]
    return "\n".join([
        f"**{headline(document)}**", "", answer(document), "",
        "| rule | candidate | other | surely | verdict |",
        "|---|---|---|---|---|",
        *rows, "",
        " ".join([*doubts(document), *about(document)]),
        *(["", f"Changed: {'; '.join(document['changes'])}."] if document["changes"] else []),
    ])  # fmt: skip


def table(document: Document) -> list[dict[str, str]]:
    """The rules with their numbers as text: the metric, the other version's, what is sure of it, the verdict."""
    return [_row(rule) for rule in document["verdict"]["rules"]]


def holdout_in_words(document: Document) -> str:
    """The days on which the candidate was judged if there are any, its rows, and its positives if it has any."""
    holdout = document["holdout"]
    days = (
        f" {holdout['holdout_start'][:10]} .. {holdout['holdout_end'][:10]}"
        if holdout["holdout_start"]
        else ""
    )
    positives = (
        f", {_counted(holdout['holdout_positives'])} positives"
        if holdout["holdout_positives"]
        else ""
    )
    return f"Holdout{days}: {_counted(holdout['holdout_rows'])} rows{positives}."


def training_in_words(document: Document) -> str:
    """How many rows the candidate learned from, up to when and how long ago if they have days, with which code."""
    training, commit = document["training"], document["candidate"]["git_commit"]
    code = commit[:7] if commit.isalnum() else commit
    until = f" up to {training['train_end'][:10]}" if training["train_end"] else ""
    age = (
        (
            date.fromisoformat(document["judged_on"])
            - date.fromisoformat(training["train_end"][:10])
        ).days
        if until
        else 0
    )
    old = f", {age} days before it was judged" if until else ""
    return f"Trained on {_counted(training['train_rows'])} rows{until}{old}, code {code}."


def _row(rule: Document) -> dict[str, str]:
    estimate = rule["estimate"]
    where = f", {estimate['part']}" if estimate["part"] else ""
    return {
        "rule": f"{rule['rule']}{where}",
        "candidate": _number(estimate["candidate"]),
        "other": "" if estimate["other"] is None else _number(estimate["other"]),
        "sure": _surely(rule["rule"], estimate, failed=rule["outcome"] == "FAIL"),
        "verdict": rule["outcome"],
    }


def _surely(rule: str, estimate: Document, *, failed: bool) -> str:
    """The bound that decides: of the difference to the other version, better side up, or of the metric itself."""
    sure = estimate["high"] if failed else estimate["low"]
    if sure is None or estimate["low"] == estimate["high"]:
        return ""
    if estimate["other"] is not None:
        needed = estimate["margin"] if " better than" in rule else -estimate["margin"]
        return f"{'<' if failed else '>'} {sure + needed:+.3g}"
    if " at least " in rule:
        return f"{'<' if failed else '>'} {estimate['candidate'] - estimate['spare'] + sure:.4g}"
    return f"{'>' if failed else '<'} {estimate['candidate'] + estimate['spare'] - sure:.4g}"


def _sentence(text: str) -> str:
    first, _, rest = text.partition(" ")
    return f"{first if '_' in first else first.capitalize()} {rest}."


def _counted(recorded: str) -> str:
    return f"{int(recorded):,}" if recorded else "unknown"


def _number(value: float | None) -> str:
    return "missing" if value is None else f"{value:.4g}"
