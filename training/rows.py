"""What both models are trained on: rows as `conceptcaps export` writes them, and the concepts that the server knows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONCEPTS_FILE = ROOT / "training" / "concepts.json"
HELD_OUT_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Concepts:
    """Attributes in the order of `src/concepts/taxonomy.ts`, concepts in that of `src/concepts/concept-list.ts`."""

    attributes: tuple[str, ...]
    contradictions: tuple[tuple[str, str], ...]
    """Pairs of attributes that cannot be true of the same music."""
    concepts: tuple[str, ...]
    concepts_of: dict[str, frozenset[str]]
    """Attribute -> the concepts that it means itself, broader ones left out."""
    attributes_of: dict[str, tuple[str, ...]]
    broader: dict[str, frozenset[str]]


def read_concepts() -> Concepts:
    text = json.loads(CONCEPTS_FILE.read_text("utf-8"))
    attributes = tuple(name for listed in text["taxonomy"].values() for name in listed)
    concepts = text["concepts"]
    return Concepts(
        attributes=attributes,
        contradictions=tuple((a, b) for a, b in text["contradictions"]),
        concepts=tuple(concept["name"] for concept in concepts),
        concepts_of={a: frozenset(c["name"] for c in concepts if a in c["attributes"]) for a in attributes},
        attributes_of={c["name"]: tuple(c["attributes"]) for c in concepts},
        broader={c["name"]: frozenset(c["broader"]) for c in concepts},
    )


@dataclass(frozen=True)
class Row:
    """`source_id` repeats: the same id comes back with another caption or with one attribute changed."""

    source_id: str
    caption: str
    attributes: tuple[str, ...]
    mentions: frozenset[str]
    """Concepts that the caption mentions, broader ones included."""


@dataclass(frozen=True)
class Split:
    """Rows of the published splits. No row of `train` or `dev` shares an id with one of `held_out`."""

    train: list[Row]
    dev: list[Row]
    """Rows of the train split that choose between models and say when training ends; no id of theirs is in `train`."""
    held_out: list[Row]
    """Read by evaluations only."""
    left_out: int
    """Rows of the train split that share an id with a held-out one."""
    sha256: str
    """Of the rows that were read, whatever their order and whatever else the file says."""


def read_rows(path: Path, dev_share: float) -> Split:
    """
    Generated rows have no split, and are passed over.
    @raises ValueError where a split is missing
    """
    by_split: dict[str, list[Row]] = {"train": [], **{split: [] for split in HELD_OUT_SPLITS}}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["split"] in by_split:
            by_split[row["split"]].append(
                Row(row["sourceId"], row["caption"], tuple(row["attributes"]), frozenset(row["mentions"]))
            )
    missing = [split for split, rows in by_split.items() if not rows]
    if missing:
        raise ValueError(f"{path} has no rows of {', '.join(missing)}: import the published rows, then export them")
    held_out = [row for split in HELD_OUT_SPLITS for row in by_split[split]]
    held_ids = {row.source_id for row in held_out}
    train = [row for row in by_split["train"] if row.source_id not in held_ids]
    return Split(
        train=[row for row in train if _unit_interval(row.source_id) >= dev_share],
        dev=[row for row in train if _unit_interval(row.source_id) < dev_share],
        held_out=held_out,
        left_out=len(by_split["train"]) - len(train),
        sha256=_digest(by_split),
    )


def _digest(by_split: dict[str, list[Row]]) -> str:
    lines = sorted(
        json.dumps([split, row.source_id, row.caption, sorted(row.attributes), sorted(row.mentions)])
        for split, rows in by_split.items()
        for row in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unit_interval(text: str) -> float:
    """A number in [0, 1) that only the text decides: rows of one id stay together, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
