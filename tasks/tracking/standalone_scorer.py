"""Score rows with a saved model; run by its path, in an environment of the model's own libraries.

    python standalone_scorer.py MODEL_FOLDER ROWS.parquet ANSWERS.npz

There is no ratchet in that environment, so nothing is imported from this repository. Not here:
making the environment (isolated_scoring.py).
"""

import sys
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd

DEFAULT_THRESHOLD = 0.5


def main(model_folder: str, rows_file: str, answers_file: str) -> None:
    """Write the scores, (n, classes) or (n,), the classes and the threshold as one .npz file."""
    estimator = mlflow.sklearn.load_model(model_folder)
    features = pd.read_parquet(rows_file)
    # by way of a list, names become texts: an array of Python objects would have to be pickled
    classes = np.array(list(getattr(estimator, "classes_", [])))
    predict = estimator.predict_proba if len(classes) else estimator.predict
    threshold = threshold_of(estimator)
    np.savez(answers_file, scores=predict(features), classes=classes, threshold=threshold)


def threshold_of(estimator: Any) -> float:
    """The score at which `predict` says positive; a copy of the one in tasks/model/scores.py."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    threshold = getattr(last, "best_threshold_", getattr(last, "threshold", DEFAULT_THRESHOLD))
    return float(threshold) if isinstance(threshold, float) else DEFAULT_THRESHOLD


if __name__ == "__main__":
    main(*sys.argv[1:])
