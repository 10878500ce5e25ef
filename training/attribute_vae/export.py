"""Writes the encoder and the decoder as ONNX: `python -m attribute_vae.export --help`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from cards import files_of, write_card

from .data import MODEL_DIRECTORY
from .model import AttributeVae, load_checkpoint
from .train import CHECKPOINT

NAME = "attribute-vae"
VERSION = "1"
OPSET = 17
MAX_BYTES = 4_000_000


def encoder_graph(model: AttributeVae) -> onnx.ModelProto:
    """x [N, attributes] -> mu [N, latent], logvar [N, latent]; all float32."""
    size = model.architecture
    nodes = [
        _linear("fc1", "x", "fc1_out"),
        helper.make_node("Relu", ["fc1_out"], ["hidden"]),
        _linear("fc2_mu", "hidden", "mu"),
        _linear("fc2_logvar", "hidden", "logvar"),
    ]
    layers = {"fc1": model.fc1, "fc2_mu": model.fc2_mu, "fc2_logvar": model.fc2_logvar}
    return _model("encoder", nodes, layers, {"x": size.attributes}, {"mu": size.latent, "logvar": size.latent})


def decoder_graph(model: AttributeVae) -> onnx.ModelProto:
    """z [N, latent] -> logits [N, attributes]; all float32. The sigmoid is left to the reader."""
    nodes = [
        _linear("fc3", "z", "fc3_out"),
        helper.make_node("Relu", ["fc3_out"], ["hidden"]),
        _linear("fc4", "hidden", "logits"),
    ]
    size = model.architecture
    return _model("decoder", nodes, {"fc3": model.fc3, "fc4": model.fc4}, {"z": size.latent}, {"logits": size.attributes})


def export(model: AttributeVae, directory: Path) -> dict[str, Path]:
    """Writes `encoder.onnx` and `decoder.onnx`, the same bytes for the same weights."""
    directory.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    for name, graph in (("encoder", encoder_graph(model)), ("decoder", decoder_graph(model))):
        written[name] = directory / f"{name}.onnx"
        written[name].write_bytes(graph.SerializeToString(deterministic=True))
    size = sum(path.stat().st_size for path in written.values())
    if size > MAX_BYTES:
        raise ValueError(f"the two files are {size} bytes, more than {MAX_BYTES}")
    return written


def read_model(path: Path) -> tuple[AttributeVae, dict[str, Any]]:
    """A checkpoint of `train.py` with what it says of itself, or a bare state dict such as the authors'."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if "state" not in content:
        return load_checkpoint(content), {}
    return load_checkpoint(content["state"]), {key: value for key, value in content.items() if key != "state"}


def card(model: AttributeVae, about: dict[str, Any], written: dict[str, Path], directory: Path) -> dict[str, Any]:
    """What `model.json` says before the evaluation has added its part."""
    size = model.architecture
    return {
        "name": NAME,
        "version": VERSION,
        "architecture": {
            "kind": "variational autoencoder",
            "layers": [size.attributes, size.hidden, size.latent, size.hidden, size.attributes],
            "activation": "relu",
            "output": "logits",
            "prior": "standard normal",
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
        },
        "license": "CC-BY-4.0",
        "files": files_of(directory, [path.name for path in written.values()]),
        "signature": {
            "encoder": {"inputs": {"x": ["N", size.attributes]}, "outputs": {"mu": ["N", size.latent], "logvar": ["N", size.latent]}},
            "decoder": {"inputs": {"z": ["N", size.latent]}, "outputs": {"logits": ["N", size.attributes]}},
            "type": "float32",
        },
        "seed": about.get("hyperParameters", {}).get("seed"),
        "hyperParameters": about.get("hyperParameters"),
        "devLosses": about.get("losses"),
        "data": about.get("data"),
        "madeWith": {"torch": about.get("torch"), "onnx": onnx.__version__, "opset": OPSET},
        "trainingFrequencies": [round(value, 6) for value in about.get("frequencies", [])],
    }


def _linear(layer: str, source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Gemm", [source, f"{layer}.weight", f"{layer}.bias"], [target], name=layer, transB=1)


def _model(name: str, nodes: list[onnx.NodeProto], layers: dict[str, nn.Linear], inputs: dict[str, int], outputs: dict[str, int]) -> onnx.ModelProto:
    def described(tensors: dict[str, int]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(key, TensorProto.FLOAT, ["N", width]) for key, width in tensors.items()]

    def stored(tensor: Tensor, key: str) -> onnx.TensorProto:
        return numpy_helper.from_array(tensor.detach().numpy(), key)

    weights = [stored(tensor, f"{layer}.{key}") for layer, linear in layers.items() for key, tensor in linear.named_parameters()]
    graph = helper.make_graph(nodes, f"{NAME}-{name}", described(inputs), described(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name=NAME, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Exports a trained VAE to ONNX.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="of train.py, or a bare state dict such as the authors'")
    parser.add_argument("--output", type=Path, default=MODEL_DIRECTORY, help="the folder to write to")
    arguments = parser.parse_args()
    model, about = read_model(arguments.checkpoint)
    written = export(model, arguments.output)
    write_card(card(model, about, written, arguments.output), arguments.output)
    print(", ".join(f"{path} ({path.stat().st_size:,} bytes)" for path in written.values()))


if __name__ == "__main__":
    main()
