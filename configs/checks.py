"""The `checks` section of a YAML: what the data must satisfy, one expectation each.

Not here: what Great Expectations knows (expectations.py); computing a check (tasks/data/validation.py)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from configs.expectations import condition_columns, is_instant, problem_with
from configs.problems import Problem, nearest

if TYPE_CHECKING:
    from configs.model import ModelConfig


BETWEEN = (
    "column_values_to_be_between",
    "column_min_to_be_between",
    "column_max_to_be_between",
)  # compare values themselves


class Check(BaseModel):
    """One expectation as data: every key beside these three is an argument of the expectation."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = Field(
        description="Its name in reports and messages."
    )
    expect: str = Field(
        description="Name of a Great Expectations expectation, without `expect_`: column_values_to_not_be_null."
    )
    severity: Literal["critical", "warning", "info"] = Field(
        default="critical", description="critical stops the run; the others are recorded."
    )

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the arguments name."""
        named: list[str] = [
            self.arguments[key]
            for key in ("column", "column_A", "column_B")
            if key in self.arguments
        ]
        for key in ("column_list", "column_set"):
            named.extend(self.arguments.get(key) or ())
        return tuple(named)


def check_problems(config: "ModelConfig") -> Iterator[Problem]:
    known = (*config.data.raw, *config.data.features)
    ids = [check.id for check in config.checks]
    for index, check in enumerate(config.checks):
        if check.id in ids[:index]:
            yield Problem(("checks", index, "id"), f"{check.id!r} names another check too")
        if problem := problem_with(check.expect, check.arguments):
            yield Problem(("checks", index), problem)
            continue
        for column in (*check.columns, *condition_columns(check.arguments)):
            if column not in known:
                yield Problem(
                    ("checks", index),
                    f"column {column!r} is neither declared nor a feature; {nearest(column, known)}",
                )
        if check.expect in BETWEEN and (
            dtype := config.data.columns.get(check.arguments["column"])
        ):
            for name in ("min_value", "max_value"):
                bound = check.arguments.get(name)
                if bound is not None and is_instant(bound) != (dtype == "datetime"):
                    kind = "a time like 2026-01-31T00:00:00" if dtype == "datetime" else "a number"
                    yield Problem(
                        ("checks", index),
                        f"{name} {bound} is compared with {check.arguments['column']}, {dtype}; write {kind}",
                    )
