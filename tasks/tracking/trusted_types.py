"""Which types a model may hold: those of known libraries; others could run code when loaded.

Not here: saving and loading (model_files.py).
"""

from pathlib import Path

import skops.io

from configs.errors import ModelRejected

TRUSTED = (
    "sklearn.",
    "numpy.",
    "scipy.",
    "xgboost.",
    "lightgbm.",
    "catboost.",
    "collections.OrderedDict",
    # reads one part of a date
    "operator.attrgetter",
)


def require_trusted_files(files: Path) -> None:
    """Return when all types in these model files are on the allow-list; else ModelRejected."""
    for file in files.glob("*.skops"):
        require_trusted_types(skops.io.get_untrusted_types(file=file))


def require_trusted_types(types: list[str]) -> None:
    untrusted = [name for name in types if not name.startswith(TRUSTED)]
    if untrusted:
        raise ModelRejected(
            f"the model holds {', '.join(untrusted)}, which could run code when it is loaded;"
            " leave it out of train.params, or compute it in prepare"
        )
