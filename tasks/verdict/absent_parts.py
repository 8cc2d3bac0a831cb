"""Parts of a slice on which the champion was judged, and which have no rows any more.

Not here: the parts that have rows (tasks/comparison/parts.py).
"""

from collections.abc import Sequence

from configs.model import ModelConfig
from tasks.comparison.parts import MISSING
from tasks.records import NotEstimated, RuleEstimates, RuleVerdict
from tasks.verdict import gate
from tasks.verdict.gate import GateDefinition


def with_absent_parts(
    config: ModelConfig,
    estimates: RuleEstimates,
    champions_gate: GateDefinition | None,
    champions_rules: Sequence[RuleVerdict],
) -> RuleEstimates:
    """The estimates, with the parts of a slice on which only the champion was judged.

    That no row is left of a part is no evidence that the candidate does well on it.
    """
    before, now = champions_gate, gate.definition(config)
    complete = []
    for rule, of_parts in estimates:
        absent: list[NotEstimated] = []
        if rule.slice and before and before.slices.get(rule.slice) == now.slices[rule.slice]:
            known = {estimate.part for estimate in of_parts}
            judged = dict.fromkeys(
                verdict.estimate.part
                for verdict in champions_rules
                if verdict.rule.slice == rule.slice
            )
            absent = [
                NotEstimated("has no rows any more; the champion was judged on it", part=part)
                for part in judged
                if part not in known and not part.endswith(MISSING)
            ]
        complete.append((rule, [*of_parts, *absent]))
    return complete
