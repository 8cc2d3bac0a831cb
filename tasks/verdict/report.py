"""The page a person decides on: the verdict in one sentence, what would make one doubt it, the numbers, the pictures, what changed.

Not here: its sentences (in_words.py), its pictures (plots.py), its style (tasks/pages), where it is kept (recording.py).
"""

from pathlib import Path

from tasks import pages
from tasks.verdict import in_words, plots
from tasks.verdict.judgement import Judgement


def write(judged: Judgement, folder: Path) -> None:
    """Write report.html and its pictures into `folder`; without pictures where nothing could be compared."""
    drawn = list(plots.draw(judged.contest, judged.compared.slices, folder)) if "candidate" in judged.contest.contestants else []
    page = pages.render(
        "verdict.html",
        document=judged.document,
        words=in_words,
        pictures=[(pages.embedded(folder / picture.file), picture.sentence) for picture in drawn],
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
