"""The one door through which an error of foreign code reaches people: a library's, or a hook's.

Its text may quote a row. It is repeated only where no private column was among what that code was
given; otherwise it stays here, and out of logs, states and runs.
Not here: which error it becomes, and what to do about it (whoever calls foreign code).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from configs.errors import ConfigError, RatchetError


@contextmanager
def told_as(
    sentence: str,
    private: Collection[str],
    kind: type[RatchetError] = ConfigError,
    remedy: str = "",
) -> Iterator[None]:
    """Let an error inside the block be raised as `kind`: "sentence: reason; remedy".

    `private` are the private columns that the foreign code is given. ratchet's own errors pass as
    they are.
    """
    try:
        yield
    except RatchetError:
        raise
    # foreign code may raise anything
    except (Exception, SystemExit) as error:  # noqa: BLE001
        end = f"; {remedy}" if remedy else ""
        raise kind(f"{sentence}: {reason(error, private)}{end}") from cause(error, private)


def reason(error: BaseException, private: Collection[str]) -> str:
    """The error's type and, where nothing is private, the first line of its text."""
    name = type(error).__name__
    if private:
        return f"{name} (its text is left out, since it may quote {', '.join(private)})"
    text = str(error).strip().partition("\n")[0]
    return f"{name}: {text}" if text else name


def cause(error: BaseException, private: Collection[str]) -> BaseException | None:
    """What a new error is raised from: nothing whose text may quote a private column."""
    return None if private else error
