"""
Tiny MusicGen models with random weights, in the layout of the published ones: `python -m musicgen.make_tiny --help`.
Their architecture, configuration and tensor names are the real ones; only the sizes are not.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    EncodecConfig,
    EncodecFeatureExtractor,
    GenerationConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    T5Config,
)

from .reference import FIXTURES, GREEDY_PROMPTS, Reference
from .tokenizer import make_tokenizer

MIN_MARGIN = 1e-3
LOUDNESS = 0.1


@dataclass(frozen=True)
class Tiny:
    channels: int
    vocabulary: int
    """Of a codebook. A power of two, as EnCodec demands."""
    bandwidth: float
    """In kbps: EnCodec derives its four quantizers from it and the size of a codebook."""
    text_width: int
    """T5's inner width is 16: the same as the outer one for mono, another for stereo."""
    pieces: int
    text_vocabulary: int
    """More than the tokenizer has pieces, as with T5."""
    heads: int
    seed: int
    """One by which no choice of the greedy runs is a close one."""


TINY = {
    "mono": Tiny(channels=1, vocabulary=256, bandwidth=1.6, text_width=16, pieces=420, text_vocabulary=448, heads=4, seed=16),
    "stereo": Tiny(channels=2, vocabulary=64, bandwidth=1.2, text_width=24, pieces=300, text_vocabulary=320, heads=2, seed=1),
}


def config_of(tiny: Tiny) -> MusicgenConfig:
    text = T5Config(
        vocab_size=tiny.text_vocabulary,
        d_model=tiny.text_width,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
        n_positions=512,
    )
    audio = EncodecConfig(
        target_bandwidths=[tiny.bandwidth],
        sampling_rate=32_000,
        upsampling_ratios=[8, 5, 4, 4],
        use_causal_conv=False,
        use_conv_shortcut=False,
        num_filters=2,
        hidden_size=8,
        codebook_dim=8,
        codebook_size=tiny.vocabulary,
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=tiny.vocabulary,
        pad_token_id=tiny.vocabulary,
        bos_token_id=tiny.vocabulary,
        hidden_size=32,
        ffn_dim=64,
        num_hidden_layers=2,
        num_attention_heads=tiny.heads,
        num_codebooks=4 * tiny.channels,
        audio_channels=tiny.channels,
    )
    return MusicgenConfig(text_encoder=text, audio_encoder=audio, decoder=decoder)


def generation_config_of(config: MusicgenConfig) -> GenerationConfig:
    pad = config.decoder.pad_token_id
    return GenerationConfig(
        bos_token_id=pad, decoder_start_token_id=pad, pad_token_id=pad, do_sample=True, guidance_scale=3.0, max_length=1500
    )


def published_name(name: str) -> str:
    """Checkpoints on the hub have the names that weight normalisation had before torch made it a parametrization."""
    return name.replace(".parametrizations.weight.original0", ".weight_g").replace(".parametrizations.weight.original1", ".weight_v")


def weights_of(shapes: dict[str, tuple[int, ...]], seed: int) -> Iterator[tuple[str, Tensor]]:
    """
    Random weights by published names, in their order and one at a time, of such scale that logits differ between tokens,
    texts and steps: a model that transformers initialises says nearly the same whatever it is given.
    """
    random = np.random.default_rng(seed)
    for name, shape in sorted(shapes.items()):
        normal = random.standard_normal(shape)
        narrow = normal * float(np.prod(shape[1:])) ** -0.5
        if name.endswith(".weight_g"):
            values = random.uniform(0.8, 1.2, shape) * _conv_gain(name, shapes[name.removesuffix("g") + "v"])
        elif name.endswith(".inited"):
            values = np.ones(shape)
        elif name.endswith(".cluster_size"):
            values = 1 + np.abs(normal)
        elif "lstm" in name:
            values = random.uniform(-2, 2, shape) * shape[-1] ** -0.5 if "weight" in name else 0.3 * normal
        elif "layer_norm" in name:
            values = 0.2 * normal + (1 if name.endswith("weight") else 0)
        elif name.endswith("bias"):
            values = 0.2 * normal
        elif "SelfAttention.q" in name:
            # T5 has the scale of its attention in the weights. Not by the width of a head: these are the tiny models'.
            values = 2 * 8**-0.5 * narrow
        elif name.endswith(("q_proj.weight", "k_proj.weight")):
            values = 4 * narrow
        elif "lm_heads" in name:
            values = 0.8 * narrow
        elif name.endswith((".weight_v", "shared.weight", "relative_attention_bias.weight")) or "embed" in name:
            values = normal
        else:
            values = 1.5 * narrow
        yield name, torch.from_numpy(values.astype(np.float32))


