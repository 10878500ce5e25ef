"""
Vectors by which `test/model-parity.test.ts` compares ONNX Runtime in Node with PyTorch: `python -m parity --help`.
They come from the checkpoints, not from the ONNX files.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attribute_vae.export import read_model as read_vae
from attribute_vae.train import CHECKPOINT as VAE_CHECKPOINT
from captioner.data import condition_index
from captioner.export import read_model as read_captioner
from captioner.train import OUTPUT as CAPTIONER_CHECKPOINT
from captioner.train import batch_of
from rows import ROOT, read_concepts

FIXTURE = ROOT / "test" / "fixtures" / "model-parity.json"
LISTS = [["violin", "techno"], ["piano", "slow tempo", "sad"], ["rock", "drums", "electric guitar", "male vocal", "energetic"], ["jazz"]]
CAPTION_TOKENS = 24
COMPARED_LOGITS = 64


@torch.no_grad()
def vae_vectors(path: Path) -> dict[str, Any]:
    model, _ = read_vae(path)
    names = {name: index for index, name in enumerate(read_concepts().attributes)}
    rows = [sorted(names[name] for name in names_of) for names_of in LISTS]
    x = torch.zeros(len(rows), len(names))
    for row, listed in enumerate(rows):
        x[row, listed] = 1
    mean, logvar = model.encode(x)
    return {"rows": rows, "mean": rounded(mean), "logVariance": rounded(logvar), "logits": rounded(model.decode(mean))}


@torch.no_grad()
def captioner_vectors(path: Path) -> dict[str, Any]:
    """Logits behind every token of a text that is no caption: what is compared is arithmetic, not taste."""
    model, _ = read_captioner(path / "model.pt")
    index = condition_index(read_concepts())
    given = sorted(index[name] for name in LISTS[2])
    start = json.loads((ROOT / "models" / "captioner" / "model.json").read_text("utf-8"))["tokens"]["start"]
    chance = np.random.default_rng(0)
    tokens = [start, *chance.integers(3, model.size.vocabulary, CAPTION_TOKENS).tolist()]
    compared = sorted(chance.choice(model.size.vocabulary, COMPARED_LOGITS, replace=False).tolist())
    batch = batch_of([(given, [*tokens, 0])], model.size.vocabulary, 0)
    logits, _ = model(batch.ids, batch.positions, batch.allowed)
    return {"conditions": given, "tokens": tokens[1:], "compared": compared, "logits": rounded(logits[0, len(given) :, compared])}


def rounded(tensor: torch.Tensor) -> list[list[float]]:
    return [[round(value, 6) for value in row] for row in tensor.tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the parity vectors.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--vae", type=Path, default=VAE_CHECKPOINT, help="checkpoint of the attribute VAE")
    parser.add_argument("--captioner", type=Path, default=CAPTIONER_CHECKPOINT, help="folder of the captioner's checkpoint")
    arguments = parser.parse_args()
    content = {"attributeVae": vae_vectors(arguments.vae), "captioner": captioner_vectors(arguments.captioner)}
    FIXTURE.write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")
    print(f"wrote {FIXTURE}")


if __name__ == "__main__":
    main()
