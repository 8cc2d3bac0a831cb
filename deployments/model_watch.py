"""What happens to the models' files while `ratchet up` serves them: broken, repaired, added.

Not here: the processes of the stack (stack.py).
"""

from collections.abc import Collection
from pathlib import Path

from configs.reading import read_models
from configs.settings import Settings

# of a file: when it was changed, and its size
Stamp = tuple[int, int]


class ModelWatch:
    """Tells each change once. It reads the models again only after a file of theirs changed."""

    def __init__(self, settings: Settings, served: Collection[str]) -> None:
        self._settings = settings
        self._served = set(served)
        self._stamps: dict[Path, Stamp] = {}
        self._broken: dict[str, str] = {}
        self._known = set(served)

    def news(self) -> list[str]:
        """A sentence for each model that is broken, can be read again, or is new."""
        stamps = self._read_stamps()
        if stamps == self._stamps:
            return []
        models = read_models(self._settings)
        sentences = [
            f"{name} is broken, and the other models go on without it:\n{message}"
            for name, message in models.broken.items()
            if self._broken.get(name) != message
        ]
        for name in models.names:
            if name in self._broken:
                sentences.append(f"{name} can be read again{self._unless_served(name)}")
            elif name not in self._known:
                sentences.append(f"{name} is new{self._unless_served(name)}")
        self._stamps, self._broken = stamps, models.broken
        self._known |= {*models.names, *models.broken}
        return sentences

    def _unless_served(self, name: str) -> str:
        return "" if name in self._served else "; it is served after the next ratchet up"

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
