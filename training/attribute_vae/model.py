"""The network: 200 -> hidden -> latent -> hidden -> 200 with ReLU, as in the paper, and its loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Architecture:
    attributes: int = 200
    hidden: int = 512
    latent: int = 128


class AttributeVae(nn.Module):
    """Layers are named as in the authors' checkpoint, which therefore loads as it is."""

    def __init__(self, architecture: Architecture, dropout: float = 0.0) -> None:
        super().__init__()
        self.architecture = architecture
        self.fc1 = nn.Linear(architecture.attributes, architecture.hidden)
        self.fc2_mu = nn.Linear(architecture.hidden, architecture.latent)
        self.fc2_logvar = nn.Linear(architecture.hidden, architecture.latent)
        self.fc3 = nn.Linear(architecture.latent, architecture.hidden)
        self.fc4 = nn.Linear(architecture.hidden, architecture.attributes)
        self.dropout = nn.Dropout(dropout)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [rows, attributes] -> mean and log variance of the latent, each [rows, latent]."""
        hidden = self.dropout(F.relu(self.fc1(x)))
        return self.fc2_mu(hidden), self.fc2_logvar(hidden)

    def decode(self, z: Tensor) -> Tensor:
        """z [rows, latent] -> logits [rows, attributes]; their sigmoid is the probability of each attribute."""
        logits: Tensor = self.fc4(self.dropout(F.relu(self.fc3(z))))
        return logits

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.decode(z), mu, logvar


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z) in nats, [rows]."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)


def divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) in nats by latent dimension, [rows, latent]."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def load_checkpoint(state: dict[str, Tensor]) -> AttributeVae:
    """A network of the architecture that the tensors of a state dict show."""
    architecture = Architecture(
        attributes=state["fc1.weight"].shape[1], hidden=state["fc1.weight"].shape[0], latent=state["fc2_mu.weight"].shape[0]
    )
    model = AttributeVae(architecture)
    model.load_state_dict(state)
    return model.eval()
