"""Keys of the mappings within an estimator's parameters, as texts that JSON can hold.

A class_weight has classes for keys, which may be numbers. As a text, a key is what YAML reads as
that key: 0 is "0", and the text "0" is "'0'" in quotes of its own.
Not here: which parameters an estimator has (train.py).
"""

import json
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


def text_of_key(key: Any) -> str:
    """The text that stands for a key in a stored configuration."""
    if not isinstance(key, str):
        return json.dumps(key) if isinstance(key, bool | int | float | None) else str(key)
    return key if key_of_text(key) == key else json.dumps(key)


def key_of_text(text: str) -> Any:
    """The key that a text of `text_of_key` stands for."""
    try:
        return YAML(typ="safe").load(text)
    except (YAMLError, ValueError):
        # no key of YAML, so it can only stand for itself
        return text
