"""A YAML with a mistake is refused by file, line, key, what is wrong and what is allowed."""

import sys
from pathlib import Path

import pytest

from configs.errors import ConfigError, UsageError
from configs.reading import read_file, read_model, read_models
from configs.settings import Settings
from tests.conftest import TINY_YAML


def test_the_shipped_models_are_right() -> None:
    models = read_models(Settings())
    assert models.names == ("diabetes_progression", "fraud_detector", "wine_cultivar")
    assert models.broken == {}


def test_a_broken_model_is_named_and_the_others_are_read(tiny: Path, settings: Settings) -> None:
    for name, content in BROKEN.items():
        (settings.models / f"{name}.yaml").write_bytes(content)
    models = read_models(settings)
    assert models.names == ("tiny",)
    assert models.broken.keys() == BROKEN.keys()
    assert all(str(settings.models / name) in models.broken[name] for name in BROKEN)


BROKEN = {
    "twice": b"name: twice\nowner: a\nowner: b\n",
    "in_latin_1": "name: in_latin_1\ndescription: caf\xe9\n".encode("latin-1"),
    "with_a_control_character": b"name: with_a_control_character\ndescription: a\x08b\n",
    "empty": b"",
    "a_list": b"- name\n",
    "without_hooks": TINY_YAML.replace("name: tiny", "name: without_hooks").encode(),
    "of_another_name": TINY_YAML.encode(),
}


def test_a_right_yaml_is_read(tiny: Path, settings: Settings) -> None:
    config = read_model("tiny", settings)
    assert config.hooks == ("add_double", "first_customer", "share_found")
    assert config.checks[1].arguments == {"column": "double", "max_value": 1000}


