"""Parts of a slice on which the champion was judged, and which have no rows any more.

Not here: the parts that have rows (tasks/comparison/parts.py).
"""

from configs.model import ModelConfig
from tasks.comparison.parts import name_of_missing
from tasks.records import NotEstimated, RuleEstimates
from tasks.verdict import gate
from tasks.verdict.evidence import Evidence


def with_absent_parts(
    config: ModelConfig, estimates: RuleEstimates, of_champion: Evidence | None
) -> RuleEstimates:
    """The estimates, with the parts of a slice on which only the champion was judged.

    That no row is left of a part is no evidence that the candidate does well on it. Rows without a
    value may go.
    """
    if of_champion is None:
        return estimates
    then, now = of_champion.gate.slices, gate.definition(config).slices
    complete = []
    for rule, of_parts in estimates:
        absent: list[NotEstimated] = []
        if rule.slice and then.get(rule.slice) == now[rule.slice]:
            parts_then = dict.fromkeys(
                verdict.estimate.part
                for verdict in of_champion.verdict.rules
                if verdict.rule.slice == rule.slice
            )
            parts_now = {estimate.part for estimate in of_parts}
            without_values = [name_of_missing(column) for column in now[rule.slice]]
            absent = [
                NotEstimated("has no rows any more; the champion was judged on it", part=part)
                for part in parts_then
                if part not in parts_now and not any(name in part for name in without_values)
            ]
        complete.append((rule, [*of_parts, *absent]))
    return complete
