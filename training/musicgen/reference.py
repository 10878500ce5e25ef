"""What transformers computes of a MusicGen model: the measure of the graphs that `src/inference/musicgen` builds."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    AutoTokenizer,
    BatchEncoding,
    ClassifierFreeGuidanceLogitsProcessor,
    GenerationConfig,
    LogitsProcessorList,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from rows import ROOT

FIXTURES = ROOT / "test" / "fixtures" / "musicgen"
GREEDY_PROMPTS = [
    "This upbeat techno track features driving digital drum patterns and a bright violin solo.",
    "slow piano",
]
GREEDY_STEPS = 227
GREEDY_GUIDANCE = 3.5

logging.set_verbosity_error()
logging.disable_progress_bar()


class Reference:
    """A model in hub layout as transformers reads it, in single precision."""

    def __init__(self, directory: Path) -> None:
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(directory)
        self.model = MusicgenForConditionalGeneration.from_pretrained(directory, dtype=torch.float32).eval()
        decoder = self.model.config.decoder
        self.vocabulary: int = decoder.vocab_size
        self.codebooks: int = decoder.num_codebooks
        self.delays: int = decoder.num_codebooks // decoder.audio_channels
        """Codebooks of a channel: the last of them is this many steps behind the start token."""

    def encode(self, prompts: list[str]) -> BatchEncoding:
        """input_ids and attention_mask int64 [prompts, tokens], padded on the right."""
        return self.tokenizer(prompts, padding=True, return_tensors="pt")

    @torch.no_grad()
    def greedy(self, prompts: list[str], steps: int = GREEDY_STEPS, guidance: float = GREEDY_GUIDANCE) -> tuple[Tensor, Tensor]:
        """
        Codes int64 [prompts, codebooks, frames] without delay, and by how much each was chosen: the distance of the
        two best guided logits, float32 of the same shape.
        """
        result = self.model.generate(
            **self.encode(prompts),
            do_sample=False,
            guidance_scale=guidance,
            max_new_tokens=steps,
            return_dict_in_generate=True,
            output_scores=True,
        )
        scores = torch.stack(result.scores).reshape(steps, len(prompts), self.codebooks, self.vocabulary)
        best = scores.topk(2, dim=-1)
        # Scores are given at every place; those where the delay pattern puts its pads are dropped with the delay.
        return self.undelayed(best.indices[..., 0]), self.undelayed(best.values[..., 0] - best.values[..., 1])

    def undelayed(self, steps: Tensor) -> Tensor:
        """[steps, prompts, codebooks] as generated -> [prompts, codebooks, frames]."""
        frames = steps.shape[0] + 1 - self.delays
        channels = self.codebooks // self.delays
        rows = [steps[codebook // channels :, :, codebook][:frames] for codebook in range(self.codebooks)]
        return torch.stack(rows, dim=1).permute(2, 1, 0)

    @torch.no_grad()
    def audio(self, codes: Tensor) -> Tensor:
        """Codes [clips, codebooks, frames] -> waveform float32 [clips, channels, samples]; the channels' codebooks alternate."""
        channels = self.codebooks // self.delays
        decoded = [self.model.audio_encoder.decode(codes[None, :, channel::channels], [None]).audio_values for channel in range(channels)]
        return torch.cat(decoded, dim=1)

    @torch.no_grad()
    def hidden(self, prompt: str) -> Tensor:
        """What the text encoder makes of a prompt, float32 [tokens, width]."""
        return self.model.text_encoder(**self.encode([prompt])).last_hidden_state[0]

    def delayed(self, tokens: Tensor) -> Tensor:
        """Tokens [codebooks, positions] as the decoder reads them: the start token first, and pads up to the delay."""
        inputs = tokens.clone()
        for codebook in range(self.codebooks):
            inputs[codebook, : codebook // (self.codebooks // self.delays) + 1] = self.vocabulary
        return inputs

    @torch.no_grad()
    def logits(self, prompts: list[str], inputs: Tensor) -> Tensor:
        """
        Logits behind every position of the same inputs [codebooks, positions] for each prompt, float32
        [2, prompts, codebooks, positions, vocabulary]: conditional ones, then unconditional ones. Inside is the batch of
        `generate`: for the unconditional half both the text and its mask are zeros.
        """
        text = self.encode(prompts)
        hidden = self.model.text_encoder(**text).last_hidden_state
        logits = self.model(
            encoder_outputs=(torch.cat([hidden, torch.zeros_like(hidden)]),),
            attention_mask=torch.cat([text.attention_mask, torch.zeros_like(text.attention_mask)]),
            decoder_input_ids=inputs.repeat(2 * len(prompts), 1),
        ).logits
        return logits.reshape(2, len(prompts), self.codebooks, inputs.shape[1], self.vocabulary)

    def processed(self, logits: Tensor, guidance: float, **sampling: float) -> Tensor:
        """
        Conditional and unconditional logits [2, rows, vocabulary] -> scores [rows, vocabulary] of what is drawn from, by
        the processors that `generate` sets up, in its order.
        """
        rows = logits.shape[1]
        processors = self.model._get_logits_processor(
            generation_config=GenerationConfig(do_sample=True, **sampling),
            logits_processor=LogitsProcessorList([ClassifierFreeGuidanceLogitsProcessor(guidance)]),
        )
        return processors(torch.zeros(rows, 1, dtype=torch.long), logits.reshape(2 * rows, -1))
