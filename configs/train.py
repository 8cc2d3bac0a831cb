"""The `train` section of a YAML: the estimator, and what columns go through before it.

Not here: making an estimator (tasks/model/training.py).
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from configs import python_source
from configs.data import Data
from configs.problems import Location, Problem, nearest
from configs.section import Column, Identifier, Import, Section

if TYPE_CHECKING:
    from configs.model import ModelConfig

# the packages of the extra of that name
BOOSTING = ("xgboost", "lightgbm", "catboost")


class Preprocess(Section):
    """What is done to a group of columns before the estimator sees them.

    Columns of no group pass as they are.
    """

    columns: tuple[Column, ...] = Field(min_length=1, description="The features of this group.")
    impute: Literal["mean", "median", "most_frequent"] | None = Field(
        default=None, description="What missing values are filled with."
    )
    encode: Literal["one_hot", "ordinal", "target", "counts", "date_parts"] | None = Field(
        default=None,
        description=(
            "How values become numbers: categories by one_hot, ordinal or target, texts by counts "
            "(of words), times by date_parts (year, month, day, day_of_week, hour)."
        ),
    )

    @model_validator(mode="after")
    def _require_something_to_do(self) -> "Preprocess":
        if not (self.impute or self.encode):
            raise ValueError("needs impute or encode")
        if self.impute and self.encode in ("counts", "date_parts"):
            raise ValueError(f"impute does not go with encode: {self.encode}")
        return self


class PlacedEstimator(NamedTuple):
    """An estimator of the section: where in `train` it is, its import string, its arguments."""

    location: Location
    import_string: str
    params: dict[str, Any]


class Train(Section):
    """How the model is trained."""

    estimator: Import = Field(
        description="Import string of an estimator that implements scikit-learn's interface."
    )
    params: dict[Identifier, Any] = Field(
        default_factory=dict,
        description=(
            "Arguments of its constructor. {estimator: IMPORT, params: {}} stands for another "
            "estimator, at any depth."
        ),
    )
    preprocess: tuple[Preprocess, ...] = Field(
        default=(), description="What groups of columns go through before the estimator."
    )
    scale: bool = Field(
        default=False,
        description=(
            "Whether to standardise numbers: the columns that no group encodes, and the parts of "
            "dates."
        ),
    )
    sample_weight: Column | None = Field(
        default=None, description="Column of each training row's weight."
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        description="random_state of the estimator, if it takes one.",
    )

    @property
    def estimators(self) -> Iterator[PlacedEstimator]:
        """Every estimator of this section, the outermost first."""
        yield PlacedEstimator((), self.estimator, self.params)
        yield from _estimators_within(self.params, ("params",))


def is_estimator(value: Any) -> bool:
    """Whether an argument stands for an estimator of its own."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("estimator"), str)
        and set(value) <= {"estimator", "params"}
    )


def _estimators_within(value: Any, location: Location) -> Iterator[PlacedEstimator]:
    if is_estimator(value):
        yield PlacedEstimator(location, value["estimator"], value.get("params", {}))
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, item in items:
        yield from _estimators_within(item, (*location, step))


def train_problems(config: "ModelConfig") -> Iterator[Problem]:
    """What does not agree between `train`, `data` and the estimators' own Python."""
    for estimator in config.train.estimators:
        yield from _estimator_problems(estimator)
    yield from _preprocess_problems(config)
    yield from _unencoded_features(config)


def _estimator_problems(estimator: PlacedEstimator) -> Iterator[Problem]:
    module, _, name = estimator.import_string.rpartition(".")
    estimator_class = python_source.find_class(estimator.import_string)
    if estimator_class is None:
        place = ("train", *estimator.location, "estimator")
        yield Problem(
            place, f"{estimator.import_string!r} cannot be imported; {_remedy(module, name)}"
        )
        return
    arguments = estimator_class.arguments
    if arguments is None:
        return
    for param in estimator.params:
        if param not in arguments:
            yield Problem(
                ("train", *estimator.location, "params", param),
                f"is not an argument of {name}; {nearest(param, arguments)}",
            )


def _remedy(module: str, name: str) -> str:
    """What to do about a name that a module does not have: install it, or write another."""
    package = module.partition(".")[0]
    if python_source.is_installed(package):
        return nearest(name, python_source.names_in(module))
    remedy = (
        "uv sync --extra boosting" if package in BOOSTING else "install it, or correct the name"
    )
    return f"{package} is not installed: {remedy}"


def _preprocess_problems(config: "ModelConfig") -> Iterator[Problem]:
    grouped: set[str] = set()
    for group_index, group in enumerate(config.train.preprocess):
        for column_index, column in enumerate(group.columns):
            location = ("train", "preprocess", group_index, "columns", column_index)
            if column not in config.data.features:
                hint = nearest(column, config.data.features)
                yield Problem(location, f"{column!r} is not a feature; {hint}")
            elif column in grouped:
                yield Problem(location, f"{column!r} is in another group too")
            else:
                yield from _encoding_problems(config.data, group, column, location)
            grouped.add(column)


def _encoding_problems(
    data: Data, group: Preprocess, column: str, location: Location
) -> Iterator[Problem]:
    dtype = _final_dtype(data, column)
    if dtype is None:
        return
    if (dtype == "datetime") != (group.encode == "date_parts"):
        yield Problem(
            location, f"{column!r} is {dtype}; times, and nothing else, are encoded as date_parts"
        )
    elif group.encode == "counts" and dtype != "string":
        yield Problem(location, f"{column!r} is {dtype}; only the words of a string are counted")


def _unencoded_features(config: "ModelConfig") -> Iterator[Problem]:
    """The features that no estimator can take as they are."""
    encoded: set[str] = set()
    for group in config.train.preprocess:
        if group.encode:
            encoded.update(group.columns)
    for index, feature in enumerate(config.data.features):
        dtype = _final_dtype(config.data, feature)
        if dtype in ("string", "datetime") and feature not in encoded:
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is {dtype}, and an estimator takes numbers: "
                "name it in train.preprocess with an encode",
            )


def _final_dtype(data: Data, column: str) -> str | None:
    """The type in which a column reaches training, or None: `prepare` may change any."""
    return None if data.prepare else data.raw.get(column)
