"""Scores of how plausible a combination is, and combinations that are not, to see whether a score tells them apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .data import Matrix
from .metrics import Vector, is_contradictory
from .vae import Vae

QUANTILES = np.linspace(0, 1, 51)
SIZES = range(2, 13)
"""Numbers of attributes that have a calibration of their own; longer combinations take the last."""
SUBSETS = 4_000

DEFINITION = (
    "the mean over the attributes a of x of ln(p(a | the rest of x) / f(a)), natural logarithm, where p is the decoder's "
    "probability at the posterior mean of the rest and f the attribute's trainingFrequencies"
)


def togetherness(vae: Vae, rows: Matrix, frequencies: Vector) -> Vector:
    """How much likelier the attributes of each row are made by each other than they are by themselves, [rows]."""
    row, attribute = np.nonzero(rows)
    rest = rows[row]
    rest[np.arange(len(row)), attribute] = 0
    logits = vae.decode(vae.encode(rest)[0])[np.arange(len(row)), attribute].astype(np.float64)
    lifts = -np.logaddexp(0, -logits) - np.log(frequencies[attribute])
    return np.asarray(np.bincount(row, lifts, len(rows)) / np.maximum(rows.sum(1), 1))


def subsets(rows: Matrix, size: int, count: int, random: np.random.Generator) -> Matrix:
    """Combinations of `size` attributes, each out of a row drawn from those that have as many."""
    eligible = rows[rows.sum(1) >= size]
    whole = eligible[random.integers(len(eligible), size=count)]
    rank = (-random.random(whole.shape) * whole).argsort(1).argsort(1)
    return np.asarray((rank < size) * whole, dtype=np.float32)


def quantiles_by_size(vae: Vae, rows: Matrix, frequencies: Vector, random: np.random.Generator) -> dict[str, list[float]]:
    return {
        str(size): quantiles(togetherness(vae, subsets(rows, size, SUBSETS, random), frequencies)) for size in SIZES
    }


@dataclass(frozen=True)
class Distractors:
    """Implausible counterparts of rows, each with as many attributes as its row."""

    kinds: dict[str, Matrix]
    descriptions: dict[str, str]


def distractors(rows: Matrix, frequencies: Vector, contradictions: npt.NDArray[np.int64], random: np.random.Generator) -> Distractors:
    opposites = _opposites(contradictions, rows.shape[1])
    shuffled = np.stack([_draw(int(row.sum()), frequencies, random) for row in rows])
    uniform = np.stack([_draw(int(row.sum()), np.ones_like(frequencies), random) for row in rows])
    swapped = np.stack([_swap(row, frequencies * (row == 0), random) for row in rows])
    sound = rows[~is_contradictory(rows, contradictions)]
    candidates = [(row, frequencies * (row == 0) * opposites[row > 0].any(0)) for row in sound]
    contradictory = np.stack([_swap(row, weights, random, opposites) for row, weights in candidates if weights.sum() > 0])
    return Distractors(
        {"uniform": uniform, "independent": shuffled, "oneSwapped": swapped, "contradictory": contradictory},
        {
            "uniform": "as many attributes as a held-out row, each of the 200 as likely",
            "independent": "as many attributes as a held-out row, drawn by their frequencies",
            "oneSwapped": "held-out rows with one attribute replaced by another, drawn by frequency",
            "contradictory": "sound held-out rows with one attribute replaced by one that contradicts another of the row",
        },
    )


def quantiles(values: Vector) -> list[float]:
    return [round(float(value), 4) for value in np.quantile(values, QUANTILES)]


def _draw(count: int, weights: Vector, random: np.random.Generator) -> Matrix:
    row = np.zeros(len(weights), dtype=np.float32)
    row[random.choice(len(weights), size=count, replace=False, p=weights / weights.sum())] = 1
    return row


def _swap(row: Matrix, weights: Vector, random: np.random.Generator, opposites: npt.NDArray[np.bool_] | None = None) -> Matrix:
    """Puts in one attribute by its weight and takes out another; with `opposites`, none that the new one contradicts."""
    added = random.choice(len(row), p=weights / weights.sum())
    present = np.flatnonzero(row)
    free = present if opposites is None else present[~opposites[added][present]]
    swapped = row.copy()
    if len(free) > 0:
        swapped[random.choice(free)] = 0
    swapped[added] = 1
    return swapped


def _opposites(contradictions: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.bool_]:
    matrix = np.zeros((size, size), dtype=bool)
    matrix[contradictions[:, 0], contradictions[:, 1]] = True
    return matrix | matrix.T
