"""A linear probe on simple statistics of sound: can it tell two sets of clips apart?

Reads a job as JSON from standard input and writes the balanced accuracy of each task to standard output:

    {"clips": ["a.wav", ...], "tasks": [{"name": "...", "clips": [0, 1, ...], "labels": [1, 0, ...], "groups": [0, 0, ...]}]}

Features: mean and standard deviation over time of 40 log-mel bands. Probe: logistic regression on standardised features,
cross-validated in five folds; clips of one group are never on both sides of a fold.
"""

import json
import sys

import numpy as np
from scipy.io import wavfile
from scipy.signal import stft
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

BANDS = 40
WINDOW = 1024
FOLDS = 5


def mel_filters(rate: int) -> np.ndarray:
    """Triangular filters, equally wide on the mel scale (O'Shaughnessy 1987), up to half the rate: [bands, bins]."""
    to_mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    edges = 700 * (10 ** (np.linspace(to_mel(30), to_mel(rate / 2), BANDS + 2) / 2595) - 1)
    bins = np.linspace(0, rate / 2, WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling))


def features(path: str) -> np.ndarray:
    rate, samples = wavfile.read(path)
    mono = samples.mean(axis=1) / 32768
    _, _, spectrum = stft(mono, rate, nperseg=WINDOW)
    mel = np.log(mel_filters(rate) @ (np.abs(spectrum) ** 2) + 1e-9)
    return np.concatenate([mel.mean(axis=1), mel.std(axis=1)])


def balanced_accuracy(x: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    predicted = np.empty_like(labels)
    for train, test in GroupKFold(FOLDS).split(x, labels, groups):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        predicted[test] = probe.fit(x[train], labels[train]).predict(x[test])
    return float(balanced_accuracy_score(labels, predicted))


def main() -> None:
    job = json.load(sys.stdin)
    all_features = np.array([features(path) for path in job["clips"]])
    results = {}
    for task in job["tasks"]:
        labels, groups = np.array(task["labels"]), np.array(task["groups"])
        results[task["name"]] = balanced_accuracy(all_features[task["clips"]], labels, groups)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