TIME_SPLIT = (
    "split: {by: time, train_days: 3, delay_days: 1, holdout_days: 2, exclude: first_customer}"
)
MISTAKES = [
    ("owner: tests", "ownr: tests", ":3: ownr:", "did you mean owner?"),
    ("owner: tests\n", "", "owner: is missing", ""),
    (
        "history_days: 1",
        "histroy_days: 1",
        "data.histroy_days: is an unknown key",
        "did you mean history_days?",
    ),
    ("kind: files", "kind: mongo", ":5: data.source.kind: 'mongo' is not", "files, python, sql"),
    ("key: id", "key: idd", "data.key: 'idd' is not declared", "did you mean id?"),
    ("time: at", "time: amount", "data.columns.amount: holds the time of a row", "datetime"),
    ("  time: at\n", "", "data.time: is missing", ""),
    (
        "features: [amount, double]",
        "features: [amount, bad]",
        "data.features.1: 'bad' is the target",
        "",
    ),
    (
        "prepare: add_double",
        "prepare: add_dubble",
        "data.prepare: 'add_dubble' is not a function in tiny.py",
        "add_double",
    ),
    (
        "exclude: first_customer",
        "exclude: last_customer",
        "split.exclude: 'last_customer' is not a function",
        "first_customer",
    ),
    (
        "train_days: 3",
        "train_days: three",
        ":14: split.train_days: 'three' is not allowed",
        "integer",
    ),
    (
        "train_days: 3",
        "train_days: 0",
        "split.train_days: 0 is not allowed",
        "greater than or equal to 1",
    ),
    (
        "column_values_to_not_be_null",
        "column_values_to_not_be_nul",
        ":16: checks.0",
        "column_values_to_not_be_null",
    ),
    ("max_value: 1000", "maxvalue: 1000", ":17: checks.1", "max_value"),
    (
        "column: double, max_value: 1000",
        "column: at, max_value: 1000",
        "checks.1: max_value 1000 is compared with at, which is declared as datetime",
        "",
    ),
    (
        "column: double, max_value: 1000",
        "column: amount, max_value: 2018-01-01",
        "2018-01-01 is compared with amount, which is declared as float64; write a number",
        "",
    ),
    (
        "max_value: 1000",
        "max_value: soon",
        "checks.1: 'soon' is not a bound",
        "2026-01-31T00:00:00",
    ),
    (
        "column: double",
        "column: dubble",
        "checks.1: column 'dubble' is neither declared nor a feature",
        "double",
    ),
    (
        "id: double-plausible",
        "id: amount-known",
        "checks.1.id: 'amount-known' is the id of another check too",
        "",
    ),
    ("LogisticRegression", "LogisticRegresion", ":18: train.estimator:", "LogisticRegression"),
    (
        "sklearn.linear_model",
        "sklearn.linear",
        "train.estimator: 'sklearn.linear.LogisticRegression' cannot be imported",
        "",
    ),
    ("C: 1.0", "c: 1.0", "train.params.c: is not an argument of LogisticRegression", "C"),
    (
        "metric: average_precision",
        "metric: avg_precision",
        ":21: gate.0.metric: 'avg_precision' is not computed",
        "roc_auc",
    ),
    (
        "share_found]",
        "shares_found]",
        "metrics.3: 'shares_found' is neither a built-in metric nor a function in tiny.py",
        "share_found",
    ),
    (
        "prepare: add_double",
        "prepare: features",
        "'features' is not a function in tiny.py beside the YAML",
        "choose from: add_double, first_customer, share_found",
    ),
    (
        "share_found]",
        "share_found, cost]",
        "metrics.4: cost needs the cost of each kind of error",
        "add threshold: {minimise: cost, false_positive: 1, false_negative: 20}",
    ),
    (
        "at_least: 0.5}",
        "not_worse_than: champion, by: 50 percent}",
        "gate.0.by: '50 percent' is not a margin",
        "0.05 or 5%",
    ),
    (
        "promotion: {ask: manual}",
        "comparison: {units: [id, at, customer]}",
        "comparison.units: ['id', 'at', 'customer'] is not allowed",
        "at most 2 items, not 3",
    ),
    (
        "at_least: 0.5}",
        "at_least: 0.5, at_most: 1}",
        "gate.0: a rule has exactly one of at_least, at_most, better_than, not_worse_than",
        "",
    ),
    ("at_least: 0.5", "at_least: .nan", "gate.0.at_least", "finite"),
    ("ask: manual", "ask: sometimes", "promotion.ask: 'sometimes' is not allowed", "'manual'"),
    ("name: tiny", "name: tinny", ":1: name: 'tinny' does not match the file's name", "tiny.yaml"),
    (
        "promotion: {ask: manual}",
        'schedule: {cron: "0 3 * *"}',
        "schedule.cron: '0 3 * *' is not a cron expression",
        "0 3 * * *",
    ),
    (
        "promotion: {ask: manual}",
        'schedule: {cron: "0 3 * * *", timezone: Paris}',
        "schedule.timezone: 'Paris'",
        "Europe/Paris",
    ),
    (
        "promotion: {ask: manual}",
        "scoring: {out: scores}",
        "scoring.out: is scores; write a full path",
        "${RATCHET_DATA}/",
    ),
    (
        "promotion: {ask: manual}",
        'scoring: {out: /scores, schedule: {cron: "0 5 * *"}}',
        "scoring.schedule.cron: '0 5 * *' is not a cron expression",
        "0 3 * * *",
    ),
    ("owner: tests", "owner: [", ":5: this is not YAML", ""),
    (
        "private: [customer]",
        "private: [customers]",
        "data.private.0: 'customers' is not declared",
        "customer",
    ),
    ("by: time", "by: tme", ":14: split.by: 'tme' is not allowed", "did you mean time?"),
    ("by: time, ", "", ":14: split.by: is missing", ""),
    (
        "train_days: 3",
        "traindays: 3",
        ":14: split.traindays: is an unknown key",
        "did you mean train_days?",
    ),
    (
        TIME_SPLIT,
        "split: {by: hash, holdout: 1.2}",
        "split.holdout: 1.2 is not allowed",
        "less than 1",
    ),
    (
        TIME_SPLIT,
        "split: {by: hash, holdout: 0.2, exclude: first_customer}",
        "split.exclude: is an unknown key",
        "group",
    ),
    (
        TIME_SPLIT,
        "split: {by: hash, holdout: 0.2}",
        "data.history_days: counts days before the training window",
        "",
    ),
    (
        TIME_SPLIT,
        "split: {by: hash, holdout: 0.2, group: custmer}",
        "split.group: 'custmer' is not declared",
        "customer",
    ),
    (
        TIME_SPLIT,
        "split: {by: column, column: part, train: [a], holdout: [b]}",
        "split.column: 'part' is not declared",
        "",
    ),
    (
        TIME_SPLIT,
        "split: {by: column, column: id, train: [1, 2], holdout: [2]}",
        "split: 2 cannot be both trained on and held out",
        "",
    ),
    (
        TIME_SPLIT,
        "split: {by: column, column: amount, train: [1], holdout: [2]}",
        "split.column: 'amount' is a feature",
        "",
    ),
    (
        TIME_SPLIT,
        "split: {by: column, column: customer, train: [1], holdout: [2]}",
        "split.column: 'customer' is private",
        "split by hash, with it as group",
    ),
    (
        "metrics: [average",
        "slices: {when: {at: [50]}}\nmetrics: [average",
        "slices.when.at: cuts 'at', datetime, into bins of numbers",
        "write values",
    ),
    (
        "owner: tests",
        "owner: tests\nkind: binaary",
        ":4: kind: 'binaary' is not allowed",
        "'regression'",
    ),
    (
        "owner: tests",
        "owner: tests\nkind: multiclass",
        "metrics.0: 'average_precision' is a metric of binary models",
        "f1_macro",
    ),
    (
        "share_found]\ngate:\n",
        "share_found, recall_at_budget]\nthreshold: {alerts_a_day: 9}\n"
        "slices: {size: {amount: [50]}}\ngate:\n"
        "  - {metric: recall_at_budget, slice: size, at_least: 0.1}\n",
        "gate.0.slice: the alerts of recall_at_budget are those of all rows",
        "judge average_precision there",
    ),
    (
        "share_found]",
        "share_found, recall_at_budget]",
        "metrics.4: recall_at_budget needs its budget",
        "alerts_a_day: 100",
    ),
    (
        "bad: int64}",
        "bad: float64}",
        "data.columns.bad: is the target of a binary model and must be int64 or bool or string",
        "",
    ),
    (
        "bad: int64}",
        "bad: string}",
        "data.positive: 1 cannot be a value of bad, string",
        "name the class to find",
    ),
    (
        "prepare: add_double\n",
        "prepare: add_double\n  drop_nulls: 3\n",
        "data.drop_nulls: 3 is not allowed",
        "write a list",
    ),
    (
        "scale: true}",
        "scale: true, preprocess: [{columns: [amuont], impute: mean}]}",
        "train.preprocess.0.columns.0: 'amuont' is not a feature",
        "amount",
    ),
    (
        "scale: true}",
        "scale: true, preprocess: [{columns: [amount]}]}",
        "train.preprocess.0: needs impute or encode",
        "",
    ),
    (
        "scale: true}",
        "scale: true, preprocess: [{columns: [amount], encode: onehot}]}",
        "train.preprocess.0.encode: 'onehot' is not allowed",
        "'one_hot'",
    ),
    (
        "scale: true}",
        "scale: true, preprocess: [{columns: [amount], encode: counts, impute: mean}]}",
        "impute does not go with encode: counts",
        "",
    ),
    (
        "scale: true}",
        "scale: true, preprocess: [{columns: [amount, amount], impute: mean}]}",
        "'amount' is in another group too",
        "",
    ),
    (
        "C: 1.0",
        "C: {estimator: sklearn.svm.SVX}",
        "train.params.C.estimator: 'sklearn.svm.SVX' cannot be imported",
        "SVC",
    ),
    (
        "C: 1.0",
        "C: {estimator: sklearn.svm.SVC, params: {c: 1}}",
        "train.params.C.params.c: is not an argument of SVC",
        "C",
    ),
    (
        'kind: files, path: "${RATCHET_DATA}/days/*.parquet"',
        "kind: python, function: sklearn.datasets.load_wines",
        "data.source.function: 'sklearn.datasets.load_wines' cannot be imported",
        "load_wine",
    ),
    (
        'kind: files, path: "${RATCHET_DATA}/days/*.parquet"',
        "kind: python, function: __main__.rows",
        "data.source.function: '__main__.rows' cannot be imported",
        "",
    ),
    ("train_days: 3", "train_days: 999999", "split.train_days: 999999 is not allowed", "36525"),
    ("days/*.parquet", "days/*.xlsx", "data.source.path", "parquet"),
    (
        "features: [amount, double]",
        "features: []",
        "data.features: [] is not allowed",
        "at least 1 must be named",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "place", "allowed"), MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(
    tiny: Path, settings: Settings, right: str, wrong: str, place: str, allowed: str
) -> None:
    text = tiny.read_text()
    assert right in text
    tiny.write_text(text.replace(right, wrong))
    with pytest.raises(ConfigError) as error:
        read_model("tiny", settings)
    assert place in str(error.value)
    assert allowed in str(error.value)
    assert str(tiny) in str(error.value)


def mistakes_in(tiny: Path, settings: Settings, *changes: tuple[str, str]) -> list[str]:
    """What is said of the YAML of tiny after these replacements, a line each."""
    text = tiny.read_text()
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong)
    tiny.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_model("tiny", settings)
    return str(error.value).splitlines()


