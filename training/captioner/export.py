"""Writes the captioner as ONNX: `python -m captioner.export --help`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from cards import files_of, write_card
from rows import read_concepts

from .data import END, MODEL_DIRECTORY, PAD, START, condition_index
from .model import Architecture, Captioner
from .tokens import read_tokenizer
from .train import OUTPUT

NAME = "captioner"
VERSION = "1"
OPSET = 17
MAX_BYTES = 25_000_000


class Graph:
    """Builds a graph node by node; every method gives the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.add_many(kind, 1, *inputs, **attributes)[0]

    def add_many(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        names = [f"{kind.lower()}_{len(self.nodes)}" + (f"_{output}" if outputs > 1 else "") for output in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, values: Any, kind: type[np.generic] = np.int64) -> str:
        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(values, dtype=kind), name))
        return name

    def weight(self, name: str, tensor: Tensor) -> str:
        """Stored in half precision, computed with in single: the runtime folds the cast when it loads the file."""
        self.weights.append(numpy_helper.from_array(tensor.detach().half().contiguous().numpy(), name))
        return self.add("Cast", name, to=TensorProto.FLOAT)

    def split(self, x: str, parts: int, axis: int, size: int) -> list[str]:
        return self.add_many("Split", parts, x, self.constant([size // parts] * parts), axis=axis)

    def norm(self, x: str, name: str, weight: Tensor, eps: float) -> str:
        mean = self.add("ReduceMean", self.add("Mul", x, x), axes=[-1], keepdims=1)
        root = self.add("Sqrt", self.add("Add", mean, self.constant(eps, np.float32)))
        return self.add("Mul", self.add("Div", x, root), self.weight(name, weight))

    def rotate(self, x: str, cosine: str, sine: str, head: int) -> str:
        first, second = self.split(x, 2, -1, head)
        return self.add(
            "Concat",
            self.add("Sub", self.add("Mul", first, cosine), self.add("Mul", second, sine)),
            self.add("Add", self.add("Mul", first, sine), self.add("Mul", second, cosine)),
            axis=-1,
        )


def graph_of(model: Captioner) -> onnx.ModelProto:
    """
    ids and positions int64 [rows, new], allowed bool [rows, new, past + new], past float32
    [layers, 2, rows, heads, past, head] -> logits float32 [rows, vocabulary] behind the last new token, and present,
    the new past. The first call has no past: its length is 0.
    """
    size, g = model.size, Graph()
    head = size.width // size.heads
    embedding = g.weight("embedding", model.embedding.weight)
    x = g.add("Gather", embedding, "ids", axis=0)
    rotation = g.add("Gather", g.constant(model.rotations.numpy(), np.float32), "positions", axis=0)
    cosine, sine = g.split(g.add("Unsqueeze", rotation, g.constant([1])), 2, -1, head)
    blocked = g.add("Unsqueeze", g.add("Not", "allowed"), g.constant([1]))
    bias = g.add("Mul", g.add("Cast", blocked, to=TensorProto.FLOAT), g.constant(-1e9, np.float32))
    presents = []
    for layer, block in enumerate(model.blocks):
        name = f"blocks.{layer}."
        hidden = g.norm(x, name + "attention_norm", block.attention_norm.weight, 1e-5)
        qkv = g.add("MatMul", hidden, g.weight(name + "qkv", block.qkv.weight.T))
        split = g.split(qkv, 3, -1, 3 * size.width)
        query, key, value = (
            g.add("Transpose", g.add("Reshape", part, g.constant([0, 0, size.heads, head])), perm=[0, 2, 1, 3]) for part in split
        )
        new = [g.add("Unsqueeze", part, g.constant([0])) for part in (g.rotate(key, cosine, sine, head), value)]
        past = g.add("Gather", "past", g.constant(layer), axis=0)
        present = g.add("Concat", past, g.add("Concat", *new, axis=0), axis=3)
        presents.append(g.add("Unsqueeze", present, g.constant([0])))
        keys, values = (g.add("Gather", present, g.constant(which), axis=0) for which in (0, 1))
        scores = g.add("MatMul", g.rotate(query, cosine, sine, head), g.add("Transpose", keys, perm=[0, 1, 3, 2]))
        scores = g.add("Add", g.add("Mul", scores, g.constant(head**-0.5, np.float32)), bias)
        mixed = g.add("Transpose", g.add("MatMul", g.add("Softmax", scores, axis=-1), values), perm=[0, 2, 1, 3])
        joined = g.add("Reshape", mixed, g.constant([0, 0, size.width]))
        x = g.add("Add", x, g.add("MatMul", joined, g.weight(name + "out", block.out.weight.T)))
        hidden = g.norm(x, name + "feed_forward_norm", block.feed_forward_norm.weight, 1e-5)
        both = g.add("MatMul", hidden, g.weight(name + "gate_up", block.gate_up.weight.T))
        gate, up = g.split(both, 2, -1, 2 * size.feed_forward)
        inner = g.add("Mul", g.add("Mul", gate, g.add("Sigmoid", gate)), up)
        x = g.add("Add", x, g.add("MatMul", inner, g.weight(name + "down", block.down.weight.T)))
    last = g.add("Gather", x, g.constant(-1), axis=1)
    text = g.add("Slice", embedding, g.constant([0]), g.constant([size.vocabulary]), g.constant([0]))
    logits = g.add("MatMul", g.norm(last, "norm", model.norm.weight, 1e-5), g.add("Transpose", text, perm=[1, 0]))
    g.nodes.append(helper.make_node("Identity", [logits], ["logits"]))
    g.nodes.append(helper.make_node("Concat", presents, ["present"], axis=0))
    cache = [size.layers, 2, "rows", size.heads]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        g.nodes,
        NAME,
        [
            value("ids", TensorProto.INT64, ["rows", "new"]),
            value("positions", TensorProto.INT64, ["rows", "new"]),
            value("allowed", TensorProto.BOOL, ["rows", "new", "all"]),
            value("past", TensorProto.FLOAT, [*cache, "past", head]),
        ],
        [
            value("logits", TensorProto.FLOAT, ["rows", size.vocabulary]),
            value("present", TensorProto.FLOAT, [*cache, "all", head]),
        ],
        g.weights,
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name=NAME, ir_version=8)
    onnx.checker.check_model(built, full_check=True)
    return built


def read_model(path: Path) -> tuple[Captioner, dict[str, Any]]:
    """The weights as they are stored, rounded to half precision, and what the checkpoint says of itself."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    model = Captioner(Architecture(**content.pop("architecture")))
    model.load_state_dict({name: tensor.half().float() for name, tensor in content.pop("state").items()})
    return model.eval(), content


def export(checkpoint: Path, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    model, about = read_model(checkpoint / "model.pt")
    (directory / "captioner.onnx").write_bytes(graph_of(model).SerializeToString(deterministic=True))
    for name in ("tokenizer.json", "words.txt", "curve.jsonl"):
        shutil.copyfile(checkpoint / name, directory / name)
    tokenizer = read_tokenizer(directory)
    card = {
        "name": NAME,
        "version": VERSION,
        "license": "CC-BY-4.0",
        "architecture": {**model.size.as_dict(), "parameters": sum(p.numel() for p in model.parameters())},
        "files": files_of(directory, ["captioner.onnx", "tokenizer.json", "words.txt"]),
        "tokens": {"start": tokenizer.token_to_id(START), "end": tokenizer.token_to_id(END), "pad": tokenizer.token_to_id(PAD)},
        "conditions": list(condition_index(read_concepts())),
        **about,
        "madeWith": {"torch": about.pop("torch"), "onnx": onnx.__version__, "opset": OPSET},
    }
    size = sum(entry["bytes"] for entry in card["files"].values())
    if size > MAX_BYTES:
        raise ValueError(f"the files are {size} bytes, more than {MAX_BYTES}")
    write_card(card, directory)
    print(f"{directory}: {size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description="Exports a trained captioner.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=OUTPUT, help="the folder that train.py wrote")
    parser.add_argument("--output", type=Path, default=MODEL_DIRECTORY, help="the folder to write to")
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.output)


if __name__ == "__main__":
    main()
