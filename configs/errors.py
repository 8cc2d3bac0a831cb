"""Every way ratchet says no, as one tree; each error knows its exit code and whether to retry it.

    RatchetError                 exit 1
    ├── ConfigError              exit 2   the YAML, its hooks or a setting is wrong
    ├── UsageError               exit 2   a command or a form requested something impossible
    ├── Refused                  exit 3   ratchet works, and says no
    │   ├── DataRejected                  the data do not satisfy the checks
    │   ├── ModelRejected                 the model cannot be stored or loaded again
    │   ├── NotPromoted                   the gate, a person or changed facts
    │   └── RunChanged                    a retry found changed code or settings
    ├── HookFailed               exit 1   the model's own Python raised
    ├── HeadMoved                exit 1   another process appended to the ledger first: decide anew
    ├── LedgerDamaged            exit 1   the ledger's chain of hashes is broken
    └── Unreachable              exit 4   a server or a disk does not answer: a retry may help

Not here: what a command prints of an error (deployments/commands/main.py).
"""


class RatchetError(Exception):
    """The base of all errors that ratchet raises on purpose.

    `str()` is one sentence that says what is wrong and what to do.
    """

    exit_code = 1
    retryable = False


class ConfigError(RatchetError):
    exit_code = 2


class UsageError(RatchetError):
    exit_code = 2


class Refused(RatchetError):
    exit_code = 3


class DataRejected(Refused):
    pass


class ModelRejected(Refused):
    pass


class NotPromoted(Refused):
    pass


class RunChanged(Refused):
    pass


class HookFailed(RatchetError):
    pass


class HeadMoved(RatchetError):
    pass


class LedgerDamaged(RatchetError):
    pass


class Unreachable(RatchetError):
    exit_code = 4
    retryable = True
