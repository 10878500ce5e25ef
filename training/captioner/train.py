"""Trains the captioner: `python -m captioner.train --help`."""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from rows import ROOT, Concepts, Row, Split, read_concepts, read_rows

from .data import DEV_SHARE, PAD, condition_index, conditions, encode
from .model import Architecture, Captioner
from .tokens import known_words, train_tokenizer

OUTPUT = ROOT / ".cache" / "captioner"


@dataclass(frozen=True)
class HyperParameters:
    vocabulary: int = 4096
    width: int = 256
    heads: int = 4
    layers: int = 4
    feed_forward: int = 768
    dropout: float = 0.2
    epochs: int = 18
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    warm_up: int = 200
    seed: int = 1


@dataclass(frozen=True)
class Batch:
    ids: Tensor
    positions: Tensor
    allowed: Tensor
    targets: Tensor
    """The next text token, or -100 where there is none to be learnt."""


def batch_of(conditioned: list[tuple[list[int], list[int]]], vocabulary: int, pad: int) -> Batch:
    """Conditions padded on their left, so that every caption starts at the same column."""
    prefix = max(len(given) for given, _ in conditioned)
    length = max(len(tokens) for _, tokens in conditioned) - 1
    rows, total = len(conditioned), prefix + length
    ids = torch.full((rows, total), pad)
    targets = torch.full((rows, total), -100)
    is_real = torch.zeros(rows, total, dtype=torch.bool)
    for row, (given, tokens) in enumerate(conditioned):
        first = prefix - len(given)
        ids[row, first:prefix] = torch.tensor([vocabulary + condition for condition in given], dtype=torch.long)
        ids[row, prefix : prefix + len(tokens) - 1] = torch.tensor(tokens[:-1])
        targets[row, prefix : prefix + len(tokens) - 1] = torch.tensor(tokens[1:])
        is_real[row, first : prefix + len(tokens) - 1] = True
    column = torch.arange(total)
    positions = (column - prefix + 1).clamp(min=0).expand(rows, total)
    # A condition sees all conditions, a token also what stands before it. A padding sees itself, or its softmax is empty.
    looks = torch.maximum(column, torch.tensor(prefix - 1))[:, None] >= column[None, :]
    allowed = (looks & is_real[:, None, :]) | torch.eye(total, dtype=torch.bool)
    return Batch(ids, positions, allowed, targets)


def loss_of(model: Captioner, batch: Batch, reduction: str = "mean") -> Tensor:
    logits, _ = model(batch.ids, batch.positions, batch.allowed)
    return F.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=-100, reduction=reduction)


def batches(
    rows: list[Row], concepts: Concepts, tokenizer: Tokenizer, size: int, chance: random.Random | None
) -> Iterator[Batch]:
    order = list(rows)
    if chance is not None:
        chance.shuffle(order)
    pad = tokenizer.token_to_id(PAD)
    for first in range(0, len(order), size):
        chosen = [(conditions(row, concepts, chance), encode(row.caption, tokenizer)) for row in order[first : first + size]]
        yield batch_of(chosen, tokenizer.get_vocab_size(), pad)


@torch.no_grad()
def mean_loss(model: Captioner, rows: list[Row], concepts: Concepts, tokenizer: Tokenizer) -> float:
    """Nats a token, the end of the caption included."""
    model.eval()
    total, count = 0.0, 0
    for batch in batches(rows, concepts, tokenizer, 64, None):
        total += loss_of(model, batch, "sum").item()
        count += int((batch.targets >= 0).sum())
    model.train()
    return total / count


def train(data: Split, settings: HyperParameters, output: Path) -> None:
    """Writes `tokenizer.json`, `words.txt`, `curve.jsonl` and `model.pt`: the weights of the epoch with the least loss on `dev`."""
    output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    chance = random.Random(settings.seed)
    concepts = read_concepts()
    tokenizer = train_tokenizer(data.train, concepts, settings.vocabulary)
    tokenizer.save(str(output / "tokenizer.json"))
    (output / "words.txt").write_text("\n".join(known_words(data.train, concepts)) + "\n", "utf-8")
    size = Architecture(
        vocabulary=tokenizer.get_vocab_size(),
        conditions=len(condition_index(concepts)),
        width=settings.width,
        heads=settings.heads,
        layers=settings.layers,
        feed_forward=settings.feed_forward,
    )
    model = Captioner(size, settings.dropout)
    decayed = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
    )
    steps = settings.epochs * math.ceil(len(data.train) / settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / settings.warm_up, 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))) + 0.02),
    )
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(data.train)} rows, {steps} steps", flush=True)
    curve: list[dict[str, float]] = []
    began = time.monotonic()
    for epoch in range(1, settings.epochs + 1):
        total, count = 0.0, 0
        for batch in batches(data.train, concepts, tokenizer, settings.batch, chance):
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(model, batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        dev = mean_loss(model, data.dev, concepts, tokenizer)
        curve.append({"epoch": epoch, "train": round(total / count, 4), "dev": round(dev, 4), "seconds": round(time.monotonic() - began)})
        print(json.dumps(curve[-1]), flush=True)
        (output / "curve.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in curve))
        if dev <= min(entry["dev"] for entry in curve) + 5e-5:
            torch.save(
                {
                    "state": model.state_dict(),
                    "architecture": size.as_dict(),
                    "hyperParameters": asdict(settings),
                    "epoch": epoch,
                    "data": {"sha256": data.sha256, "train": len(data.train), "dev": len(data.dev), "leftOut": data.left_out},
                    "torch": str(torch.__version__),
                },
                output / "model.pt",
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the captioner.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("rows", type=Path, help="rows written by `conceptcaps export`")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    for field in fields(HyperParameters):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = HyperParameters(**{field.name: getattr(arguments, field.name) for field in fields(HyperParameters)})
    train(read_rows(arguments.rows, DEV_SHARE), settings, arguments.output)


if __name__ == "__main__":
    main()
