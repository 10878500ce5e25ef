"""Measures on rows small enough to count by hand, and a training that learns."""

from __future__ import annotations

import numpy as np
import pytest

from attribute_vae import metrics
from attribute_vae.completion import halves, recall
from attribute_vae.data import DataSet
from attribute_vae.plausibility import distractors
from attribute_vae.train import HyperParameters, train


def rows(*lists: list[int], width: int = 6) -> np.ndarray:
    return np.array([[float(column in listed) for column in range(width)] for listed in lists], dtype=np.float32)


def test_auc_counts_ties_half() -> None:
    assert metrics.auc(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == pytest.approx(3.5 / 4)


def test_contradictions_are_found_in_rows_that_have_both() -> None:
    found = metrics.is_contradictory(rows([0, 1], [0, 2], [1, 2]), np.array([[0, 1], [2, 5]]))
    assert found.tolist() == [True, False, False]


def test_distinct_counts_combinations() -> None:
    assert metrics.distinct(rows([0, 1], [1, 0], [2])) == 2


def test_f1_is_over_all_cells() -> None:
    assert metrics.f1(rows([0, 1]), rows([1, 2, 3])) == pytest.approx(2 / 5)


def test_pmi_is_positive_for_what_comes_together() -> None:
    together = metrics.pmi(rows(*[[0, 1]] * 20, *[[2]] * 20))
    assert together[0, 1] > 0.6 and together[0, 2] < -2


def test_halves_share_a_row() -> None:
    whole = rows([0, 1, 2, 3], [1, 4, 5])
    shown, hidden = halves(whole, np.random.default_rng(0))
    assert (shown + hidden == whole).all() and shown.sum(1).tolist() == [2, 1]


def test_recall_passes_over_what_is_shown() -> None:
    ranking = np.array([[9, 8, 7, 6, 5, 4]], dtype=np.float32)
    assert recall(ranking, rows([0]), rows([1, 4])) == pytest.approx(0.5)


def test_distractors_keep_the_number_of_attributes() -> None:
    real = rows([0, 2, 3], [1, 4, 5], [2, 3, 4])
    contradictions = np.array([[0, 1]])
    made = distractors(real, np.full(6, 0.5), contradictions, np.random.default_rng(0))
    for x in made.kinds.values():
        assert (x.sum(1) == 3).all()
    assert metrics.is_contradictory(made.kinds["contradictory"], contradictions).all()


def test_training_learns_what_comes_together_and_repeats_by_its_seed() -> None:
    x = rows(*[[0, 1, 2], [3, 4, 5]] * 40)
    data = DataSet(x, x, np.zeros((0, 6), dtype=np.float32), x, {}, {})
    settings = HyperParameters(hidden=16, latent=4, steps=400, batch=32, learning_rate=0.01, warm_up=100)
    first, second = train(data, settings), train(data, settings)
    assert first.losses == second.losses
    assert first.losses.negative_elbo < 2  # ln 2 is the least there is, independence costs 4.2
