"""What the sections of a YAML are made of: the base class of all, and the types of their values.

Not here: any section itself."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Import = Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
