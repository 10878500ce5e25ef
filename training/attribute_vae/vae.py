"""One face for the exported model and for a network in PyTorch, so that the evaluation measures what is shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from .data import Mask, Matrix
from .metrics import Vector
from .model import AttributeVae

LEAST_ATTRIBUTES = 3  # no published row has fewer
MEAN_DRAWS = 8


class Vae(Protocol):
    @property
    def latent(self) -> int: ...
    def encode(self, x: Matrix) -> tuple[Matrix, Matrix]: ...
    def decode(self, z: Matrix) -> Matrix: ...


class OnnxVae:
    def __init__(self, directory: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._encoder = onnxruntime.InferenceSession(directory / "encoder.onnx", options)
        self._decoder = onnxruntime.InferenceSession(directory / "decoder.onnx", options)

    @property
    def latent(self) -> int:
        return int(self._decoder.get_inputs()[0].shape[1])

    def encode(self, x: Matrix) -> tuple[Matrix, Matrix]:
        mu, logvar = self._encoder.run(["mu", "logvar"], {"x": x})
        return mu, logvar

    def decode(self, z: Matrix) -> Matrix:
        logits: Matrix = self._decoder.run(["logits"], {"z": z})[0]
        return logits


@dataclass(frozen=True)
class TorchVae:
    model: AttributeVae

    @property
    def latent(self) -> int:
        return self.model.architecture.latent

    @torch.no_grad()
    def encode(self, x: Matrix) -> tuple[Matrix, Matrix]:
        mu, logvar = self.model.encode(torch.from_numpy(x))
        return mu.numpy(), logvar.numpy()

    @torch.no_grad()
    def decode(self, z: Matrix) -> Matrix:
        logits: Matrix = self.model.decode(torch.from_numpy(z)).numpy()
        return logits


def from_prior(vae: Vae, count: int, random: np.random.Generator) -> Matrix:
    """Probabilities [count, attributes] under latents from the standard normal prior."""
    return sigmoid(vae.decode(_noise((count, vae.latent), random)))


def from_posteriors(vae: Vae, rows: Matrix, count: int, random: np.random.Generator) -> Matrix:
    """The same under latents of rows drawn at random: the aggregated posterior."""
    mu, logvar = vae.encode(rows[random.integers(len(rows), size=count)])
    return sigmoid(vae.decode(_reparameterise(mu, logvar, random)))


def thresholded(probabilities: Matrix, threshold: float = 0.5) -> Matrix:
    return (probabilities > threshold).astype(np.float32)


def drawn(probabilities: Matrix, random: np.random.Generator) -> Matrix:
    """Each attribute by a coin of its own probability."""
    return (random.random(probabilities.shape) < probabilities).astype(np.float32)


def drawn_sound(
    probabilities: Matrix, contradictions: npt.NDArray[np.int64], random: np.random.Generator
) -> Matrix:
    """The same as the service does it: the likeliest first, each unless it contradicts one that is there."""
    rows = np.zeros_like(probabilities)
    opposites: dict[int, set[int]] = {}
    for a, b in contradictions.tolist():
        opposites.setdefault(a, set()).add(b)
        opposites.setdefault(b, set()).add(a)
    scores = np.log(probabilities) - np.log1p(-probabilities) + random.logistic(size=probabilities.shape)
    for row, score in zip(rows, scores):
        taken: set[int] = set()
        for attribute in np.flatnonzero(score > 0)[np.argsort(-score[score > 0])].tolist():
            if not taken & opposites.get(attribute, set()):
                taken.add(attribute)
        row[list(taken)] = 1
    return rows


def sigmoid(logits: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), dtype=np.float32)


def cross_entropy(logits: Matrix, rows: Matrix) -> Vector:
    """-log p(x|z) in nats, [rows]."""
    return np.asarray((np.logaddexp(0, logits.astype(np.float64)) - rows * logits).sum(1))


def divergence(mu: Matrix, logvar: Matrix) -> Vector:
    """KL(q(z|x) || N(0, I)) in nats, [rows]."""
    return np.asarray((0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).sum(1), dtype=np.float64)


def negative_elbo(vae: Vae, rows: Matrix, random: np.random.Generator, draws: int = MEAN_DRAWS) -> Vector:
    """An upper bound of -log p(x) in nats, its expectation estimated by some draws, [rows]."""
    mu, logvar = vae.encode(rows)
    each = [cross_entropy(vae.decode(_reparameterise(mu, logvar, random)), rows) for _ in range(draws)]
    return np.asarray(np.mean(each, axis=0)) + divergence(mu, logvar)


def independent_cost(frequencies: Vector, rows: Matrix) -> Vector:
    """-log p(x) in nats if every attribute came by its own frequency, [rows]."""
    return np.asarray(-(rows @ np.log(frequencies) + (1 - rows) @ np.log1p(-frequencies)))


def has_enough(rows: Matrix) -> Mask:
    return np.asarray(rows.sum(1) >= LEAST_ATTRIBUTES)


def _noise(shape: tuple[int, ...], random: np.random.Generator) -> Matrix:
    return random.standard_normal(shape).astype(np.float32)


def _reparameterise(mu: Matrix, logvar: Matrix, random: np.random.Generator) -> Matrix:
    return np.asarray(mu + _noise(mu.shape, random) * np.exp(0.5 * logvar), dtype=np.float32)
