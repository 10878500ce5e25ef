"""The published models by their sizes: configurations as of `facebook/musicgen-*`, without a download."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config

from .make_tiny import published_name


@dataclass(frozen=True)
class Size:
    width: int
    layers: int
    heads: int
    channels: int = 1


SIZES = {
    "small": Size(width=1024, layers=24, heads=16),
    "medium": Size(width=1536, layers=48, heads=24),
    "large": Size(width=2048, layers=48, heads=32),
    "stereo-small": Size(width=1024, layers=24, heads=16, channels=2),
}


def config_of(size: Size) -> MusicgenConfig:
    """T5-base and the EnCodec of 32 kHz go with decoders of all sizes."""
    text = T5Config(
        vocab_size=32_128,
        d_model=768,
        d_kv=64,
        d_ff=3072,
        num_layers=12,
        num_decoder_layers=12,
        num_heads=12,
        decoder_start_token_id=0,
        n_positions=512,
        output_past=True,
        architectures=["T5ForConditionalGeneration"],
    )
    audio = EncodecConfig(
        target_bandwidths=[2.2],
        sampling_rate=32_000,
        upsampling_ratios=[8, 5, 4, 4],
        use_causal_conv=False,
        use_conv_shortcut=False,
        num_filters=64,
        hidden_size=128,
        codebook_dim=128,
        codebook_size=2048,
        architectures=["EncodecModel"],
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=2048,
        pad_token_id=2048,
        bos_token_id=2048,
        hidden_size=size.width,
        ffn_dim=4 * size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_codebooks=4 * size.channels,
        audio_channels=size.channels,
    )
    return MusicgenConfig(text_encoder=text, audio_encoder=audio, decoder=decoder)


def shapes_of(config: MusicgenConfig) -> dict[str, tuple[int, ...]]:
    """Names as published and shapes of all tensors that are stored, without memory for what is in them."""
    with torch.device("meta"):
        state = MusicgenForConditionalGeneration(config).state_dict()
    # T5's embedding is stored once, by the name of the shared one.
    return {published_name(name): tuple(tensor.shape) for name, tensor in state.items() if name != "text_encoder.encoder.embed_tokens.weight"}
