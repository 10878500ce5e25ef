"""The tokenizer: byte-level BPE over the captions that are trained on."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from rows import Concepts, Row

from .data import END, PAD, START


def train_tokenizer(rows: list[Row], concepts: Concepts, size: int) -> Tokenizer:
    """Every word begins with its space, the first one too, so that a word has one spelling in tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*(row.caption for row in rows), *concepts.attributes], trainer)
    return tokenizer


def read_tokenizer(directory: Path) -> Tokenizer:
    return Tokenizer.from_file(str(directory / "tokenizer.json"))


def known_words(rows: list[Row], concepts: Concepts) -> list[str]:
    """Words of more than one caption, and those of the attributes, in lower case: what decoding takes for a word."""
    counts = Counter(word for row in rows for word in set(_words(row.caption)))
    named = {word for name in concepts.attributes for word in _words(name)}
    return sorted(named | {word for word, count in counts.items() if count > 1})


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'’&]+", text.lower())
