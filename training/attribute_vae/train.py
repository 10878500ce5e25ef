"""Trains the VAE: `python -m attribute_vae.train --help`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rows import ROOT

from .data import DataSet, read_data, read_taxonomy
from .model import Architecture, AttributeVae, divergence, reconstruction

CHECKPOINT = ROOT / ".cache" / "attribute-vae" / "model.pt"
EVALUATED_EVERY = 500


@dataclass(frozen=True)
class HyperParameters:
    """What training can be told; the values are those of the committed model."""

    hidden: int = 512
    latent: int = 128
    beta: float = 0.9
    """Weight of the divergence from the prior."""
    warm_up: int = 1500
    """Steps over which that weight grows from 0."""
    free_bits: float = 0.0
    """Nats of each latent dimension that cost nothing."""
    dropout: float = 0.1
    """Of the hidden layers."""
    masked: float = 0.0
    """Share of rows that the encoder sees a random part of, and the decoder completes."""
    lists_share: float = 0.5
    """Share of attribute lists in the first batch; it falls to 0 at `lists_until`: they are distributed otherwise."""
    lists_until: float = 0.7
    """Share of the steps."""
    steps: int = 6000
    batch: int = 256
    learning_rate: float = 0.001
    weight_decay: float = 0.05
    seed: int = 1


@dataclass(frozen=True)
class Losses:
    """In nats a row, on the dev rows."""

    step: int
    reconstruction: float
    divergence: float

    @property
    def negative_elbo(self) -> float:
        return self.reconstruction + self.divergence


@dataclass(frozen=True)
class Trained:
    model: AttributeVae
    losses: Losses
    history: list[Losses]


def train(data: DataSet, settings: HyperParameters) -> Trained:
    """The weights of the step with the lowest negative ELBO on the dev rows, among those after the lists have gone."""
    torch.manual_seed(settings.seed)
    model = AttributeVae(Architecture(data.train.shape[1], settings.hidden, settings.latent), settings.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    dev = torch.from_numpy(data.dev)
    history: list[Losses] = []
    best: tuple[Losses, dict[str, Tensor]] | None = None
    for step, (seen, whole) in enumerate(_batches(data, settings), start=1):
        model.train()
        mu, logvar = model.encode(seen)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        cost = divergence(mu, logvar).mean(0).clamp(min=settings.free_bits).sum()
        beta = settings.beta * min(1.0, step / max(settings.warm_up, 1))
        loss = reconstruction(model.decode(z), whole).mean() + beta * cost
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % EVALUATED_EVERY == 0 or step == settings.steps:
            losses = losses_on(model, dev, step)
            history.append(losses)
            print(
                f"step {step}: dev reconstruction {losses.reconstruction:.2f}, divergence {losses.divergence:.2f}, "
                f"negative ELBO {losses.negative_elbo:.2f}",
                flush=True,
            )
            eligible = step >= settings.lists_until * settings.steps or step == settings.steps
            if eligible and (best is None or losses.negative_elbo < best[0].negative_elbo):
                best = losses, {name: value.clone() for name, value in model.state_dict().items()}
    if best is None:
        raise ValueError("steps must be at least 1")
    model.load_state_dict(best[1])
    return Trained(model.eval(), best[0], history)


@torch.no_grad()
def losses_on(model: AttributeVae, x: Tensor, step: int, draws: int = 8) -> Losses:
    model.eval()
    generator = torch.Generator().manual_seed(0)
    mu, logvar = model.encode(x)
    noise = [torch.randn(mu.shape, generator=generator) for _ in range(draws)]
    each = [reconstruction(model.decode(mu + e * torch.exp(0.5 * logvar)), x).mean().item() for e in noise]
    return Losses(step, sum(each) / draws, divergence(mu, logvar).sum(1).mean().item())


def _batches(data: DataSet, settings: HyperParameters) -> Iterator[tuple[Tensor, Tensor]]:
    """What the encoder sees of each row, and the row."""
    generator = torch.Generator().manual_seed(settings.seed)
    rows, lists = torch.from_numpy(data.train), torch.from_numpy(data.lists)
    until = max(settings.lists_until * settings.steps, 1)
    for step in range(settings.steps):
        share = settings.lists_share * max(0.0, 1 - step / until) if len(lists) else 0.0
        of_lists = int(settings.batch * share)
        picked = torch.randint(len(rows), (settings.batch - of_lists,), generator=generator)
        whole = rows[picked]
        if of_lists:
            whole = torch.cat([whole, lists[torch.randint(len(lists), (of_lists,), generator=generator)]])
        kept = torch.rand(len(whole), 1, generator=generator)
        is_masked = torch.rand(len(whole), 1, generator=generator) < settings.masked
        hidden = (torch.rand(whole.shape, generator=generator) >= kept) & is_masked
        yield whole.masked_fill(hidden, 0), whole


def save(trained: Trained, settings: HyperParameters, data: DataSet, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {
        "state": trained.model.state_dict(),
        "hyperParameters": asdict(settings),
        "losses": {**asdict(trained.losses), "negative_elbo": trained.losses.negative_elbo},
        "data": {
            "files": data.files,
            "rows": {"train": len(data.train), "dev": len(data.dev), "lists": len(data.lists)},
            "leftOutAsHeldOut": data.left_out,
        },
        "frequencies": data.train.mean(0).tolist(),
        "torch": str(torch.__version__),
    }
    torch.save(content, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the attribute VAE.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("rows", type=Path, help="rows written by `conceptcaps export`")
    parser.add_argument("--lists", type=Path, help="attribute lists without captions, as published (Parquet)")
    parser.add_argument("--output", type=Path, default=CHECKPOINT, help="the checkpoint to write")
    parser.add_argument("--threads", type=int, default=1, help="figures repeat exactly with the same number only")
    for field in fields(HyperParameters):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    arguments = vars(parser.parse_args())
    settings = HyperParameters(**{field.name: arguments[field.name] for field in fields(HyperParameters)})
    torch.set_num_threads(arguments["threads"])
    data = read_data(arguments["rows"], arguments["lists"], read_taxonomy())
    print(f"{len(data.train)} rows, {len(data.lists)} lists, {len(data.dev)} dev rows; left out {data.left_out}")
    save(train(data, settings), settings, data, arguments["output"])
    print(f"wrote {arguments['output']}")


if __name__ == "__main__":
    main()
