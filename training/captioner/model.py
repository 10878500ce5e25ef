"""A decoder-only transformer over [conditions, start, caption]: conditions are a set, the caption is read left to right."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Architecture:
    vocabulary: int
    """Text tokens; their ids come first."""
    conditions: int
    """Attributes and concepts; their ids follow those of the text."""
    width: int = 256
    heads: int = 4
    layers: int = 4
    feed_forward: int = 768
    positions: int = 256

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Block(nn.Module):
    """Pre-norm attention and SwiGLU."""

    def __init__(self, size: Architecture, dropout: float) -> None:
        super().__init__()
        self.heads = size.heads
        self.attention_norm = nn.RMSNorm(size.width, eps=1e-5)
        self.qkv = nn.Linear(size.width, 3 * size.width, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)
        self.feed_forward_norm = nn.RMSNorm(size.width, eps=1e-5)
        self.gate_up = nn.Linear(size.width, 2 * size.feed_forward, bias=False)
        self.down = nn.Linear(size.feed_forward, size.width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, rotation: Tensor, allowed: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """
        x [rows, new, width], rotation [rows, 1, new, head], allowed [rows, 1, new, past + new], past
        [2, rows, heads, past, head] -> x, keys and values with the new ones behind the past ones.
        """
        rows, new, width = x.shape
        split = self.qkv(self.attention_norm(x)).reshape(rows, new, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = rotate(split[0], rotation), rotate(split[1], rotation), split[2]
        present = torch.stack([key, value])
        if past is not None:
            present = torch.cat([past, present], dim=3)
        mixed = F.scaled_dot_product_attention(
            query, present[0], present[1], attn_mask=allowed, dropout_p=self.dropout.p if self.training else 0.0
        )
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(rows, new, width)))
        gate, up = self.gate_up(self.feed_forward_norm(x)).chunk(2, dim=-1)
        return x + self.dropout(self.down(F.silu(gate) * up)), present


class Captioner(nn.Module):
    def __init__(self, size: Architecture, dropout: float = 0.0) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(size.vocabulary + size.conditions, size.width)
        self.blocks = nn.ModuleList(Block(size, dropout) for _ in range(size.layers))
        self.norm = nn.RMSNorm(size.width, eps=1e-5)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("rotations", rotations(size.positions, size.width // size.heads), persistent=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, parameter in self.blocks.named_parameters():
            if parameter.dim() == 2:
                scale = (2 * size.layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(parameter, std=0.02 * scale)

    def forward(self, ids: Tensor, positions: Tensor, allowed: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """
        ids and positions [rows, new], allowed [rows, new, past + new] (True where a token may look), past
        [layers, 2, rows, heads, past, head] -> logits of the next text token [rows, new, vocabulary] and the new past.
        Conditions all stand at position 0, so that their order says nothing.
        """
        x = self.dropout(self.embedding(ids))
        rotation = self.rotations[positions].unsqueeze(1)
        presents = []
        for layer, block in enumerate(self.blocks):
            x, present = block(x, rotation, allowed.unsqueeze(1), None if past is None else past[layer])
            presents.append(present)
        logits = self.norm(x) @ self.embedding.weight[: self.size.vocabulary].T
        return logits, torch.stack(presents)


def rotations(positions: int, head: int) -> Tensor:
    """Cosines, then sines, of rotary position embeddings (arXiv 2104.09864), [positions, head]."""
    frequencies = 10_000.0 ** (-torch.arange(0, head, 2, dtype=torch.float32) / head)
    angles = torch.arange(positions, dtype=torch.float32)[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    cosine, sine = rotation.chunk(2, dim=-1)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
