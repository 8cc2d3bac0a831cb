"""What each part of a YAML allows but the whole does not: names that must agree across parts, and with the file beside it.

Not here: reading the file and naming its lines (reading.py); what one part alone may say (schema.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from configs import source
from configs.expectations import condition_columns, is_instant, problem_with
from configs.schema import BUILT_IN_METRICS, ModelConfig
from tasks.errors import ConfigError

BETWEEN = ("column_values_to_be_between", "column_min_to_be_between", "column_max_to_be_between")  # compare values themselves

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    location: Location
    sentence: str


def disagreements(config: ModelConfig, path: Path) -> Iterator[Problem]:
    """What each part allows but the whole does not."""
    if config.name != path.stem:
        yield Problem(("name",), f"{config.name!r} stands in {path.name}; name and file must agree")
    yield from _data_problems(config)
    yield from _hook_problems(config, path.with_suffix(".py"))
    yield from _check_problems(config)
    yield from _estimator_problems(config)
    yield from _metric_problems(config)
    yield from _schedule_problems(config)


def _data_problems(config: ModelConfig) -> Iterator[Problem]:
    data = config.data
    for role in ("key", "time", "target"):
        if (column := getattr(data, role)) not in data.columns:
            yield Problem(("data", role), f"{column!r} is not declared; {nearest(column, data.columns)}")
    if data.columns.get(data.time, "datetime") != "datetime":
        yield Problem(
            ("data", "columns", data.time),
            f"holds the time of a row and must be datetime, not {data.columns[data.time]}",
        )
    if data.columns.get(data.target, "int64") not in ("int64", "bool"):
        yield Problem(
            ("data", "columns", data.target),
            f"is the target and must be int64 (0 or 1) or bool, not {data.columns[data.target]}",
        )
    for index, column in enumerate(data.private):
        if column not in data.columns:
            yield Problem(("data", "private", index), f"{column!r} is not declared; {nearest(column, data.columns)}")
    for index, feature in enumerate(data.features):
        if feature in (data.target, data.key):
            role = "target" if feature == data.target else "key"
            yield Problem(("data", "features", index), f"{feature!r} is the {role}: a model must not see it")
        elif feature in data.features[:index]:
            yield Problem(("data", "features", index), f"{feature!r} stands there twice")
        elif not data.prepare and feature not in data.columns:
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is not declared and no prepare computes it; {nearest(feature, data.columns)}",
            )


def _hook_problems(config: ModelConfig, path: Path) -> Iterator[Problem]:
    if not config.hooks:
        return
    try:
        defined = source.functions_in(path) if path.is_file() else frozenset()
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: this is not Python: {error.msg}") from error
    places: list[tuple[Location, str | None]] = [
        (("data", "prepare"), config.data.prepare),
        (("split", "exclude"), config.split.exclude),
    ]
    places += [(("metrics", i), name) for i, name in enumerate(config.metrics) if name not in BUILT_IN_METRICS]
    for location, name in places:
        if name and name not in defined:
            known = (*BUILT_IN_METRICS, *defined) if location[0] == "metrics" else tuple(defined)
            beside = (
                f"no function of {path.name} beside the YAML"
                if path.is_file()
                else f"a hook, and there is no {path.name} beside the YAML"
            )
            yield Problem(location, f"{name!r} is {beside}; {nearest(name, known)}")


def _check_problems(config: ModelConfig) -> Iterator[Problem]:
    known = (*config.data.columns, *config.data.features)
    ids = [check.id for check in config.checks]
    for index, check in enumerate(config.checks):
        if check.id in ids[:index]:
            yield Problem(("checks", index, "id"), f"{check.id!r} names another check too")
        if problem := problem_with(check.expect, check.arguments):
            yield Problem(("checks", index), problem)
            continue
        for column in (*check.columns, *condition_columns(check.arguments)):
            if column not in known:
                yield Problem(("checks", index), f"column {column!r} is neither declared nor a feature; {nearest(column, known)}")
        if check.expect in BETWEEN and (dtype := config.data.columns.get(check.arguments["column"])):
            for name in ("min_value", "max_value"):
                bound = check.arguments.get(name)
                if bound is not None and is_instant(bound) != (dtype == "datetime"):
                    kind = "a time like 2026-01-31T00:00:00" if dtype == "datetime" else "a number"
                    yield Problem(
                        ("checks", index), f"{name} {bound} is compared with {check.arguments['column']}, {dtype}; write {kind}"
                    )


def _estimator_problems(config: ModelConfig) -> Iterator[Problem]:
    module, _, name = config.train.estimator.rpartition(".")
    found = source.find_class(config.train.estimator)
    if found is None:
        yield Problem(
            ("train", "estimator"),
            f"{config.train.estimator!r} cannot be imported; {nearest(name, source.names_in(module))}",
        )
        return
    for param in config.train.params:
        if found.arguments is not None and param not in found.arguments:
            yield Problem(("train", "params", param), f"is no argument of {name}; {nearest(param, found.arguments)}")


def _metric_problems(config: ModelConfig) -> Iterator[Problem]:
    for index, metric in enumerate(config.metrics):
        if metric in config.metrics[:index]:
            yield Problem(("metrics", index), f"{metric!r} stands there twice")
    for index, rule in enumerate(config.gate):
        if rule.metric not in config.metrics:
            yield Problem(("gate", index, "metric"), f"{rule.metric!r} is not computed; metrics has {', '.join(config.metrics)}")


def _schedule_problems(config: ModelConfig) -> Iterator[Problem]:
    if config.schedule is None:
        return
    try:
        zone = ZoneInfo(config.schedule.timezone)
    except (KeyError, ValueError, OSError):  # how zoneinfo says: unknown, not a name, a folder
        yield Problem(("schedule", "timezone"), f"{config.schedule.timezone!r} is not a time zone; write one like Europe/Paris")
        return

    try:
        CronSim(config.schedule.cron, datetime.now(zone))
    except CronSimError as error:
        yield Problem(
            ("schedule", "cron"),
            f"{config.schedule.cron!r} is not a cron expression ({error}); write one like 0 3 * * *",
        )


def nearest(wrong: str, allowed: Iterable[str]) -> str:
    """Half a sentence: the nearest of the allowed names, or all of them."""
    names = sorted(set(map(str, allowed)))
    close = get_close_matches(wrong, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"allowed are {', '.join(names)}" if names else "none is allowed"
