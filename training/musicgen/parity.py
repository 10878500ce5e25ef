"""
Vectors by which the graphs that Node builds of a MusicGen model are compared with PyTorch: `python -m musicgen.parity --help`.
They come from transformers and the tiny models in `test/fixtures/musicgen`, see `make_tiny.py`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from .make_tiny import MIN_MARGIN, TINY
from .reference import FIXTURES, GREEDY_GUIDANCE, GREEDY_PROMPTS, GREEDY_STEPS, Reference

FILE = "parity.json"
LONG_PROMPT = " ".join(
    f"Part {number} is a slow piano melody with soft strings, then loud drums and an electric guitar that repeat the theme {ending}."
    for number, ending in zip(
        range(1, 16),
        ["twice", "again", "softly", "in minor", "in major", "faster", "with voices", "alone", "as a waltz", "backwards", "in unison", "late", "early", "for long", "at last"],
        strict=True,
    )
)
PROMPTS = [
    *GREEDY_PROMPTS,
    "Ｆｕｎｋｙ 80’s groove 🎸🥁 with a naïve cafe\u0301 feel, ½ tempo, a ﬁne\u00a0ﬁnale… “über” cool™",
    "...!?! -- ,;:()",
    "",
    "  tabs\tand\nnew  lines \u200baround   ",
    "a <extra_id_3> typed, and the end</s>too",
    LONG_PROMPT,
]
POSITIONS = 12
COMPARED_POSITIONS = [(0, 2), (0, POSITIONS - 1), (1, POSITIONS - 1)]
AUDIO_FRAMES = 40
AUDIO_STRIDE = 13
GUIDANCE = 3.0
TEMPERATURE = 1.2
CUTS = [(250, 1.0), (250, 0.95), (20, 1.0), (20, 0.95)]
CLOSE_CUT = 2e-4
"""Nothing may be so near to being cut, as a probability, that rounding decides."""
TOLERANCE = 2e-5

ABOUT = {
    "prompts": "Texts with their token ids, </s> at the end, nothing truncated. Batches are padded with 0 on the right and masked.",
    "encoder": "last_hidden_state of the text encoder, before enc_to_dec_proj: hidden[i] is at token positions[i] of the prompt. Computed one prompt at a time.",
    "decoder.inputs": "[codebook][position]: what the decoder is fed, the delay pattern applied (the pad, which is the start token, first).",
    "decoder.logits": "Behind `position` of these inputs, [codebook][token]. Prompts 0 and 1 were one batch of [conditional 0, conditional 1, unconditional, unconditional]; "
    "of the unconditional rows text and mask are zeros.",
    "greedy": "generate(do_sample=False) of the prompts as one batch. codes are [prompt][codebook][frame] without delay. maxLength = newTokens + 1 counts the start token; "
    "frames = maxLength - codebooks of a channel. smallestMargin: how far the two best guided logits came near each other.",
    "audio": "The audio encoder's decode of codes [codebook][frame]: values are [channel][i], sample i * every; rms over all samples of a channel. "
    "For stereo even codebooks are left, odd ones right, each decoded on its own.",
    "sampling": "What is drawn from behind the last position of decoder.inputs: guidance, then temperature, then top-k, then top-p on what top-k left. "
    "[cut].codebooks[codebook]: ids that can be drawn, the likeliest first, with their probabilities.",
    "floats": "Rounded to seven significant digits, audio to six decimals.",
}


def vectors(reference: Reference) -> dict[str, Any]:
    inputs, logits = forced(reference)
    return {
        "about": ABOUT,
        "madeWith": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "prompts": [{"text": text, "ids": ids} for text, ids in zip(PROMPTS, reference.tokenizer(PROMPTS).input_ids, strict=True)],
        "encoder": [encoder_vectors(reference, 1), encoder_vectors(reference, 2), encoder_vectors(reference, 7, at=[0, 1, 127, 128, 129, 400, -2, -1])],
        "decoder": {
            "inputs": inputs.tolist(),
            "logits": [
                {
                    "prompt": prompt,
                    "position": position,
                    "conditional": rounded(logits[0, prompt, :, position]),
                    "unconditional": rounded(logits[1, prompt, :, position]),
                }
                for prompt, position in COMPARED_POSITIONS
            ],
        },
        "greedy": greedy_vectors(reference),
        "audio": audio_vectors(reference),
        "sampling": sampling_vectors(reference, logits[:, 0, :, -1]),
    }


def forced(reference: Reference) -> tuple[Tensor, Tensor]:
    """Random inputs [codebooks, positions] and the logits behind them; the first ones by which no cut is a close one."""
    for seed in range(100):
        tokens = np.random.default_rng(seed).integers(0, reference.vocabulary, (reference.codebooks, POSITIONS))
        inputs = reference.delayed(torch.from_numpy(tokens))
        logits = reference.logits(GREEDY_PROMPTS, inputs)
        if not any(is_close(reference, logits[:, 0, :, -1], top_k, top_p) for top_k, top_p in CUTS):
            return inputs, logits
    raise ValueError("close cuts in every context")


def is_close(reference: Reference, logits: Tensor, top_k: int, top_p: float) -> bool:
    """logits [2, codebooks, vocabulary]."""
    kept = probabilities(reference, logits, top_k, 1.0).sort(descending=True).values
    uncut = probabilities(reference, logits, reference.vocabulary, 1.0).sort(descending=True).values
    by_k = (uncut[:, top_k - 1] - uncut[:, top_k]).abs().min() if top_k < reference.vocabulary else 1.0
    by_p = (kept.cumsum(-1) - top_p).abs().min() if top_p < 1 else 1.0
    # At the end of 250 tokens probabilities are small: there it is their ratio that counts.
    by_ratio = (uncut[:, top_k - 1] / uncut[:, top_k]).min() - 1 if top_k < reference.vocabulary else 1.0
    return bool(by_p < CLOSE_CUT or max(by_k, by_ratio / 10) < CLOSE_CUT)


def probabilities(reference: Reference, logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """logits [2, codebooks, vocabulary] -> [codebooks, vocabulary], 0 where a token cannot be drawn."""
    return reference.processed(logits, GUIDANCE, temperature=TEMPERATURE, top_k=top_k, top_p=top_p).softmax(-1)


def encoder_vectors(reference: Reference, prompt: int, at: list[int] | None = None) -> dict[str, Any]:
    hidden = reference.hidden(PROMPTS[prompt])
    positions = [position % len(hidden) for position in at] if at else list(range(len(hidden)))
    return {"prompt": prompt, "positions": positions, "hidden": rounded(hidden[positions])}


def greedy_vectors(reference: Reference) -> dict[str, Any]:
    codes, margins = reference.greedy(GREEDY_PROMPTS)
    if margins.min() < MIN_MARGIN:
        raise ValueError(f"a greedy choice is by {margins.min().item()}: too close to be compared")
    return {
        "guidance": GREEDY_GUIDANCE,
        "newTokens": GREEDY_STEPS,
        "maxLength": GREEDY_STEPS + 1,
        "frames": codes.shape[2],
        "smallestMargin": rounded(margins.min()),
        "prompts": list(range(len(GREEDY_PROMPTS))),
        "codes": codes.tolist(),
    }


def audio_vectors(reference: Reference) -> dict[str, Any]:
    codes = np.random.default_rng(0).integers(0, reference.vocabulary, (reference.codebooks, AUDIO_FRAMES))
    audio = reference.audio(torch.from_numpy(codes)[None])[0]
    return {
        "codes": codes.tolist(),
        "samples": audio.shape[1],
        "rms": rounded(audio.square().mean(-1).sqrt()),
        "every": AUDIO_STRIDE,
        "values": [[round(value, 6) for value in channel] for channel in audio[:, ::AUDIO_STRIDE].tolist()],
    }


def sampling_vectors(reference: Reference, logits: Tensor) -> dict[str, Any]:
    def likeliest(row: Tensor) -> dict[str, Any]:
        values, ids = row.sort(descending=True)
        kept = int((values > 0).sum())
        return {"ids": ids[:kept].tolist(), "probabilities": rounded(values[:kept])}

    cuts = [
        {"topK": top_k, "topP": top_p, "codebooks": [likeliest(row) for row in probabilities(reference, logits, top_k, top_p)]}
        for top_k, top_p in CUTS
        if top_k < reference.vocabulary or top_p < 1
    ]
    return {"prompt": 0, "position": POSITIONS - 1, "guidance": GUIDANCE, "temperature": TEMPERATURE, "cuts": cuts}


def rounded(tensor: Tensor) -> Any:
    def shortened(value: Any) -> Any:
        return [shortened(item) for item in value] if isinstance(value, list) else float(f"{value:.7g}")

    return shortened(tensor.tolist())


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where two files say something else: numbers with a fraction by more than rounding, everything else at all."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        return [line for key in expected if key != "madeWith" for line in differences(expected[key], found[key], f"{path}.{key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [line for index, pair in enumerate(zip(expected, found, strict=True)) for line in differences(*pair, f"{path}[{index}]")]
    if isinstance(expected, float) and isinstance(found, float | int):
        same = abs(expected - found) <= TOLERANCE * max(1.0, abs(expected))
    else:
        same = expected == found
    return [] if same else [f"{path}: {str(expected)[:60]} in the file, {str(found)[:60]} computed"]


def check(name: str, directory: Path = FIXTURES) -> list[str]:
    """What the committed file of a model says that transformers does not compute."""
    expected = json.loads((directory / name / FILE).read_text("utf-8"))
    return differences(expected, json.loads(json.dumps(vectors(Reference(directory / name)))))


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the parity vectors of the tiny models.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--check", action="store_true", help="computes them anew and compares them with the files instead")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: list[str] = []
    for name in TINY:
        path = FIXTURES / name / FILE
        if arguments.check:
            found += [f"{name}{line}" for line in check(name)]
            continue
        content = vectors(Reference(path.parent))
        path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
        print(f"wrote {path} ({path.stat().st_size:,} bytes)")
    if found:
        raise SystemExit("\n".join([*found[:20], f"{len(found)} differences"]))


if __name__ == "__main__":
    main()
