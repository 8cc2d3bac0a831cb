"""What the sections of a YAML are made of: their base class, and the types of their values.

Not here: the sections themselves, each in the file of its name.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Import = Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)+$")]
# at most a century
Days = Annotated[int, Field(le=36_525)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping of a YAML, frozen and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
