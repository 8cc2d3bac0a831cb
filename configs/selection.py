"""The keys of `data` that say which of the source's rows are used.

Not here: a single condition (conditions.py); selecting the rows (tasks/data/selection.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from configs.conditions import Condition, condition_problem, condition_type_problems
from configs.problems import Problem, nearest
from configs.section import Column, Section

if TYPE_CHECKING:
    from configs.data import Data


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(_as_list)]


class Duplicates(Section):
    """Which rows are copies of another, and which of them stays."""

    by: tuple[Column, ...] = Field(
        min_length=1, description="Rows with the same values in these columns are copies."
    )
    keep: Literal["first", "last"] = Field(
        default="first", description="The copy that stays, in the order of time and key."
    )

    def __str__(self) -> str:
        return f"the {self.keep} of those with the same {', '.join(self.by)}"


def selection_problems(data: "Data") -> Iterator[Problem]:
    """What is wrong with the conditions of `where`, and with the columns of `drop_duplicates`."""
    for index, condition in enumerate(data.where):
        location = ("data", "where", index)
        if condition.column not in data.raw:
            yield _undeclared(data, condition.column, (*location, "column"))
            continue
        as_written = condition.model_dump(exclude_unset=True)
        problem = condition_problem("where", as_written)
        if problem:
            yield Problem(location, problem)
            continue
        for sentence in condition_type_problems("where", as_written, data.raw):
            yield Problem(location, sentence)
    for index, column in enumerate(data.drop_duplicates.by if data.drop_duplicates else ()):
        if column not in data.raw:
            yield _undeclared(data, column, ("data", "drop_duplicates", "by", index))


def _undeclared(data: "Data", column: str, location: tuple[str | int, ...]) -> Problem:
    return Problem(location, f"{column!r} is not declared; {nearest(column, data.raw)}")
