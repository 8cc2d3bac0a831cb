"""How the commands print: tables without lines and sentences, 80 columns wide.

Not here: what they print.
"""

import textwrap
from collections.abc import Collection, Iterable, Sequence

import click
from rich.console import Console
from rich.table import Table

WIDTH = 80
LABEL_WIDTH = 9
# more columns than these stand closer together
ROOMY_COLUMNS = 5


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    wrapping: Collection[str] | None = None,
    right: Collection[str] = (),
) -> None:
    """Print the rows under their headings, aligned, on a terminal as wide as it is.

    `wrapping` names the columns whose cells may continue on a further line, all when it is left
    out; `right` names those that are aligned to the right.
    """
    gap = 2 if len(headings) <= ROOMY_COLUMNS else 1
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, gap, 0, 0))
    for heading in headings:
        table.add_column(
            heading,
            no_wrap=wrapping is not None and heading not in wrapping,
            overflow="fold",
            justify="right" if heading in right else "left",
        )
    for row in rows:
        table.add_row(*row)
    width = None if Console().is_terminal else WIDTH
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def print_sentence(text: str, indent: str = "") -> None:
    """Print each line of the text, folded; what is folded under an indent is indented further."""
    further = f"{indent}  " if indent else ""
    for line in text.splitlines():
        click.echo("\n".join(_fold(line, WIDTH, indent, further)))


def print_items(label: str, sentences: Iterable[str]) -> None:
    """Print sentences behind their label, each on a line of its own, folded under itself."""
    for sentence in sentences:
        for line in _fold(sentence, WIDTH - LABEL_WIDTH):
            click.echo(f"{label:<{LABEL_WIDTH}}{line}")
            label = ""


def _fold(line: str, width: int, indent: str = "", further: str = "") -> list[str]:
    """The lines of a folded line; long words stay whole, so that an address can be copied."""
    return textwrap.wrap(
        line,
        width,
        initial_indent=indent,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
