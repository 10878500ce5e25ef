"""What is measured on samples and on held-out rows. Arrays in, numbers out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .data import Matrix

Vector = npt.NDArray[np.float64]

# Pairs that independence alone would put on fewer held-out rows say nothing about co-occurrence.
LEAST_EXPECTED = 5.0


def frequency_correlation(samples: Matrix, rows: Matrix) -> float:
    return float(np.corrcoef(samples.mean(0), rows.mean(0))[0, 1])


def frequency_error(samples: Matrix, rows: Matrix) -> float:
    """Mean absolute difference of attribute frequencies, in percentage points."""
    return float(np.abs(samples.mean(0) - rows.mean(0)).mean() * 100)


def compared_pairs(rows: Matrix) -> npt.NDArray[np.bool_]:
    """Pairs that the rows would hold at least `LEAST_EXPECTED` times if attributes were independent, [a, a] above the diagonal."""
    frequency = rows.mean(0)
    return np.triu(np.outer(frequency, frequency) * len(rows) >= LEAST_EXPECTED, 1)


def pmi(rows: Matrix) -> Vector:
    """Pointwise mutual information of pairs in nats, [a, a]; half a row is added to every count."""
    counts = (rows.T @ rows).astype(np.float64) + 0.5
    single = rows.sum(0).astype(np.float64) + 0.5
    return np.asarray(np.log(counts * len(rows) / np.outer(single, single)))


def pmi_correlation(samples: Matrix, rows: Matrix) -> float:
    pairs = compared_pairs(rows)
    return float(np.corrcoef(pmi(samples)[pairs], pmi(rows)[pairs])[0, 1])


def pmi_error(samples: Matrix, rows: Matrix) -> float:
    """Root mean square difference of PMI over the compared pairs, in nats."""
    pairs = compared_pairs(rows)
    return float(np.sqrt(np.square(pmi(samples)[pairs] - pmi(rows)[pairs]).mean()))


def is_contradictory(rows: Matrix, contradictions: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(rows), dtype=bool)
    for a, b in contradictions:
        found |= (rows[:, a] * rows[:, b]) > 0
    return found


def distinct(rows: Matrix) -> int:
    return len({row.tobytes() for row in np.packbits(rows.astype(bool), axis=1)})


def count_distance(samples: Matrix, rows: Matrix) -> float:
    """Total variation between the distributions of the number of attributes, 0 to 1."""
    bins = np.arange(202)
    a = np.histogram(samples.sum(1), bins)[0] / len(samples)
    b = np.histogram(rows.sum(1), bins)[0] / len(rows)
    return float(0.5 * np.abs(a - b).sum())


def f1(predicted: Matrix, rows: Matrix) -> float:
    """Micro-averaged over all attributes of all rows."""
    hits = float((predicted * rows).sum())
    return 2 * hits / float(predicted.sum() + rows.sum())


def auc(low: Vector, high: Vector) -> float:
    """Probability that a value of `high` exceeds one of `low`, ties counted half."""
    values = np.concatenate([low, high])
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]
    return float((ranks[len(low) :].sum() - len(high) * (len(high) + 1) / 2) / (len(low) * len(high)))
