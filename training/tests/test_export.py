"""What is exported is what was trained, to the last digit that matters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from attribute_vae.data import MODEL_DIRECTORY
from attribute_vae.export import MAX_BYTES, export, read_model
from attribute_vae.model import Architecture, AttributeVae
from attribute_vae.vae import OnnxVae, TorchVae
from cards import read_card
from rows import ROOT, sha256_of

CHECKPOINT = ROOT.parent / "shared" / "data" / "conceptcaps" / "models" / "vae_final.pth"


def assert_equal_outputs(model: AttributeVae, directory: Path) -> None:
    export(model, directory)
    here, there = OnnxVae(directory), TorchVae(model)
    random = np.random.default_rng(0)
    x = (random.random((64, model.architecture.attributes)) < 0.05).astype(np.float32)
    z = random.standard_normal((64, model.architecture.latent)).astype(np.float32)
    for ours, theirs in zip(here.encode(x), there.encode(x)):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    np.testing.assert_allclose(here.decode(z), there.decode(z), rtol=0, atol=1e-5)


def test_a_new_network_gives_the_same_in_onnx(tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert_equal_outputs(AttributeVae(Architecture(hidden=32, latent=8)).eval(), tmp_path)


@pytest.mark.skipif(not CHECKPOINT.exists(), reason=f"the authors' checkpoint is not at {CHECKPOINT}")
def test_the_authors_checkpoint_gives_the_same_in_onnx(tmp_path: Path) -> None:
    model, about = read_model(CHECKPOINT)
    assert about == {}
    assert model.architecture == Architecture(200, 512, 128)
    assert_equal_outputs(model, tmp_path)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = AttributeVae(Architecture(hidden=16, latent=4)).eval()
    first, second = export(model, tmp_path / "a"), export(model, tmp_path / "b")
    assert [path.read_bytes() for path in first.values()] == [path.read_bytes() for path in second.values()]


def test_the_committed_files_are_those_of_the_card() -> None:
    card = read_card(MODEL_DIRECTORY)
    for name, entry in card["files"].items():
        assert sha256_of(MODEL_DIRECTORY / name) == entry["sha256"]
    assert sum(entry["bytes"] for entry in card["files"].values()) <= MAX_BYTES


def test_the_committed_model_has_the_signature_of_the_card() -> None:
    card = read_card(MODEL_DIRECTORY)
    for name in ("encoder", "decoder"):
        graph = onnx.load(MODEL_DIRECTORY / f"{name}.onnx").graph
        for kind, found in (("inputs", graph.input), ("outputs", graph.output)):
            shapes = {
                value.name: [part.dim_param or part.dim_value for part in value.type.tensor_type.shape.dim] for value in found
            }
            assert shapes == card["signature"][name][kind]
