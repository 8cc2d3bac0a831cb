"""The gate's verdicts on models whose answer is known: the handbook's fraud detectors, and credits.

They start no server. Not here: how versions are read back to be judged (test_verdict_flow.py).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
from tasks.records import Estimate, Verdict
from tasks.verdict import gate
from tests.contests import contest_of
from tests.public_data import HANDBOOK, MODELS, OTHERS, needs_public_data

pytestmark = needs_public_data

AP = "average_precision"
BETTER = Rule(metric=AP, better_than="champion")
RULES = (Rule(metric=AP, at_least=0.3), BETTER)
LEVELS = Levels(0.05, 0.05)
FOREST = "sklearn.ensemble.RandomForestClassifier"
HUNDRED_TREES = {"n_estimators": 100, "n_jobs": 2}
# enough for claims about forests that are alike, and fitted ten times as fast
FEW_TREES = {"n_estimators": 50, "n_jobs": 2}
FEW_ROWS = 12_000


@dataclass(frozen=True)
class Prepared:
    """A model's configuration and hooks, with the partitions of its rows."""

    config: ModelConfig
    hooks: Hooks
    partitions: Partitions

    def scores_of(
        self,
        estimator: str,
        params: dict[str, Any],
        train: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> Scores:
        """The holdout's scores by an estimator, fitted on other training rows if given."""
        section = self.config.train.model_copy(
            update={"estimator": estimator, "params": params, "seed": seed}
        )
        config = self.config.model_copy(update={"train": section})
        pipeline = training.fit(config, self.partitions.train if train is None else train)
        return score(pipeline, self.config, self.partitions.holdout)

    def compare(
        self, rules: tuple[Rule, ...], units: tuple[str, ...] = (), **scores: Scores
    ) -> Compared:
        """The comparison of these scores by these rules, without slices."""
        sections = {"gate": rules, "comparison": Comparison(units=units), "slices": {}}
        config = self.config.model_copy(update=sections)
        return compare(contest_of(config, self.partitions.holdout, self.hooks, **scores), LEVELS)

    def judge(
        self, rules: tuple[Rule, ...], units: tuple[str, ...] = (), **scores: Scores
    ) -> Verdict:
        return gate.decide(self.compare(rules, units, **scores).estimates)


def prepare(model: str, models: Path, data: Path, as_of: datetime | None = None) -> Prepared:
    settings = Settings(ratchet_models=models, ratchet_data=data)
    config = read_model(model, settings)
    window = splits.window_until(config, as_of) if as_of else None
    own_hooks = hooks.load_hooks(config, hooks_path(model, settings))
    rows = hooks.prepare(config, own_hooks, sources.load(config, window, data))
    return Prepared(config, own_hooks, splits.split(config, own_hooks, rows, window))


@pytest.fixture(scope="module")
def handbook() -> Prepared:
    return prepare("fraud_detector", SHIPPED_MODELS, HANDBOOK, datetime(2018, 8, 15))


@pytest.fixture(scope="module")
def tree(handbook: Prepared) -> Scores:
    return handbook.scores_of("sklearn.tree.DecisionTreeClassifier", {"max_depth": 2})


@pytest.fixture(scope="module")
def forest(handbook: Prepared) -> Scores:
    return handbook.scores_of(FOREST, HUNDRED_TREES)


def test_the_forest_passes_against_the_tree_by_a_clear_margin(
    handbook: Prepared, tree: Scores, forest: Scores
) -> None:
    compared = handbook.compare(RULES, candidate=forest, champion=tree)
    assert gate.decide(compared.estimates).passed
    difference = compared.better
    assert isinstance(difference, Estimate)
    assert difference.other is not None
    assert round(difference.candidate, 3) == 0.658
    assert round(difference.other, 3) == 0.496
    assert difference.low > 0.1


def test_the_tree_fails_against_the_forest(
    handbook: Prepared, tree: Scores, forest: Scores
) -> None:
    assert handbook.judge(RULES, candidate=tree, champion=forest).outcome == "FAIL"


@pytest.fixture(scope="module")
def few_rows(handbook: Prepared) -> pd.DataFrame:
    return handbook.partitions.train.sample(FEW_ROWS, random_state=0)


@pytest.fixture(scope="module")
def small_forests(handbook: Prepared, few_rows: pd.DataFrame) -> list[Scores]:
    """The scores of equally good forests, which differ in their seed alone."""
    return [handbook.scores_of(FOREST, FEW_TREES, few_rows, seed) for seed in range(11)]


def test_a_forest_that_learned_from_labels_of_which_a_fifth_are_wrong_fails(
    handbook: Prepared, few_rows: pd.DataFrame, small_forests: list[Scores]
) -> None:
    is_wrong = np.random.default_rng(0).random(len(few_rows)) < 0.2
    labels = few_rows["TX_FRAUD"].where(~is_wrong, 1 - few_rows["TX_FRAUD"])
    misled = handbook.scores_of(FOREST, FEW_TREES, few_rows.assign(TX_FRAUD=labels))
    assert handbook.judge(RULES, candidate=misled, champion=small_forests[0]).outcome == "FAIL"


def test_the_same_answers_are_never_better(handbook: Prepared, forest: Scores) -> None:
    verdict = handbook.judge(RULES, candidate=forest, champion=forest)
    assert verdict.outcome == "INCONCLUSIVE"


def test_forests_that_differ_in_their_seed_alone_are_seldom_called_better(
    handbook: Prepared, small_forests: list[Scores]
) -> None:
    """50 pairs of equally good forests: at most 6 pass, where 2.5 are expected."""
    all_pairs = list(combinations(range(len(small_forests)), 2))
    pairs = np.random.default_rng(0).permutation(all_pairs)[:50]
    passed = 0
    for first, second in pairs:
        verdict = handbook.judge(
            (BETTER,),
            ("CUSTOMER_ID",),
            candidate=small_forests[first],
            champion=small_forests[second],
        )
        passed += verdict.passed
    assert passed <= 6


def test_the_shipped_gate_lets_an_equally_good_retraining_through_four_times_in_five(
    handbook: Prepared, forest: Scores
) -> None:
    candidate = handbook.scores_of(FOREST, HUNDRED_TREES, seed=1)
    contest = contest_of(
        handbook.config,
        handbook.partitions.holdout,
        handbook.hooks,
        candidate=candidate,
        champion=forest,
        reference=forest,
    )
    power = compare(contest, LEVELS).power
    assert power is not None
    assert power >= 0.8


def test_the_threshold_chosen_for_the_documented_cost_lowers_that_of_the_holdout() -> None:
    """german_credit: a bad credit taken for good costs five times a good one taken for bad."""
    german_credit = prepare("german_credit", MODELS, OTHERS)
    pipeline = training.fit(german_credit.config, german_credit.partitions.train)
    _, choice = choose_threshold(pipeline, german_credit.config, german_credit.partitions)
    assert choice is not None
    rule = Rule(metric="cost", better_than="champion")
    config = german_credit.config.model_copy(update={"gate": (rule,)})
    holdout = german_credit.partitions.holdout
    scores = score(pipeline, config, holdout)
    contest = contest_of(config, holdout, german_credit.hooks, candidate=scores, champion=scores)
    candidate = replace(contest.contestants["candidate"], threshold=choice.value)
    contestants = contest.contestants | {"candidate": candidate}
    compared = compare(replace(contest, contestants=contestants), LEVELS)
    ((_, (estimate,)),) = compared.estimates
    assert isinstance(estimate, Estimate)
    assert estimate.low > 0
    assert gate.decide(compared.estimates).passed
