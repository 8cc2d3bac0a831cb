"""What a partition's scores look like: counts, decisions and percentiles; summaries add up.

Not here: where a summary is stored (partitions.py) and shown (record.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PERCENTS = tuple(range(101))


@dataclass(frozen=True)
class Summary:
    """Of some rows: how many were scored and left out, what was decided, and the percentiles.

    `percentiles` are the 101 of the score, of the prediction, or of the likeliest class's score;
    empty where no row was scored. `rows_sha256` is the digest of what the model was given.
    """

    rows: int = 0
    left_out: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    percentiles: tuple[float, ...] = ()
    rows_sha256: str = ""


def summarise(
    scores: NDArray[np.float64], decisions: "pd.Series[Any] | None", left_out: int, digest: str
) -> Summary:
    """The summary of scores, shape (n,), and of the decisions on them, if there are any."""
    counts = {} if decisions is None else decisions.value_counts().sort_index().to_dict()
    return Summary(
        rows=len(scores),
        left_out=left_out,
        decisions={str(decision): int(count) for decision, count in counts.items()},
        percentiles=tuple(np.percentile(scores, PERCENTS).tolist()) if len(scores) else (),
        rows_sha256=digest,
    )


def total(summaries: Sequence[Summary]) -> Summary:
    """The summary of all rows together.

    Its percentiles are those of the percentiles, each weighted with its rows: no more than a
    percentile off. Its digest is that of the digests, in their order.
    """
    if len(summaries) == 1:
        return summaries[0]
    decisions: dict[str, int] = {}
    for summary in summaries:
        for decision, count in summary.decisions.items():
            decisions[decision] = decisions.get(decision, 0) + count
    return Summary(
        rows=sum(summary.rows for summary in summaries),
        left_out=sum(summary.left_out for summary in summaries),
        decisions=dict(sorted(decisions.items())),
        percentiles=_pooled([summary for summary in summaries if summary.rows]),
        rows_sha256=sha256("".join(s.rows_sha256 for s in summaries).encode()).hexdigest(),
    )


def _pooled(summaries: Sequence[Summary]) -> tuple[float, ...]:
    if not summaries:
        return ()
    values = np.concatenate([summary.percentiles for summary in summaries])
    weights = np.repeat([float(summary.rows) for summary in summaries], len(PERCENTS))
    pooled = np.percentile(values, PERCENTS, weights=weights, method="inverted_cdf")
    return tuple(pooled.tolist())
