"""Perplexity on the held-out rows, added to the card: `python -m captioner.evaluate --help`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer

from cards import read_card, write_card
from rows import Row, read_concepts, read_rows

from .data import DEV_SHARE, MODEL_DIRECTORY, PAD, condition_index, conditions, encode
from .export import read_model
from .model import Captioner
from .tokens import read_tokenizer
from .train import OUTPUT, batch_of, loss_of

Conditioned = Callable[[Row], list[int]]


@torch.no_grad()
def losses(model: Captioner, rows: list[Row], tokenizer: Tokenizer, given: Conditioned) -> dict[str, float]:
    """Perplexity a token and a word; the end of the caption counts as a token."""
    nats, tokens, words = 0.0, 0, 0
    for first in range(0, len(rows), 64):
        part = rows[first : first + 64]
        batch = batch_of(
            [(given(row), encode(row.caption, tokenizer)) for row in part], tokenizer.get_vocab_size(), tokenizer.token_to_id(PAD)
        )
        nats += loss_of(model, batch, "sum").item()
        tokens += int((batch.targets >= 0).sum())
        words += sum(len(row.caption.split()) for row in part)
    return {
        "captions": len(rows),
        "tokenPerplexity": round(math.exp(nats / tokens), 3),
        "wordPerplexity": round(math.exp(nats / words), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measures the exported captioner on held-out rows.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("rows", type=Path, help="rows written by `conceptcaps export`")
    parser.add_argument("--checkpoint", type=Path, default=OUTPUT, help="the folder that train.py wrote")
    parser.add_argument("--model", type=Path, default=MODEL_DIRECTORY, help="the folder of the exported model")
    arguments = parser.parse_args()
    concepts, data = read_concepts(), read_rows(arguments.rows, DEV_SHARE)
    model, _ = read_model(arguments.checkpoint / "model.pt")
    tokenizer = read_tokenizer(arguments.model)
    index = condition_index(concepts)

    def asked(row: Row) -> list[int]:
        return [index[name] for name in row.attributes]

    def said(row: Row) -> list[int]:
        return conditions(row, concepts)

    card = read_card(arguments.model)
    card["heldOut"] = {
        "given what the caption says": losses(model, data.held_out, tokenizer, said),
        "given the attributes of the row": losses(model, data.held_out, tokenizer, asked),
        "given nothing": losses(model, data.held_out, tokenizer, lambda _: []),
    }
    write_card(card, arguments.model)
    for name, measured in card["heldOut"].items():
        print(f"{name}: {measured}")


if __name__ == "__main__":
    main()
