"""Reading rows, and what is never trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribute_vae.data import read_data, read_taxonomy
from rows import read_concepts, read_rows


def line(source_id: str, split: str | None, attributes: list[str], caption: str = "Words.") -> str:
    return json.dumps({"sourceId": source_id, "split": split, "caption": caption, "attributes": attributes, "mentions": []})


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    lines = [line(f"row {number}", "train", ["rock", "fast tempo", "electric guitar"]) for number in range(100)]
    lines += [line("held", "train", ["pop", "piano"]), line("held", "validation", ["pop", "piano"])]
    lines += [line("test", "test", ["jazz"]), line("generated", None, ["folk"])]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    path = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"id": ["held", "list"], "aspect_list": ["['folk']", "['blues', 'piano']"]}), path)
    return path


def test_rows_that_share_an_id_with_a_held_out_one_are_left_out(exported: Path) -> None:
    split = read_rows(exported, 0.1)
    ids = {row.source_id for row in [*split.train, *split.dev]}
    assert ids == {f"row {number}" for number in range(100)}
    assert split.left_out == 1
    assert [row.source_id for row in split.held_out] == ["held", "test"]


def test_dev_rows_are_not_trained_on(exported: Path) -> None:
    split = read_rows(exported, 0.1)
    assert split.dev and {row.source_id for row in split.dev}.isdisjoint(row.source_id for row in split.train)


def test_a_missing_split_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line("a", "train", ["rock"]) + "\n")
    with pytest.raises(ValueError, match="validation, test: import the published rows"):
        read_rows(path, 0.1)


def test_rows_are_multi_hot_in_the_order_of_the_taxonomy(exported: Path, lists: Path) -> None:
    taxonomy = read_taxonomy()
    data = read_data(exported, lists, taxonomy)
    assert [taxonomy.names[index] for index in data.held_out[0].nonzero()[0]] == ["pop", "piano"]
    assert len(data.lists) == 1 and data.left_out == {"train": 1, "lists": 1}


def test_every_attribute_means_a_concept() -> None:
    concepts = read_concepts()
    assert len(concepts.attributes) == 200
    assert all(concepts.concepts_of[name] for name in concepts.attributes)
    assert "guitar" in concepts.broader["acoustic guitar"]
