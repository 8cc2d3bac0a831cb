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
from sklearn.metrics import average_precision_score

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
FEW_TREES = {"n_estimators": 50}


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
    """The handbook's rows, of which one in twenty that are no fraud is trained on."""
    whole = prepare("fraud_detector", SHIPPED_MODELS, HANDBOOK, datetime(2018, 8, 15))
    train = whole.partitions.train
    is_fraud = train["TX_FRAUD"] == 1
    few = pd.concat([train[is_fraud], train[~is_fraud].iloc[::20]])
    return replace(whole, partitions=replace(whole.partitions, train=few))


@pytest.fixture(scope="module")
def small(handbook: Prepared) -> Prepared:
    """The same, judged on the customers with a fraud and on one in ten of the others."""
    holdout = handbook.partitions.holdout
    has_fraud = holdout.groupby("CUSTOMER_ID")["TX_FRAUD"].transform("max") == 1
    few = holdout[has_fraud | (holdout["CUSTOMER_ID"] % 10 == 0)]
    return replace(handbook, partitions=replace(handbook.partitions, holdout=few))


@pytest.fixture(scope="module")
def tree(small: Prepared) -> Scores:
    return small.scores_of("sklearn.tree.DecisionTreeClassifier", {"max_depth": 2})


@pytest.fixture(scope="module")
def forests(small: Prepared) -> list[Scores]:
    """The scores of equally good forests, which differ in their seed alone."""
    return [small.scores_of(FOREST, FEW_TREES, seed=seed) for seed in range(11)]


def test_the_forest_passes_against_the_tree_by_a_clear_margin(
    small: Prepared, tree: Scores, forests: list[Scores]
) -> None:
    compared = small.compare(RULES, candidate=forests[0], champion=tree)
    assert gate.decide(compared.estimates).passed
    difference = compared.better
    assert isinstance(difference, Estimate)
    is_fraud = small.partitions.holdout["TX_FRAUD"]
    assert difference.candidate == pytest.approx(average_precision_score(is_fraud, forests[0]))
    assert difference.other == pytest.approx(average_precision_score(is_fraud, tree))
    assert difference.low > 0.1


def test_the_tree_fails_against_the_forest(
    small: Prepared, tree: Scores, forests: list[Scores]
) -> None:
    assert small.judge(RULES, candidate=tree, champion=forests[0]).outcome == "FAIL"


def test_a_forest_that_learned_from_labels_of_which_a_fifth_are_wrong_fails(
    small: Prepared, forests: list[Scores]
) -> None:
    train = small.partitions.train
    is_wrong = np.random.default_rng(0).random(len(train)) < 0.2
    labels = train["TX_FRAUD"].where(~is_wrong, 1 - train["TX_FRAUD"])
    misled = small.scores_of(FOREST, FEW_TREES, train.assign(TX_FRAUD=labels))
    assert small.judge(RULES, candidate=misled, champion=forests[0]).outcome == "FAIL"


def test_the_same_answers_are_never_better(small: Prepared, forests: list[Scores]) -> None:
    verdict = small.judge(RULES, candidate=forests[0], champion=forests[0])
    assert verdict.outcome == "INCONCLUSIVE"


def test_forests_that_differ_in_their_seed_alone_are_seldom_called_better(
    small: Prepared, forests: list[Scores]
) -> None:
    """50 pairs of equally good forests: at most 6 pass, where 2.5 are expected."""
    all_pairs = list(combinations(range(len(forests)), 2))
    pairs = np.random.default_rng(0).permutation(all_pairs)[:50]
    passed = 0
    for first, second in pairs:
        verdict = small.judge(
            (BETTER,), ("CUSTOMER_ID",), candidate=forests[first], champion=forests[second]
        )
        passed += verdict.passed
    assert passed <= 6


def test_the_shipped_gate_lets_an_equally_good_retraining_through_four_times_in_five(
    handbook: Prepared,
) -> None:
    candidate, champion = (
        handbook.scores_of(FOREST, {"n_estimators": 100}, seed=seed) for seed in (1, 0)
    )
    contest = contest_of(
        handbook.config,
        handbook.partitions.holdout,
        handbook.hooks,
        candidate=candidate,
        champion=champion,
        reference=champion,
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
