"""Pages that people open: each is one HTML file that needs nothing else.

They are escaped, and readable on a phone and on paper in black and white. Here are the templates
beside this file and how they are filled in. Not here: what the pages say (the packages that fill
them in).
"""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """The page made from one of the templates; every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def embed_png(picture: Path) -> str:
    """A PNG as a `data:` URL, which holds the picture itself."""
    encoded = base64.b64encode(picture.read_bytes()).decode()
    return f"data:image/png;base64,{encoded}"
