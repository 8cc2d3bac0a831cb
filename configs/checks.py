"""The `checks` section of a YAML: what the data must satisfy, one expectation each.

Not here: which expectations there are (expectations.py); computing them
(tasks/data/expectations.py); what follows from their outcomes (tasks/data/validation.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from configs.check_types import type_problems
from configs.data import unknown_column
from configs.expectations import condition_columns, problem_with
from configs.problems import Problem

if TYPE_CHECKING:
    from configs.model import ModelConfig

Severity = Literal["critical", "warning", "info"]


class Check(BaseModel):
    """One expectation as data: every key beside these three is an argument of the expectation."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = Field(
        description="The check's name in reports and messages."
    )
    expect: str = Field(
        description=(
            "Name of a Great Expectations expectation without `expect_`, such as "
            "column_values_to_not_be_null."
        )
    )
    severity: Severity = Field(
        default="critical",
        description="A failed critical check stops the run; warning and info are only recorded.",
    )

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the expectation."""
        return dict(self.model_extra or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the arguments name."""
        columns: list[str] = []
        for name in ("column", "column_A", "column_B"):
            if name in self.arguments:
                columns.append(self.arguments[name])
        for name in ("column_list", "column_set"):
            columns.extend(self.arguments.get(name) or ())
        return tuple(columns)


def check_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What is wrong with each check, and what does not agree between it and `data`."""
    ids = [check.id for check in config.checks]
    for index, check in enumerate(config.checks):
        location = ("checks", index)
        if check.id in ids[:index]:
            yield Problem((*location, "id"), f"{check.id!r} is the id of another check too")
        problem = problem_with(check.expect, check.arguments)
        if problem:
            # arguments that are wrong in themselves name no columns to look up
            yield Problem(location, problem)
            continue
        for column in (*check.columns, *condition_columns(check.arguments)):
            yield from unknown_column(config.data, column, location)
        for sentence in type_problems(check.expect, check.arguments, config.data.raw):
            yield Problem(location, sentence)
