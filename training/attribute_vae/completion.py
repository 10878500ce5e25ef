"""Completing a part of a row, which is what a service asks the model for."""

from __future__ import annotations

import numpy as np

from .data import Matrix
from .vae import Vae


def halves(rows: Matrix, random: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Each row as what is shown and what is hidden, half of its attributes each, the odd one hidden."""
    order = random.random(rows.shape) * rows + rows  # present ones above 1, in random order
    rank = (-order).argsort(1).argsort(1)
    shown = (rank < (rows.sum(1) // 2)[:, None]) * rows
    return shown.astype(np.float32), (rows - shown).astype(np.float32)


def recall(ranking: Matrix, shown: Matrix, hidden: Matrix) -> float:
    """Share of hidden attributes among as many of the first that are not shown, over all rows."""
    order = np.where(shown > 0, -np.inf, ranking).argsort(1)[:, ::-1].argsort(1)
    found = (order < hidden.sum(1)[:, None]) * hidden
    return float(found.sum() / hidden.sum())


def completed(vae: Vae, shown: Matrix) -> Matrix:
    """Logits at the posterior mean of what is shown."""
    return vae.decode(vae.encode(shown)[0])