def test_all_mistakes_are_named_at_once_from_the_top_of_the_file_down(
    tiny: Path, settings: Settings
) -> None:
    lines = mistakes_in(
        tiny,
        settings,
        ("share_found]", "shares_found]"),
        ("C: 1.0", "c: 1.0"),
        ("key: id", "key: idd"),
        ("prepare: add_double", "prepare: add_dubble"),
    )
    keys = [line.split(": ")[1] for line in lines]
    assert keys == ["data.prepare", "data.key", "train.params.c", "metrics.3"]


def test_mistakes_in_shapes_are_named_from_the_top_of_the_file_down(
    tiny: Path, settings: Settings
) -> None:
    lines = mistakes_in(
        tiny,
        settings,
        ("name: tiny\n", "name: tiny\nextra: 1\n"),
        ("train_days: 3", "train_days: 0"),
    )
    keys = [line.split(": ")[1] for line in lines]
    assert keys == ["extra", "split.train_days"]


def test_a_mistake_in_a_value_of_two_kinds_is_named_by_its_key_alone(
    tiny: Path, settings: Settings
) -> None:
    lines = mistakes_in(tiny, settings, ("at_least: 0.5", "not_worse_than: champion, by: -1"))
    assert [line.split(": ")[1] for line in lines] == ["gate.0.by"]


