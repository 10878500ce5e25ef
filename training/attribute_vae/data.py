"""Rows as multi-hot matrices, and which of them may be trained on."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from rows import ROOT, Concepts, read_concepts, read_rows, sha256_of

Matrix = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MODEL_DIRECTORY = ROOT / "models" / "attribute-vae"
DEV_SHARE = 0.1


@dataclass(frozen=True)
class Taxonomy:
    """Attributes in the order of the model's input."""

    names: tuple[str, ...]
    contradictions: npt.NDArray[np.int64]  # [pairs, 2]

    @property
    def index(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.names)}


def read_taxonomy(concepts: Concepts | None = None) -> Taxonomy:
    concepts = concepts or read_concepts()
    index = {name: position for position, name in enumerate(concepts.attributes)}
    return Taxonomy(concepts.attributes, np.array([[index[a], index[b]] for a, b in concepts.contradictions], dtype=np.int64))


@dataclass(frozen=True)
class DataSet:
    """
    Matrices of 0 and 1, [rows, attributes]. `train` and `dev` are rows of the train split, `lists` are attribute lists
    without captions; `dev` chooses between models and decides when training ends, `held_out` is read by the evaluation.
    """

    train: Matrix
    dev: Matrix
    lists: Matrix
    held_out: Matrix
    left_out: dict[str, int]
    files: dict[str, str]  # name -> SHA-256

    @property
    def is_unseen(self) -> Mask:
        """Held-out rows whose whole combination no row to train on has: other ids have some of them by chance."""
        seen = {row.tobytes() for rows in (self.train, self.dev, self.lists) for row in rows}
        return np.array([row.tobytes() not in seen for row in self.held_out], dtype=bool)


def read_data(rows: Path, lists: Path | None, taxonomy: Taxonomy) -> DataSet:
    """
    @param rows: as `conceptcaps export` writes them
    @param lists: a Parquet file with the columns `id` and `aspect_list`, as the attribute lists are published
    """
    split = read_rows(rows, DEV_SHARE)
    spoken_for = {row.source_id for row in [*split.held_out, *split.dev]}
    listed = [] if lists is None else _read_lists(lists)
    kept = [names for row_id, names in listed if row_id not in spoken_for]
    return DataSet(
        train=_matrix([row.attributes for row in split.train], taxonomy),
        dev=_matrix([row.attributes for row in split.dev], taxonomy),
        lists=_matrix(kept, taxonomy),
        held_out=_matrix([row.attributes for row in split.held_out], taxonomy),
        left_out={"train": split.left_out, "lists": len(listed) - len(kept)},
        files={"rows": split.sha256, **({} if lists is None else {lists.name: sha256_of(lists)})},
    )


def _read_lists(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    table = pq.read_table(path, columns=["id", "aspect_list"])
    return [
        (row_id, tuple(ast.literal_eval(text)))
        for row_id, text in zip(table["id"].to_pylist(), table["aspect_list"].to_pylist())
    ]


def _matrix(rows: list[tuple[str, ...]], taxonomy: Taxonomy) -> Matrix:
    index = taxonomy.index
    x = np.zeros((len(rows), len(taxonomy.names)), dtype=np.float32)
    for position, names in enumerate(rows):
        x[position, [index[name] for name in names]] = 1
    return x
