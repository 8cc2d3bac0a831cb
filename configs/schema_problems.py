"""What pydantic finds wrong in a document, told as problems of the YAML it came from.

Not here: what must agree across sections (model.py and the file of each section); naming the lines
(reading.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from configs.model import ModelConfig
from configs.problems import Location, Problem, nearest

LONGEST_VALUE = 60

SectionType = type[BaseModel]


@dataclass(frozen=True)
class Place:
    """A place in a document, and the sections that may stand around it.

    There is more than one where alternatives are possible, such as a split by time or by hash.
    """

    location: Location
    around: tuple[SectionType, ...]


def schema_problems(error: ValidationError, document: Any) -> list[Problem]:
    """A problem for each of pydantic's errors; `document` is plain Python, as it was validated."""
    problems: list[Problem] = []
    for details in error.errors():
        place = _place_of(details["loc"])
        # Pydantic counts valid items alone; the others have errors of their own
        if details["type"] == "too_short" and _value_at(place.location, document):
            continue
        problems.append(_problem(details, place, document))
    return problems


def _problem(details: ErrorDetails, place: Place, document: Any) -> Problem:
    location = place.location
    match details["type"]:
        case "extra_forbidden":
            hint = nearest(str(location[-1]), _keys_of(place.around))
            return Problem(location, f"is an unknown key; {hint}")
        case "missing":
            return Problem(location, "is missing")
        case "union_tag_not_found":
            return Problem((*location, _discriminator(details)), "is missing")
        case "union_tag_invalid":
            return Problem((*location, _discriminator(details)), _wrong_tag(details))
        case "value_error":
            return Problem(location, str(details["ctx"]["error"]))
    # Pydantic may end with steps of its own, such as a type that it tried: they are not keys
    location = _existing(location, document)
    value = _shortened(repr(_value_at(location, document)))
    return Problem(location, f"{value} is not allowed: {_reason(details)}")


def _reason(details: ErrorDetails) -> str:
    """Pydantic's sentence, but what it calls a tuple is a list in a YAML."""
    match details["type"]:
        case "too_long":
            context = details["ctx"]
            return f"at most {context['max_length']} items, not {context['actual_length']}"
        case "too_short":
            return f"at least {details['ctx']['min_length']} must be named"
        case "tuple_type":
            return "write a list"
        case "model_type" | "dict_type":
            return "write keys with their values, as {key: value}"
    message = details["msg"]
    return message[0].lower() + message[1:]


def _keys_of(sections: Sequence[SectionType]) -> set[str]:
    keys: set[str] = set()
    for section in sections:
        keys.update(section.model_fields)
    return keys


def _discriminator(details: ErrorDetails) -> str:
    """The key that chooses an alternative; pydantic gives it in quotes."""
    return str(details["ctx"]["discriminator"]).strip("'")


def _wrong_tag(details: ErrorDetails) -> str:
    tag = str(details["ctx"]["tag"])
    allowed = str(details["ctx"]["expected_tags"]).replace("'", "").split(", ")
    return f"{tag!r} is not allowed; {nearest(tag, allowed)}"


def _place_of(steps: Sequence[str | int]) -> Place:
    """Where in the document pydantic's steps lead.

    Where a section has alternatives, pydantic's next step is the tag of the chosen one, "time" for
    a split by time. The document has no such key, so the step is left out of the location.
    """
    location: Location = ()
    around: tuple[SectionType, ...] = (ModelConfig,)
    sections = around
    for step in steps:
        chosen = tuple(section for section in sections if _has_tag(section, step))
        if len(sections) > 1 and chosen:
            sections = chosen
            continue
        location = (*location, step)
        around = sections
        # The items of a list are what the list may hold: a position leads to the same sections
        if isinstance(step, str):
            sections = _sections_under(step, sections)
    return Place(location, around)


def _has_tag(section: SectionType, tag: str | int) -> bool:
    """Whether this alternative is chosen by `tag`: one of its fields allows nothing else."""
    return any(get_args(field.annotation) == (tag,) for field in section.model_fields.values())


def _sections_under(key: str, sections: Sequence[SectionType]) -> tuple[SectionType, ...]:
    """The sections that may stand under a key of these sections."""
    under: list[SectionType] = []
    for section in sections:
        field = section.model_fields.get(key)
        if field:
            under.extend(_sections_of(field.annotation))
    return tuple(under)


def _sections_of(annotation: Any) -> list[SectionType]:
    """The section that an annotation is, or those among its arguments."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    sections: list[SectionType] = []
    for argument in get_args(annotation):
        sections.extend(_sections_of(argument))
    return sections


def _existing(location: Location, document: Any) -> Location:
    """As much of `location` as the document has."""
    value = document
    for depth, step in enumerate(location):
        # the characters of a text are no values of the document
        if isinstance(value, str):
            return location[:depth]
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return location[:depth]
    return location


def _value_at(location: Location, document: Any) -> Any:
    value = document
    for step in _existing(location, document):
        value = value[step]
    return value


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[: LONGEST_VALUE - 3]}..."