def test_a_metric_of_another_kind_of_models_is_named_once(tiny: Path, settings: Settings) -> None:
    (line,) = mistakes_in(tiny, settings, ("share_found]", "share_found, r2]"))
    assert "metrics.4: 'r2' is a metric of regression models; binary ones have accuracy" in line


def test_hooks_without_their_file_are_refused(tiny: Path, settings: Settings) -> None:
    tiny.with_suffix(".py").unlink()
    with pytest.raises(ConfigError) as error:
        read_model("tiny", settings)
    assert "'add_double' is a hook, but there is no tiny.py beside the YAML; create it" in str(
        error.value
    )
    assert "nor a function in tiny.py, which does not exist; choose from: accuracy" in str(
        error.value
    )


def test_a_hooks_file_that_is_not_python_is_refused_by_its_line(
    tiny: Path, settings: Settings
) -> None:
    tiny.with_suffix(".py").write_text("def add_double(:\n")
    with pytest.raises(ConfigError, match=r"tiny\.py:1: this is not Python"):
        read_model("tiny", settings)


def test_an_unknown_model_is_refused_with_the_nearest_name(tiny: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"no model 'tny' .*did you mean tiny\?"):
        read_model("tny", settings)


def test_where_there_is_no_model_at_all_it_is_said_what_to_do(
    tiny: Path, settings: Settings
) -> None:
    tiny.unlink()
    with pytest.raises(ConfigError, match=r"no model 'tiny' .*, nor any other; put tiny\.yaml"):
        read_model("tiny", settings)


def test_an_override_changes_train_and_nothing_else(tiny: Path, settings: Settings) -> None:
    overrides = ["train.params.C=0.1", "train.scale=false"]
    config = read_model("tiny", settings, overrides)
    assert config.train.params == {"C": 0.1}
    assert config.train.scale is False
    for wrong in ("gate.0.at_least=0", "train=1", "train.seed"):
        with pytest.raises(UsageError, match=r"write train\.<key>=<value>"):
            read_model("tiny", settings, [wrong])


def test_an_override_of_a_key_within_a_value_is_refused(tiny: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match="scale is a value and has no keys of its own"):
        read_model("tiny", settings, ["train.scale.on=true"])


def test_an_override_is_checked_like_the_file(tiny: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"train\.params\.cc: is not an argument"):
        read_model("tiny", settings, ["train.params.cc=1"])


@pytest.mark.parametrize("text", ["", "- a list", "just words"])
def test_a_file_that_is_not_a_mapping_is_refused(tiny: Path, settings: Settings, text: str) -> None:
    tiny.write_text(text)
    with pytest.raises(ConfigError, match="mapping"):
        read_model("tiny", settings)


@pytest.mark.parametrize(
    "content",
    [b"name: \xe9t\xe9", b"name: a\x00b", b"owner: 2020-13-45", b"owner: " + b"[" * 1000],
    ids=["latin-1", "a null byte", "no such date", "deep"],
)
def test_a_file_that_no_yaml_reader_reads_is_refused(
    tiny: Path, settings: Settings, content: bytes
) -> None:
    tiny.write_bytes(content)
    with pytest.raises(ConfigError, match="this is not YAML"):
        read_model("tiny", settings)


@pytest.mark.parametrize("value", ["[", "{a", "*x", "%", "2020-13-45"])
def test_an_override_whose_value_is_not_yaml_is_refused(
    tiny: Path, settings: Settings, value: str
) -> None:
    with pytest.raises(UsageError, match="the value is not YAML"):
        read_model("tiny", settings, [f"train.params.C={value}"])


@pytest.mark.parametrize(
    ("estimator", "remedy"),
    [
        ("lightgbm.LGBMClassifier", "lightgbm is not installed: uv sync --extra boosting"),
        ("no_such_package.Model", "no_such_package is not installed: install it, or correct"),
    ],
)
def test_an_estimator_whose_package_is_missing_is_named_with_what_to_do(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, estimator: str, remedy: str
) -> None:
    # as if it were not installed
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    changed = TINY_YAML.replace(
        "sklearn.linear_model.LogisticRegression, params: {C: 1.0}", estimator
    )
    tiny.write_text(changed)
    with pytest.raises(ConfigError) as refused:
        read_file(tiny)
    assert f"'{estimator}' cannot be imported; {remedy}" in str(refused.value)
