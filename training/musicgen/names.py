"""
Names and shapes of all tensors of the published models, for builders of graphs that have to read them, and their
configurations: `python -m musicgen.names`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .make_tiny import generation_config_of
from .reference import FIXTURES
from .sizes import SIZES, config_of, shapes_of

FILE = FIXTURES / "published-tensors.json"
CONFIGS = FIXTURES / "published"
CONFIGURED = ["small", "large"]
REPEATED = re.compile(r"(?<=encoder\.block\.)\d+|(?<=\.model\.decoder\.layers\.)\d+|(?<=embed_tokens\.)\d+|(?<=lm_heads\.)\d+|(?<=quantizer\.layers\.)\d+")
ABOUT = (
    "Reconstructed by training/musicgen/names.py, not downloaded: what transformers stores of models of the published sizes, by the names that the "
    "published files have. {i} counts from 0 to count - 1. common: the same in all models. Published files hold one tensor more that nobody has to read, "
    "decoder.model.decoder.embed_positions.weights [2048, width]: the sinusoids, which transformers computes today. Newer files may say "
    "parametrizations.weight.original0 for weight_g and parametrizations.weight.original1 for weight_v."
)


def collapsed(shapes: dict[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    """Tensors that differ in nothing but the number of their layer become one entry."""
    found: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for name, shape in shapes.items():
        number = REPEATED.search(name)
        found.setdefault((REPEATED.sub("{i}", name), shape), []).append(int(number.group()) if number else 0)
    entries = []
    for (pattern, shape), numbers in found.items():
        if sorted(numbers) != list(range(len(numbers))):
            raise ValueError(f"{pattern}: {numbers}")
        # T5 has position biases in its first layer only.
        name = pattern.replace("{i}", "0") if len(numbers) == 1 else pattern
        entries.append({"pattern": name, "count": len(numbers), "shape": list(shape)})
    return entries


def expanded(entries: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    return {entry["pattern"].replace("{i}", str(number)): tuple(entry["shape"]) for entry in entries for number in range(entry["count"])}


def tensors() -> dict[str, Any]:
    shapes = {name: shapes_of(config_of(size)) for name, size in SIZES.items()}
    shared = {key: value for key, value in shapes["small"].items() if all(other.get(key) == value for other in shapes.values())}
    shared = {key: value for key, value in shared.items() if key.startswith(("text_encoder.", "audio_encoder."))}
    return {
        "about": ABOUT,
        "dtype": "F32",
        "common": collapsed(shared),
        "models": {
            name: {
                "tensors": len(own),
                "bytes": 4 * sum(math.prod(shape) for shape in own.values()),
                "own": collapsed({key: value for key, value in own.items() if key not in shared}),
            }
            for name, own in shapes.items()
        },
    }


def config_text(name: str) -> str:
    """With the type of the weights where it was named when the models were published."""
    content = config_of(SIZES[name]).to_dict()
    content |= {"architectures": ["MusicgenForConditionalGeneration"], "torch_dtype": "float32"}
    content.pop("dtype", None)
    for part in ("text_encoder", "audio_encoder", "decoder"):
        content[part].pop("dtype", None)
        content[part].pop("transformers_version", None)
    content["text_encoder"]["_name_or_path"] = "t5-base"
    content["audio_encoder"]["_name_or_path"] = "facebook/encodec_32khz"
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def an_entry_a_line(content: dict[str, Any]) -> str:
    def flat(found: re.Match[str]) -> str:
        return json.dumps(json.loads(found.group()))

    return re.sub(r'\{(?:[^{}]|\{i\})*"pattern"(?:[^{}]|\{i\})*\}', flat, json.dumps(content, indent=1)) + "\n"


def main() -> None:
    FILE.write_text(an_entry_a_line(tensors()), "utf-8")
    print(f"wrote {FILE} ({FILE.stat().st_size:,} bytes)")
    for name in CONFIGURED:
        folder = CONFIGS / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(config_text(name), "utf-8")
        (folder / "generation_config.json").write_text(generation_config_of(config_of(SIZES[name])).to_json_string(use_diff=True), "utf-8")


if __name__ == "__main__":
    main()
