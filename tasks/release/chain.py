"""The ledger's chain of hashes: each row's text has its hash, and holds the hash of the row before.

It finds an edit, a row missing in the middle, a broken link. It cannot find a tail that was cut
off, nor a table rewritten from some row on by somebody who may write to it: for these, the head's
hash has to be kept elsewhere as well.
Not here: reading and appending rows (ledger.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from configs import canonical_json
from configs.errors import LedgerDamaged

Row = Mapping[str, Any]


def verify(model: str, chain: Sequence[Row], documents: Sequence[Row]) -> int:
    """The length of a model's chain if every row holds; LedgerDamaged names the first bad one."""
    sound = {
        document["sha256"]
        for document in documents
        if canonical_json.sha256(document["text"]) == document["sha256"]
    }
    previous = ""
    for sequence, row in enumerate(chain, start=1):
        if fault := _fault_of(row, sequence, previous, sound):
            raise LedgerDamaged(
                f"{model}: row {sequence} of the ledger {fault}. Compare it with a backup."
            )
        previous = row["sha256"]
    return len(chain)


def _fault_of(row: Row, sequence: int, previous: str, sound: set[str]) -> str | None:
    """What is wrong with the row that should have this sequence and follow this hash, or None."""
    facts = {name: row[name] for name in row if name not in ("text", "sha256")}
    if row["sequence"] != sequence:
        return f"is missing: row {row['sequence']} follows row {sequence - 1}"
    if canonical_json.sha256(row["text"]) != row["sha256"]:
        return "has a text that does not match its hash"
    if canonical_json.write(facts) != row["text"]:
        return "has columns that do not match its text"
    if row["previous"] != previous:
        return f"does not follow from row {sequence - 1}"
    if row["evidence"] and row["evidence"] not in sound:
        return f"rests on evidence {row['evidence'][:12]} that is missing or changed"
    return None
