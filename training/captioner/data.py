"""Rows as conditions and tokens."""

from __future__ import annotations

import random

from tokenizers import Tokenizer

from rows import ROOT, Concepts, Row

MODEL_DIRECTORY = ROOT / "models" / "captioner"
DEV_SHARE = 0.05

START, END, PAD = "<start>", "<end>", "<pad>"


def condition_index(concepts: Concepts) -> dict[str, int]:
    """What can be asked for: attributes, then concepts, whose names follow `concept:`."""
    names = [*concepts.attributes, *(f"concept:{name}" for name in concepts.concepts)]
    return {name: position for position, name in enumerate(names)}


def conditions(row: Row, concepts: Concepts, chance: random.Random | None = None) -> list[int]:
    """
    What the caption says, as far as concepts go: the row's attributes that it mentions, and other concepts that it
    mentions. What the row has and the caption keeps to itself is left out: a model that is shown it learns to say less
    than it is asked for, and one that is not shown the rest learns to say more.
    With `chance`, half of the rows have some attributes replaced by another name for the same, and lose a few.
    """
    said = [name for name in row.attributes if concepts.concepts_of[name] <= row.mentions]
    carried = {concept for name in said for own in concepts.concepts_of[name] for concept in {own, *concepts.broader[own]}}
    implied = {concept for mention in row.mentions for concept in concepts.broader[mention]}
    names = [*said, *(f"concept:{concept}" for concept in sorted(row.mentions - carried - implied))]
    if chance is not None and chance.random() < 0.5:
        names = [_another_name(name, concepts, chance) for name in names if chance.random() > 0.03]
    index = condition_index(concepts)
    return sorted({index[name] for name in names})


def _another_name(name: str, concepts: Concepts, chance: random.Random) -> str:
    if chance.random() > 0.3:
        return name
    if name.startswith("concept:"):
        others = [a for a in concepts.attributes_of[name[8:]] if len(concepts.concepts_of[a]) == 1]
        return chance.choice(others) if others else name
    own = concepts.concepts_of[name]
    return f"concept:{next(iter(own))}" if len(own) == 1 else name


def encode(caption: str, tokenizer: Tokenizer) -> list[int]:
    """Start, text, end."""
    return [tokenizer.token_to_id(START), *tokenizer.encode(caption).ids, tokenizer.token_to_id(END)]
