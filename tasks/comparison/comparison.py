"""A contest, measured: what each rule of the gate is judged on, the slices, and the gate's power.

Not here: one estimate and its bounds (estimation.py), what they decide (tasks/verdict/gate.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from configs.errors import HookFailed
from configs.gate import Against, Rule
from tasks.comparison.bounds import Levels
from tasks.comparison.contest import Contest
from tasks.comparison.estimation import estimate
from tasks.comparison.measured import Measured, measure_rule
from tasks.comparison.parts import Part, parts_of, whole
from tasks.comparison.power import power_of_gate
from tasks.comparison.sampling import Measurement, Samples, sample
from tasks.comparison.slices import estimate_slices
from tasks.records import Estimate, NotEstimated, Role, RuleEstimates

# a rule on each part of its slice
OnParts = list[tuple[Measured, Estimate | NotEstimated]]


@dataclass(frozen=True)
class Compared:
    """What was measured in a contest; `problem` says why nothing could be.

    `of_champion` is what the rules that compare no versions say of the champion, on the same rows.
    `better` is the difference to the champion in the main metric, `slices` the same on each part of
    each slice; `guards` are the differences to the reference in the other metrics of rules that
    compare versions. `power` is how often an equally good model would pass, from 0 to 1.
    """

    estimates: RuleEstimates = ()
    of_champion: RuleEstimates = ()
    better: Estimate | NotEstimated | None = None
    better_than_reference: Estimate | NotEstimated | None = None
    guards: Mapping[str, Estimate | NotEstimated] = field(default_factory=dict)
    slices: tuple[Estimate | NotEstimated, ...] = ()
    power: float | None = None
    problem: str = ""


def compare(contest: Contest, levels: Levels) -> Compared:
    """Measure every rule that applies, with bounds at these levels.

    A rule about a version that does not exist yet does not apply.
    """
    rules = _applicable_rules(contest)
    try:
        samples = sample(contest, list(_measurements(contest, rules)), levels.strictest)
    except HookFailed as error:
        return Compared(problem=str(error))

    judged = [_rule_on_parts(contest, samples, rule, levels) for rule in rules]
    slices: tuple[Estimate | NotEstimated, ...] = ()
    of_champion: RuleEstimates = ()
    power = None
    if "champion" in contest.contestants:
        floors = [rule for rule in rules if not rule.compares_versions]
        of_floors = [_rule_on_parts(contest, samples, rule, levels, "champion") for rule in floors]
        of_champion = _estimates(floors, of_floors)
        power = power_of_gate(samples, [on_part for on_parts in judged for on_part in on_parts])
        if contest.config.main_metric:
            parts, metric = _slice_parts(contest), contest.config.main_metric
            slices = estimate_slices(contest, samples, parts, metric, levels.lower)
    return Compared(
        estimates=_estimates(rules, judged),
        of_champion=of_champion,
        better=_difference_to(contest, samples, "champion", levels),
        better_than_reference=_difference_to(contest, samples, "reference", levels),
        guards=_guards(contest, samples, levels),
        slices=slices,
        power=power,
    )


def count_estimates(contest: Contest) -> int:
    """How many estimates the verdict rests on: of each rule, and of each part of its slice."""
    return sum(
        len(parts_of(contest.config, contest.rows, rule.slice))
        for rule in _applicable_rules(contest)
    )


def _applicable_rules(contest: Contest) -> list[Rule]:
    roles: set[Role] = set(contest.contestants)
    return [
        rule for rule in contest.config.gate if not rule.compares_versions or rule.against in roles
    ]


def _measurements(contest: Contest, rules: list[Rule]) -> Iterator[Measurement]:
    """What must be measured, each metric on each part once."""
    config, rows = contest.config, contest.rows
    wanted = [
        Measurement(rule.metric, part)
        for rule in rules
        for part in parts_of(config, rows, rule.slice)
    ]
    wanted += [Measurement(metric, whole(rows)) for metric in _guard_metrics(contest)]
    if config.main_metric:
        parts = [whole(rows), *_slice_parts(contest)]
        wanted += [Measurement(config.main_metric, part) for part in parts]
    return iter(
        {(metric, part.name): Measurement(metric, part) for metric, part in wanted}.values()
    )


def _slice_parts(contest: Contest) -> list[Part]:
    slices = contest.config.slices
    return [part for name in slices for part in parts_of(contest.config, contest.rows, name)]


def _estimates(rules: list[Rule], on_parts: list[OnParts]) -> RuleEstimates:
    """Each rule with its estimates alone."""
    return tuple(
        (rule, tuple(estimate for _, estimate in on_parts_of_rule))
        for rule, on_parts_of_rule in zip(rules, on_parts, strict=True)
    )


def _rule_on_parts(
    contest: Contest, samples: Samples, rule: Rule, levels: Levels, role: Role = "candidate"
) -> OnParts:
    """The rule on each part of its slice, or on all rows, with its estimate for this version."""
    parts = parts_of(contest.config, contest.rows, rule.slice)
    on_parts = [measure_rule(contest, samples, rule, part, role) for part in parts]
    return [(on_part, estimate(on_part, levels)) for on_part in on_parts]


def _difference_to(
    contest: Contest, samples: Samples, role: Against, levels: Levels
) -> Estimate | NotEstimated | None:
    """The difference to a version in the main metric on all rows; None where there is no such."""
    metric = contest.config.main_metric
    if metric is None or role not in contest.contestants:
        return None
    return _difference(contest, samples, metric, role, levels)


def _guards(
    contest: Contest, samples: Samples, levels: Levels
) -> dict[str, Estimate | NotEstimated]:
    """The difference to the reference on all rows in each metric that guards against a loss."""
    return {
        metric: _difference(contest, samples, metric, "reference", levels)
        for metric in _guard_metrics(contest)
    }


def _guard_metrics(contest: Contest) -> list[str]:
    """The metrics of rules that compare versions, but for the main one, if there is a reference."""
    if "reference" not in contest.contestants:
        return []
    config = contest.config
    metrics = (rule.metric for rule in config.gate if rule.compares_versions)
    return [metric for metric in dict.fromkeys(metrics) if metric != config.main_metric]


def _difference(
    contest: Contest, samples: Samples, metric: str, role: Against, levels: Levels
) -> Estimate | NotEstimated:
    rule = Rule(metric=metric, better_than=role)
    return estimate(measure_rule(contest, samples, rule, whole(contest.rows)), levels)
