"""How far a job is: a line every few seconds, with the rate and the time left."""

import time
from collections.abc import Callable

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Told what is done; it hands on a line where one is due.

    `share` is the part of the whole job that is done, from 0 to 1.
    """

    def __init__(self, print_line: Callable[[str], None]) -> None:
        self._print_line = print_line
        self._began = self._last_line = time.monotonic()
        self._share_before = 0.0
        self._rows = 0

    def skip(self, share: float) -> None:
        """Note that an earlier attempt has done this share."""
        self._share_before = share

    def tell(self, share: float, rows: int) -> None:
        """Note that this share is done, with so many rows more."""
        self._rows += rows
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._print_line(self._line(share, now - self._began))

    def _line(self, share: float, seconds: float) -> str:
        seconds_left = seconds * (1 - share) / (share - self._share_before)
        return (
            f"{share:.0%}, {self._rows:,} rows, {self._rows / seconds:,.0f} rows a second, "
            f"{_spoken(seconds_left)} left"
        )


def _spoken(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"
