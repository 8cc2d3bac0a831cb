"""The key `data.source` of a YAML: where the rows come from, and how its files are written.

Not here: the columns of the rows and what they mean (data.py); reading them (tasks/data).
"""

import codecs
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from configs import python_source
from configs.problems import Problem, nearest
from configs.section import Column, Identifier, Import, Section

# what RATCHET_DATA names, at the beginning of a path
DATA_FOLDER = "${RATCHET_DATA}"
CSV_ENDING = r"\.(csv|tsv|txt)(\.gz|\.bz2)?$"


# as SQLAlchemy finds them: not ::, and not after a backslash
PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"{name!r} is not an encoding that Python knows") from error


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Character = Annotated[str, StringConstraints(min_length=1, max_length=1, pattern=r"^[\x00-\x7f]$")]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Csv(Section):
    """How the CSV files of a source are written."""

    separator: Character = Field(default=",", description="Character between two fields.")
    quote: Character = Field(
        default='"', description="Character around a field that holds separators or line breaks."
    )
    decimal: Literal[".", ","] = Field(default=".", description="Decimal sign of numbers.")
    thousands: Literal["", ".", ",", "'", " "] = Field(
        default="", description="Sign between groups of three digits, as the point in 1.234,50."
    )
    encoding: Encoding = Field(default="utf-8", description="Encoding, such as cp1252 or latin-1.")
    dates: Texts = Field(
        default=(),
        description=(
            "Format of times, or a list of formats, in strptime's directives, such as "
            "'%d/%m/%Y %H:%M'. If left out, times are in ISO 8601."
        ),
    )
    nulls: Texts = Field(
        default=(), description="Texts that stand for a null, such as NA, beside the empty field."
    )


class FilesSource(Section):
    """Rows in files."""

    kind: Literal["files"] = Field(description="The rows are in files that match a glob pattern.")
    path: str = Field(
        pattern=rf"\.parquet$|{CSV_ENDING}",
        description=(
            "Glob pattern of Parquet or CSV files, on disk or at s3://. ${RATCHET_DATA} stands for "
            "the data folder. A date in a file's name (2018-08-14) tells which day the file holds; "
            "folders named like year=2018 are columns, if these are declared."
        ),
    )
    csv: Csv = Field(default=Csv(), description="How the CSV files are written.")
    origin: Column | None = Field(
        default=None,
        description="A column to add: the name of the row's file, without its extension.",
    )


class PythonSource(Section):
    """Rows that a Python function returns."""

    kind: Literal["python"] = Field(description="The rows are returned by a Python function.")
    function: Import = Field(
        description=(
            "Import string of a function that returns a DataFrame, or an object that has one as "
            "its attribute `frame`."
        ),
    )
    arguments: dict[Identifier, Any] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )


class SqlSource(Section):
    """Rows that a query selects in a database."""

    kind: Literal["sql"] = Field(description="The rows are the result of a query in a database.")
    url: str = Field(
        pattern=r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$",
        description=(
            "The environment variable that holds the database's SQLAlchemy URL, as "
            "${WAREHOUSE_URL}: a YAML holds no passwords."
        ),
    )
    query: str = Field(
        min_length=1,
        description=(
            "SELECT that returns the declared columns. :start and :end stand for the bounds of the "
            "rows that a run needs: at >= :start and at < :end."
        ),
    )

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return self.url[2:-1]

    @property
    def takes_period(self) -> bool:
        """Whether the query asks for the rows of a period, and no others."""
        return {"start", "end"} <= set(PARAMETER.findall(self.query))


Source = Annotated[FilesSource | PythonSource | SqlSource, Field(discriminator="kind")]


def source_problems(source: FilesSource | PythonSource | SqlSource) -> Iterator[Problem]:
    """What is wrong with a source by itself."""
    match source:
        case FilesSource():
            yield from _file_problems(source)
        case PythonSource():
            yield from _function_problems(source)
        case SqlSource():
            yield from _query_problems(source)


def _file_problems(source: FilesSource) -> Iterator[Problem]:
    if not source.path.startswith((f"{DATA_FOLDER}/", "/")) and "://" not in source.path:
        yield Problem(
            ("data", "source", "path"),
            f"is {source.path}; write a full path, or begin it with {DATA_FOLDER}/",
        )
    if source.path.endswith(".parquet") and source.csv != Csv():
        yield Problem(
            ("data", "source", "csv"),
            f"describes CSV files, but {source.path} names Parquet files; remove it",
        )
    if source.csv.thousands == source.csv.decimal:
        yield Problem(
            ("data", "source", "csv", "thousands"),
            f"is {source.csv.thousands!r}, which is the decimal sign too",
        )
    if source.csv.separator in (source.csv.decimal, source.csv.quote):
        yield Problem(
            ("data", "source", "csv", "separator"),
            f"is {source.csv.separator!r}, which is the decimal sign or the quote too",
        )


def _function_problems(source: PythonSource) -> Iterator[Problem]:
    module, _, name = source.function.rpartition(".")
    names = python_source.names_in(module)
    if name not in names:
        yield Problem(
            ("data", "source", "function"),
            f"{source.function!r} cannot be imported; {nearest(name, names)}",
        )


def _query_problems(source: SqlSource) -> Iterator[Problem]:
    for name in PARAMETER.findall(source.query):
        if name not in ("start", "end"):
            yield Problem(
                ("data", "source", "query"),
                f"has a parameter :{name}; a query may use :start and :end, and \\: is a colon",
            )
