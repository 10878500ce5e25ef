"""Reading rows, and what is never trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribute_vae.data import DEFAULT_DATA, LISTS_FILE, read_data, read_taxonomy


def write(path: Path, rows: list[tuple[str, list[str]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [row_id for row_id, _ in rows], "aspect_list": [str(names) for _, names in rows]}), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    many = [(f"row {number}", ["rock", "fast tempo", "electric guitar"]) for number in range(100)]
    write(tmp_path / "default" / "train-00000-of-00001.parquet", [*many, ("held", ["pop", "piano"]), ("test", ["pop"])])
    write(tmp_path / "default" / "validation-00000-of-00001.parquet", [("held", ["pop", "piano"])])
    write(tmp_path / "default" / "test-00000-of-00001.parquet", [("test", ["jazz"]), ("new", ["rock", "fast tempo", "electric guitar"])])
    write(tmp_path / LISTS_FILE, [("held", ["folk"]), ("list", ["blues", "piano"])])
    return tmp_path


def test_rows_are_multi_hot_in_the_order_of_the_taxonomy(folder: Path) -> None:
    taxonomy = read_taxonomy()
    rows = read_data(folder, taxonomy).held_out["validation"]
    assert [taxonomy.names[index] for index in rows.x[0].nonzero()[0]] == ["pop", "piano"]


def test_rows_that_share_an_id_with_a_held_out_one_are_left_out(folder: Path) -> None:
    data = read_data(folder, read_taxonomy())
    trained = {*data.train.ids, *data.dev.ids, *data.lists.ids}
    assert trained == {*(f"row {number}" for number in range(100)), "list"}
    assert data.left_out == {"train": 2, "lists": 1}


def test_dev_rows_are_not_trained_on(folder: Path) -> None:
    data = read_data(folder, read_taxonomy())
    assert len(data.dev) > 0
    assert set(data.dev.ids).isdisjoint(data.train.ids)


def test_a_held_out_row_is_unseen_when_its_combination_is(folder: Path) -> None:
    assert read_data(folder, read_taxonomy()).is_unseen.tolist() == [True, True, False]


def test_a_taxonomy_in_another_order_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.json").write_text(json.dumps({"tempo": ["slow tempo", "medium tempo"]}))
    with pytest.raises(ValueError, match="another order"):
        read_taxonomy(tmp_path)


@pytest.mark.skipif(not DEFAULT_DATA.exists(), reason=f"the published rows are not at {DEFAULT_DATA}")
def test_the_published_taxonomy_is_ours() -> None:
    assert len(read_taxonomy(DEFAULT_DATA).names) == 200