def _conv_gain(name: str, shape: tuple[int, ...]) -> float:
    """
    What about keeps the variance, where vectors have the length 1. Those of a transposed convolution, direct layers of
    the decoder behind the LSTM but for the last, belong to what comes in: [in, out, 2 * stride].
    """
    transposed = name.startswith("audio_encoder.decoder.") and ".block." not in name and shape[2] != 7
    return (shape[2] / 4) ** 0.5 if transposed else 1.2


def make(name: str, directory: Path, seed: int | None = None, shard_bytes: int | None = None) -> None:
    """Writes the folder of a model; the same weights for the same seed. Fails where they are not lively enough."""
    tiny = TINY[name]
    config = config_of(tiny)
    state = MusicgenForConditionalGeneration(config).state_dict()
    shapes = {published_name(key): tuple(value.shape) for key, value in state.items() if not key.endswith("encoder.embed_tokens.weight")}
    weights = dict(weights_of(shapes, tiny.seed if seed is None else seed))
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # transformers saves by the names that it has loaded: so it writes those that are on the hub.
        config.save_pretrained(folder)
        save_file(weights, Path(folder) / "model.safetensors", metadata={"format": "pt"})
        model = MusicgenForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    level_loudness(model)
    model.generation_config = generation_config_of(config)
    for old in directory.glob("model*"):
        old.unlink()
    model.save_pretrained(directory, max_shard_size=shard_bytes or "5GB")
    for path in directory.glob("*.safetensors"):
        path.chmod(0o644)
    make_tokenizer(tiny.pieces, directory)
    EncodecFeatureExtractor(feature_size=tiny.channels, sampling_rate=32_000, padding_side="left", processor_class="MusicgenProcessor").save_pretrained(directory)
    check(Reference(directory))


@torch.no_grad()
def level_loudness(model: MusicgenForConditionalGeneration) -> None:
    """Scales the last convolution, by a factor rounded so that it is the same on every machine."""
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, model.config.decoder.vocab_size, (1, 1, 4, 50)))
    loudness = model.audio_encoder.decode(codes, [None]).audio_values.square().mean().sqrt().item()
    last = model.audio_encoder.decoder.layers[-1].conv
    last.parametrizations.weight.original0.mul_(round(LOUDNESS / loudness, 2))
    last.bias.mul_(0.1)


def check(reference: Reference) -> dict[str, float]:
    """Whether greedy runs are decided clearly enough to be compared token by token, and say something."""
    codes, margins = reference.greedy(GREEDY_PROMPTS)
    audio = reference.audio(codes)
    found = {
        "margin": margins.min().item(),
        "different": min(row.unique().numel() for clip in codes for row in clip),
        "loudness": audio.square().mean().sqrt().item(),
        "peak": audio.abs().max().item(),
    }
    if found["margin"] < MIN_MARGIN or found["different"] < 12 or not 0.03 < found["loudness"] < 0.5:
        raise ValueError(f"not lively enough, take another seed: {found}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the tiny models of the tests.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, default=FIXTURES, help="the folder that gets a folder for each model")
    parser.add_argument("--only", choices=sorted(TINY), help="one of the models instead of all")
    parser.add_argument("--seed", type=int, help="another one than the model's own")
    parser.add_argument("--shard-bytes", type=int, help="splits the weights as large models are, in files of about this size")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in [arguments.only] if arguments.only else TINY:
        make(name, arguments.output / name, arguments.seed, arguments.shard_bytes)
        print(f"{arguments.output / name}: {sum(path.stat().st_size for path in (arguments.output / name).iterdir()):,} bytes")


if __name__ == "__main__":
    main()
