"""What metrics, threshold, slices, comparison and gate allow each but not together, nor with the rows there are.

Not here: what one of them alone may say (judging.py); the rest of a YAML (agreement.py).
"""

from collections.abc import Iterator

from configs.judging import Rule
from configs.metrics import AT_BUDGET, BUILT_IN, COST
from configs.problems import Problem, nearest
from configs.schema import ModelConfig

TRADED = ("precision", "recall")  # one is bought with the other by moving the threshold


def disagreements_on_judging(config: ModelConfig) -> Iterator[Problem]:
    yield from _metric_problems(config)
    yield from _threshold_problems(config)
    yield from _slice_problems(config)
    yield from _unit_problems(config)
    for index, rule in enumerate(config.gate):
        yield from (Problem(("gate", index, key), text) for key, text in _rule_problems(config, rule))


def _metric_problems(config: ModelConfig) -> Iterator[Problem]:
    for index, metric in enumerate(config.metrics):
        own = metric.name in config.own_metrics
        if own and (other := [kind for kind, names in BUILT_IN.items() if metric.name in names]):
            yield Problem(
                ("metrics", index),
                f"{metric.name!r} is a metric of {other[0]} models; {config.kind} ones have {', '.join(BUILT_IN[config.kind])}",
            )
        if metric.name in config.metric_names[:index]:
            yield Problem(("metrics", index), f"{metric.name!r} stands there twice")
        if not own and (metric.units or not metric.greater_is_better):
            yield Problem(("metrics", index), f"{metric.name!r} is built in: units and greater_is_better are those of hooks")
        if metric.name == COST and not (config.threshold and config.threshold.minimise):
            yield Problem(
                ("metrics", index), "cost needs prices: threshold: {minimise: cost, false_positive: 1, false_negative: 20}"
            )
        if not own and metric.name in AT_BUDGET and not (config.threshold and config.threshold.alerts_a_day):
            yield Problem(("metrics", index), f"{metric.name} needs its budget: threshold: {{alerts_a_day: 100}}")


def _threshold_problems(config: ModelConfig) -> Iterator[Problem]:
    if config.threshold is None:
        return
    if config.kind != "binary":
        yield Problem(("threshold",), f"only a binary model has a threshold; {config.name} is {config.kind}")
    if config.threshold.alerts_a_day and not config.data.time:
        yield Problem(("threshold", "alerts_a_day"), "these rows have no days: name data.time, or choose another aim")


def _slice_problems(config: ModelConfig) -> Iterator[Problem]:
    for name, columns in config.slices.items():
        for column, cut in columns.items():
            if column in config.data.private:
                yield Problem(("slices", name, column), f"{column!r} is private: its values would stand in reports")
            yield from _known(config, column, ("slices", name, column))
            if cut != "values" and (not cut or list(cut) != sorted(set(cut))):
                yield Problem(("slices", name, column), "write the inner edges of bins in ascending order: [50, 200]")


def _unit_problems(config: ModelConfig) -> Iterator[Problem]:
    for index, column in enumerate(config.comparison.units):
        yield from _known(config, column, ("comparison", "units", index))
    for index, metric in enumerate(config.metrics):
        if metric.units:
            yield from _known(config, metric.units, ("metrics", index, "units"))


def _known(config: ModelConfig, column: str, where: tuple[str | int, ...]) -> Iterator[Problem]:
    known = (*config.data.raw, *config.data.features)
    if column not in known:
        yield Problem(where, f"column {column!r} is neither declared nor a feature; {nearest(column, known)}")


def _rule_problems(config: ModelConfig, rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.metric not in config.metric_names:
        yield "metric", f"{rule.metric!r} is not computed; metrics has {', '.join(config.metric_names)}"
        return
    if rule.slice and rule.slice not in config.slices:
        yield "slice", f"{rule.slice!r} is not among slices; {nearest(rule.slice, tuple(config.slices))}"
    if rule.slice and rule.metric in AT_BUDGET:
        yield (
            "slice",
            f"the alerts of {rule.metric} are those of all rows: spent on a part alone they may reach all of it; judge average_precision there",
        )
    if rule.min_positives and config.kind != "binary":
        yield "min_positives", f"only binary targets have positives; {config.name} is {config.kind}"
    if not rule.against:
        return
    if rule.metric in TRADED and config.kind == "binary":
        yield (
            "metric",
            f"{rule.metric} against another version can be had by moving the threshold alone; "
            f"compare {rule.metric}_at_budget, cost or average_precision",
        )
    metric = next(metric for metric in config.metrics if metric.name == rule.metric)
    if rule.metric in config.own_metrics and not metric.units:
        yield (
            "metric",
            f"{rule.metric!r} can be compared once it says what is independent: {{name: {rule.metric}, units: COLUMN}} under metrics",
        )
