"""What happens to the models' files while `ratchet up` serves them: broken, repaired, added.

Not here: the processes of the stack (stack.py); serving the models (runner.py).
"""

from collections.abc import Collection
from pathlib import Path

from configs.reading import Models, read_models
from configs.settings import Settings

# of a file: when it was changed, and its size
Stamp = tuple[int, int]


class ModelFiles:
    """The models as their files say now, read again only after one of these changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamps: dict[Path, Stamp] | None = None
        self._models = Models((), {})

    def read(self) -> Models:
        """All models; the same object as long as no file changes."""
        stamps = self._read_stamps()
        if stamps != self._stamps:
            self._models, self._stamps = read_models(self._settings), stamps
        return self._models

    def _read_stamps(self) -> dict[Path, Stamp]:
        stamps = {}
        for path in self._settings.models.glob("*.*"):
            if path.suffix in (".yaml", ".py"):
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    # removed between the two looks
                    continue
                stamps[path] = (stat.st_mtime_ns, stat.st_size)
        return stamps


class ModelWatch:
    """Tells each change of the models once."""

    def __init__(self, settings: Settings, known: Collection[str]) -> None:
        self._files = ModelFiles(settings)
        self._told: Models | None = None
        self._broken: dict[str, str] = {}
        self._known = set(known)

    def news(self) -> list[str]:
        """A sentence for each model that is broken, can be read again, is new, or is gone."""
        models = self._files.read()
        if models is self._told:
            return []
        present = {*models.names, *models.broken}
        sentences = [
            f"{name} is broken, and the other models go on without it:\n{message}"
            for name, message in models.broken.items()
            if self._broken.get(name) != message
        ]
        for name in models.names:
            if name in self._broken:
                sentences.append(f"{name} can be read again, and is served")
            elif name not in self._known:
                sentences.append(f"{name} is new, and is served")
        for name in sorted(self._known - present):
            sentences.append(f"{name} is gone: its deployments are paused")
        self._told, self._broken, self._known = models, models.broken, present
        return sentences
