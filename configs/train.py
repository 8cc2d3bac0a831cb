"""The `train` section of a YAML: the estimator, and what columns go through before it.

Not here: making an estimator (tasks/model/training.py)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from configs import python_source
from configs.problems import Problem, nearest
from configs.section import Column, Identifier, Import, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig


class Preprocess(Section):
    """What is done to a group of columns before the estimator sees them; columns of no group pass as they are."""

    columns: tuple[Column, ...] = Field(min_length=1, description="Features.")
    impute: Literal["mean", "median", "most_frequent"] | None = Field(
        default=None, description="What takes the place of nulls."
    )
    encode: Literal["one_hot", "ordinal", "target", "counts", "date_parts"] | None = Field(
        default=None,
        description="How categories (one_hot, ordinal, target), texts (counts of words) or times (date_parts: year, month, day, day_of_week, hour) become numbers.",
    )

    @model_validator(mode="after")
    def _does_something(self) -> "Preprocess":
        if not (self.impute or self.encode):
            raise ValueError("says neither impute nor encode")
        if self.impute and self.encode in ("counts", "date_parts"):
            raise ValueError(f"impute does not go with encode: {self.encode}")
        return self


class Train(Section):
    estimator: Import = Field(
        description="Import string of an estimator with scikit-learn's interface."
    )
    params: dict[Identifier, Any] = Field(
        default_factory=dict,
        description="Its constructor's arguments; {estimator: IMPORT, params: {}} stands for another estimator, at any depth.",
    )
    preprocess: tuple[Preprocess, ...] = Field(
        default=(), description="What columns go through first."
    )
    scale: bool = Field(
        default=False,
        description="Standardise the numbers: those that no group encodes, and the parts of dates.",
    )
    sample_weight: Column | None = Field(
        default=None, description="Column of each training row's weight."
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        description="random_state of the estimator, where it takes one.",
    )

    @property
    def estimators(self) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
        """Every estimator in here, the outermost first: where in `train` it stands, its import string, its arguments."""
        yield (), self.estimator, self.params
        yield from _nested(("params",), self.params)


def _nested(
    where: tuple[str | int, ...], value: Any
) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
    if is_estimator(value):
        yield where, value["estimator"], value.get("params", {})
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, item in items:
        yield from _nested((*where, step), item)


def is_estimator(value: Any) -> bool:
    """Whether an argument stands for an estimator of its own."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("estimator"), str)
        and set(value) <= {"estimator", "params"}
    )


def train_problems(config: "ModelConfig") -> Iterator[Problem]:
    yield from _estimator_problems(config)
    yield from _preprocess_problems(config)


def _estimator_problems(config: "ModelConfig") -> Iterator[Problem]:
    for where, dotted, params in config.train.estimators:
        module, _, name = dotted.rpartition(".")
        found = python_source.find_class(dotted)
        if found is None:
            yield Problem(
                ("train", *where, "estimator"),
                f"{dotted!r} cannot be imported; {nearest(name, python_source.names_in(module))}",
            )
            continue
        for param in params:
            if found.arguments is not None and param not in found.arguments:
                yield Problem(
                    ("train", *where, "params", param),
                    f"is no argument of {name}; {nearest(param, found.arguments)}",
                )


def _preprocess_problems(config: "ModelConfig") -> Iterator[Problem]:
    data, seen = config.data, set[str]()
    for index, group in enumerate(config.train.preprocess):
        for place, column in enumerate(group.columns):
            here = ("train", "preprocess", index, "columns", place)
            if column not in data.features:
                yield Problem(here, f"{column!r} is no feature; {nearest(column, data.features)}")
            elif column in seen:
                yield Problem(here, f"{column!r} stands in another group too")
            elif (dtype := data.raw.get(column)) and not data.prepare:
                if (dtype == "datetime") != (group.encode == "date_parts"):
                    yield Problem(
                        here,
                        f"{column!r} is {dtype}; times, and nothing else, are encoded as date_parts",
                    )
                elif group.encode == "counts" and dtype != "string":
                    yield Problem(
                        here, f"{column!r} is {dtype}; counts are those of words in a string"
                    )
            seen.add(column)
    encoded = {
        column for group in config.train.preprocess if group.encode for column in group.columns
    }
    for index, feature in enumerate(data.features):
        if (
            data.raw.get(feature) in ("string", "datetime")
            and feature not in encoded
            and not data.prepare
        ):
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is {data.raw[feature]}, and an estimator takes numbers: name it in train.preprocess with an encode",
            )
