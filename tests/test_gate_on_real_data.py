"""What the gate says of models whose answer is known: fraud detectors of the handbook, and credits.

Skipped where the data are not: they may not be copied into this repository. No server: how versions
are read back is tested elsewhere
(test_verdict_flow.py).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.comparison import Comparison
from configs.gate import Rule
from configs.model import ModelConfig
from configs.reading import hooks_path, read_model
from configs.settings import SHIPPED_MODELS, Settings
from tasks.comparison.bounds import Levels
from tasks.comparison.comparison import Compared, compare
from tasks.data import hooks, sources, splits
from tasks.data.hooks import Hooks
from tasks.data.splits import Partitions
from tasks.model import training
from tasks.model.scores import Scores, score
from tasks.model.threshold import choose_threshold
from tasks.records import Estimate
from tasks.verdict import gate
from tests.contests import contest_of

DATA = Path(__file__).parents[2] / "shared" / "data"
AP = "average_precision"
RULES = (Rule(metric=AP, at_least=0.3), Rule(metric=AP, better_than="champion"))
LEVELS = Levels(0.05, 0.05)
FOREST = "sklearn.ensemble.RandomForestClassifier"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the public data sets are not beside this repository"
)


def prepared(
    model: str, models: Path, data: Path, as_of: datetime | None
) -> tuple[ModelConfig, Hooks, Partitions]:
    settings = Settings(ratchet_models=models, ratchet_data=data)
    config = read_model(model, settings)
    window = splits.window_until(config, as_of) if as_of else None
    own = hooks.load_hooks(config, hooks_path(model, settings))
    rows = hooks.prepare(config, own, sources.load(config, window, data))
    return config, own, splits.split(config, own, rows, window)


Handbook = tuple[ModelConfig, Hooks, Partitions, Callable[..., Scores]]


@pytest.fixture(scope="module")
def handbook() -> Handbook:
    config, own, parts = prepared(
        "fraud_detector", SHIPPED_MODELS, DATA / "fraud_handbook", datetime(2018, 8, 15)
    )

    def scores(
        estimator: str,
        params: dict[str, Any],
        seed: int = 0,
        flipped: float = 0.0,
        rows: int | None = None,
    ) -> Scores:
        train = parts.train.sample(rows, random_state=0) if rows else parts.train.copy()
        wrong = np.random.default_rng(0).random(len(train)) < flipped
        train.loc[wrong, "TX_FRAUD"] = 1 - train.loc[wrong, "TX_FRAUD"]
        trained = config.train.model_copy(
            update={"estimator": estimator, "params": params, "seed": seed}
        )
        model = training.fit(config.model_copy(update={"train": trained}), train)
        return score(model, config, parts.holdout)

    return config, own, parts, scores


def judged(
    handbook: Handbook, rules: tuple[Rule, ...], units: tuple[str, ...] = (), **scores: Scores
) -> tuple[Compared, Any]:
    config, own, parts, _ = handbook
    asked = config.model_copy(
        update={"gate": rules, "comparison": Comparison(units=units), "slices": {}}
    )
    found = compare(contest_of(asked, parts.holdout, own, **scores), LEVELS)
    return found, gate.decide(found.estimates)


@pytest.fixture(scope="module")
def tree(handbook: Handbook) -> Scores:
    return handbook[3]("sklearn.tree.DecisionTreeClassifier", {"max_depth": 2})


@pytest.fixture(scope="module")
def forest(handbook: Handbook) -> Scores:
    return handbook[3](FOREST, {"n_estimators": 100, "n_jobs": 2})


def test_the_forest_passes_beside_the_tree_with_a_bound_clear_of_zero_and_fails_the_other_way_round(
    handbook: Handbook, tree: Scores, forest: Scores
) -> None:
    found, verdict = judged(handbook, RULES, candidate=forest, champion=tree)
    assert verdict.passed
    assert isinstance(found.better, Estimate)
    assert (round(found.better.candidate, 3), round(found.better.other or 0, 3)) == (
        0.658,
        0.496,
    )
    assert found.better.low > 0.1
    _, other_way = judged(handbook, RULES, candidate=tree, champion=forest)
    assert other_way.outcome == "FAIL"


def test_a_forest_that_learned_from_labels_of_which_a_fifth_are_wrong_fails(
    handbook: Handbook, forest: Scores
) -> None:
    flipped = handbook[3](FOREST, {"n_estimators": 100, "n_jobs": 2}, flipped=0.2)
    _, verdict = judged(handbook, RULES, candidate=flipped, champion=forest)
    assert verdict.outcome == "FAIL"


def test_the_same_answers_are_never_better(handbook: Handbook, forest: Scores) -> None:
    _, verdict = judged(handbook, RULES, candidate=forest, champion=forest)
    assert verdict.outcome == "INCONCLUSIVE"


def test_forests_that_differ_in_their_seed_alone_are_seldom_called_better(
    handbook: Handbook,
) -> None:
    """50 pairs of equally good forests: at most 6 are, where 2.5 are expected. Units: customers."""
    scores = [
        handbook[3](FOREST, {"n_estimators": 100, "n_jobs": 2}, seed=seed, rows=12_000)
        for seed in range(11)
    ]
    random = np.random.default_rng(0)
    pairs = random.permutation(list(combinations(range(11), 2)))[:50]
    found = [
        judged(
            handbook, RULES[1:], ("CUSTOMER_ID",), candidate=scores[one], champion=scores[other]
        )[1].passed
        for one, other in pairs
    ]
    assert sum(found) <= 6


def test_the_shipped_gate_lets_an_equally_good_retraining_by_four_times_in_five(
    handbook: Handbook,
) -> None:
    config, own, parts, scores = handbook
    one, other = (scores(FOREST, {"n_estimators": 100, "n_jobs": 2}, seed=seed) for seed in (1, 2))
    found = compare(
        contest_of(config, parts.holdout, own, candidate=one, champion=other, reference=other),
        LEVELS,
    )
    assert found.power is not None
    assert found.power >= 0.8


def test_the_threshold_chosen_for_the_documented_cost_lowers_that_of_the_holdout() -> None:
    """german_credit: a bad credit taken for good costs five times a good one taken for bad."""
    config, own, parts = prepared(
        "german_credit", Path(__file__).parent / "models", DATA / "others", None
    )
    pipeline = training.fit(config, parts.train)
    _, chosen = choose_threshold(pipeline, config, parts)
    assert chosen is not None
    asked = config.model_copy(update={"gate": (Rule(metric="cost", better_than="champion"),)})
    scores = score(pipeline, config, parts.holdout)
    contest = contest_of(asked, parts.holdout, own, candidate=scores, champion=scores)
    decider = replace(contest.contestants["candidate"], threshold=chosen.value)
    found = compare(
        replace(contest, contestants=contest.contestants | {"candidate": decider}), LEVELS
    )
    ((_, (estimate,)),) = found.estimates
    assert isinstance(estimate, Estimate)
    assert estimate.low > 0
    assert gate.decide(found.estimates).passed
