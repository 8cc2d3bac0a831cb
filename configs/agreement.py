"""What each part of a YAML allows but the whole does not: names that must agree across parts, and with the file beside it.

Not here: reading the file and naming its lines (reading.py); what one part alone may say (schema.py, rows.py), `data` and `split` (agreement_on_rows.py), how candidates are judged (agreement_on_judging.py).
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from configs import source
from configs.agreement_on_judging import disagreements_on_judging
from configs.agreement_on_rows import disagreements_on_rows
from configs.expectations import condition_columns, is_instant, problem_with
from configs.metrics import BUILT_IN
from configs.problems import Location, Problem, nearest
from configs.schema import ModelConfig
from tasks.errors import ConfigError

BETWEEN = ("column_values_to_be_between", "column_min_to_be_between", "column_max_to_be_between")  # compare values themselves


def disagreements(config: ModelConfig, path: Path) -> Iterator[Problem]:
    """What each part allows but the whole does not."""
    if config.name != path.stem:
        yield Problem(("name",), f"{config.name!r} stands in {path.name}; name and file must agree")
    yield from disagreements_on_rows(config)
    yield from _hook_problems(config, path.with_suffix(".py"))
    yield from _check_problems(config)
    yield from _estimator_problems(config)
    yield from _preprocess_problems(config)
    yield from disagreements_on_judging(config)
    yield from _schedule_problems(config)


def _hook_problems(config: ModelConfig, path: Path) -> Iterator[Problem]:
    if not config.hooks:
        return
    try:
        defined = source.functions_in(path) if path.is_file() else frozenset()
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: this is not Python: {error.msg}") from error
    places: list[tuple[Location, str | None]] = [
        (("data", "prepare"), config.data.prepare),
        (("split", "exclude"), config.exclude),
    ]
    places += [(("metrics", i), name) for i, name in enumerate(config.metric_names) if name in config.own_metrics]
    for location, name in places:
        if name and name not in defined:
            known = (*BUILT_IN[config.kind], *defined) if location[0] == "metrics" else tuple(defined)
            beside = (
                f"no function of {path.name} beside the YAML"
                if path.is_file()
                else f"a hook, and there is no {path.name} beside the YAML"
            )
            yield Problem(location, f"{name!r} is {beside}; {nearest(name, known)}")


def _check_problems(config: ModelConfig) -> Iterator[Problem]:
    known = (*config.data.raw, *config.data.features)
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
    for where, dotted, params in config.train.estimators:
        module, _, name = dotted.rpartition(".")
        found = source.find_class(dotted)
        if found is None:
            yield Problem(
                ("train", *where, "estimator"), f"{dotted!r} cannot be imported; {nearest(name, source.names_in(module))}"
            )
            continue
        for param in params:
            if found.arguments is not None and param not in found.arguments:
                yield Problem(("train", *where, "params", param), f"is no argument of {name}; {nearest(param, found.arguments)}")


def _preprocess_problems(config: ModelConfig) -> Iterator[Problem]:
    data, seen = config.data, set[str]()
    for index, group in enumerate(config.train.preprocess):
        for place, column in enumerate(group.columns):
            here = ("train", "preprocess", index, "columns", place)
            if column not in data.features:
                yield Problem(here, f"{column!r} is no feature; {nearest(column, data.features)}")
            elif column in seen:
                yield Problem(here, f"{column!r} stands in another group too")
            elif (dtype := data.raw.get(column)) and not data.prepare:
                if (dtype == "datetime") != (group.encode == "date_parts"):
                    yield Problem(here, f"{column!r} is {dtype}; times, and nothing else, are encoded as date_parts")
                elif group.encode == "counts" and dtype != "string":
                    yield Problem(here, f"{column!r} is {dtype}; counts are those of words in a string")
            seen.add(column)
    encoded = {column for group in config.train.preprocess if group.encode for column in group.columns}
    for index, feature in enumerate(data.features):
        if data.raw.get(feature) in ("string", "datetime") and feature not in encoded and not data.prepare:
            yield Problem(
                ("data", "features", index),
                f"{feature!r} is {data.raw[feature]}, and an estimator takes numbers: name it in train.preprocess with an encode",
            )


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
