"""What the captioner is shown, what it may look at, and that ONNX computes the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from cards import read_card
from captioner.data import MODEL_DIRECTORY, condition_index, conditions
from captioner.export import graph_of
from captioner.model import Architecture, Captioner
from captioner.train import HyperParameters, batch_of, train
from rows import Row, Split, read_concepts, sha256_of


@pytest.fixture
def tiny() -> Captioner:
    torch.manual_seed(0)
    model = Captioner(Architecture(vocabulary=40, conditions=10, width=32, heads=2, layers=2, feed_forward=48)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    return model


@torch.no_grad()
def logits_of(model: Captioner, given: list[int], tokens: list[int]) -> torch.Tensor:
    batch = batch_of([(given, [*tokens, 0])], model.size.vocabulary, 0)
    return model(batch.ids, batch.positions, batch.allowed)[0][0, len(given) :]


def test_conditions_are_what_the_caption_says() -> None:
    concepts = read_concepts()
    row = Row("a", "A soft piano and a violin.", ("piano", "techno"), frozenset({"piano", "soft", "violin", "strings"}))
    names = {position: name for name, position in condition_index(concepts).items()}
    assert {names[index] for index in conditions(row, concepts)} == {"piano", "concept:soft", "concept:violin"}


def test_the_order_of_conditions_says_nothing(tiny: Captioner) -> None:
    torch.testing.assert_close(logits_of(tiny, [1, 5, 7], [3, 4]), logits_of(tiny, [7, 1, 5], [3, 4]))
    assert not torch.allclose(logits_of(tiny, [1, 5, 7], [3, 4]), logits_of(tiny, [1, 5, 8], [3, 4]))


def test_a_token_does_not_see_what_follows(tiny: Captioner) -> None:
    torch.testing.assert_close(logits_of(tiny, [1], [3, 4, 5])[:2], logits_of(tiny, [1], [3, 4, 9])[:2])


def test_padding_says_nothing(tiny: Captioner) -> None:
    batch = batch_of([([1], [3, 4, 0]), ([1, 2, 5], [3, 4, 5, 6, 0])], 40, 0)
    with torch.no_grad():
        logits, _ = tiny(batch.ids, batch.positions, batch.allowed)
    torch.testing.assert_close(logits[0, 3:5], logits_of(tiny, [1], [3, 4]), rtol=0, atol=1e-5)


def test_onnx_computes_the_same_with_keys_and_values_kept(tiny: Captioner, tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(graph_of(tiny).SerializeToString())
    session = onnxruntime.InferenceSession(path)
    given, tokens = [1, 5, 7], [3, 9, 20, 11]
    expected = logits_of(tiny, given, tokens).numpy()
    past = np.zeros((2, 2, 1, 2, 0, 16), np.float32)
    ids = np.array([[*(40 + condition for condition in given), tokens[0]]])
    allowed = np.array([[[column < 3 or row == 3 for column in range(4)] for row in range(4)]])
    feeds = {"ids": ids, "positions": np.array([[0, 0, 0, 1]]), "allowed": allowed}
    for at, token in enumerate(tokens):
        if at > 0:
            feeds = {"ids": np.array([[token]]), "positions": np.array([[at + 1]]), "allowed": np.ones((1, 1, 4 + at), bool)}
        logits, past = session.run(["logits", "present"], {**feeds, "past": past})
        np.testing.assert_allclose(logits[0], expected[at], rtol=0, atol=1e-5)


def test_the_committed_files_are_those_of_the_card() -> None:
    for name, entry in read_card(MODEL_DIRECTORY)["files"].items():
        assert sha256_of(MODEL_DIRECTORY / name) == entry["sha256"]


def test_training_runs_from_end_to_end_and_learns(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    rows = [Row(str(n), f"A {what} piece.", (what,), frozenset({what})) for n in range(8) for what in ("piano", "techno")]
    data = Split(train=rows, dev=rows[:4], held_out=[], left_out=0, sha256="")
    settings = HyperParameters(vocabulary=300, width=32, heads=2, layers=1, feed_forward=32, dropout=0.0, epochs=12, batch=4, learning_rate=1e-2, warm_up=2)
    train(data, settings, tmp_path)
    curve = (tmp_path / "curve.jsonl").read_text().splitlines()
    assert len(curve) == 12
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    model = Captioner(Architecture(**content["architecture"]))
    model.load_state_dict(content["state"])
    # What comes after "A" is all that has to be known.
    assert json.loads(curve[-1])["dev"] < 0.5 and (tmp_path / "words.txt").exists()
