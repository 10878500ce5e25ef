"""
How fast PyTorch generates, for comparison with `npm run bench -- musicgen`: `python -m musicgen.bench --help`. Time does
not depend on what the weights are, so that random ones of the real shapes will do: `--make DIR` writes them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from transformers import MusicgenForConditionalGeneration, StoppingCriteria, StoppingCriteriaList

from .make_tiny import generation_config_of, weights_of
from .reference import FIXTURES, GREEDY_PROMPTS, Reference
from .sizes import SIZES, config_of, shapes_of

FRAME_RATE = 50
WARM_UP_STEPS = 8
GUIDANCE = 3.5
TOP_K = 250


def make(size: str, directory: Path) -> None:
    """Writes a model of real shapes, a tensor at a time. The tokenizer is a tiny one: its pieces are the first of T5's."""
    config = config_of(SIZES[size])
    shapes = shapes_of(config)
    directory.mkdir(parents=True, exist_ok=True)
    offset, header = 0, {"__metadata__": {"format": "pt"}}
    for name, shape in sorted(shapes.items()):
        size_in_bytes = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size_in_bytes]}
        offset += size_in_bytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in weights_of(shapes, seed=0):
            file.write(memoryview(tensor.numpy()))
    config.architectures = ["MusicgenForConditionalGeneration"]
    config.save_pretrained(directory)
    generation_config_of(config).save_pretrained(directory)
    tiny = FIXTURES / ("stereo" if config.decoder.audio_channels == 2 else "mono")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "preprocessor_config.json"):
        shutil.copyfile(tiny / name, directory / name)


def fp32(_: MusicgenForConditionalGeneration) -> None:
    pass


def bf16(model: MusicgenForConditionalGeneration) -> None:
    """The codec stays as it is: its part is small, and audio is what one would hear it by."""
    model.decoder.bfloat16()
    model.text_encoder.bfloat16()
    model.enc_to_dec_proj.bfloat16()


def int8(model: MusicgenForConditionalGeneration) -> None:
    model.decoder = torch.ao.quantization.quantize_dynamic(model.decoder, {nn.Linear}, dtype=torch.qint8, inplace=True)


def compiled(model: MusicgenForConditionalGeneration) -> None:
    model.decoder.model.decoder.forward = torch.compile(model.decoder.model.decoder.forward, dynamic=True)


SETTINGS: dict[str, Callable[[MusicgenForConditionalGeneration], None]] = {
    "fp32": fp32,
    "bf16": bf16,
    "int8": int8,
    "compile": compiled,
}


class Clock(StoppingCriteria):
    """Notes when each step ended, and never stops."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        self.ends.append(time.perf_counter())
        return torch.zeros(len(input_ids), dtype=torch.bool)


def measure(directory: Path, setting: str, batches: list[int], seconds: float, threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    reference = Reference(directory)
    SETTINGS[setting](reference.model)
    steps = round(seconds * FRAME_RATE) + reference.delays - 1

    def generate(batch: int, new_tokens: int) -> tuple[Clock, Tensor]:
        clock = Clock()
        audio = reference.model.generate(
            **reference.encode([GREEDY_PROMPTS[0]] * batch),
            do_sample=True,
            guidance_scale=GUIDANCE,
            top_k=TOP_K,
            max_new_tokens=new_tokens,
            stopping_criteria=StoppingCriteriaList([clock]),
        )
        return clock, audio

    results = []
    for batch in batches:
        generate(batch, WARM_UP_STEPS)
        start, start_cpu = time.perf_counter(), time.process_time()
        clock, audio = generate(batch, steps)
        wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        seconds_made = audio.shape[-1] / 32_000
        results.append(
            {
                "batch": batch,
                "msPerStep": round(1000 * median(after - before for before, after in zip(clock.ends, clock.ends[1:], strict=False)), 2),
                "seconds": round(wall, 2),
                "firstStepSeconds": round(clock.ends[0] - start, 2),
                "codecSeconds": round(start + wall - clock.ends[-1], 2),
                # Seconds of work for a second of audio of one clip.
                "realTimeFactor": round(wall / (batch * seconds_made), 3),
                # Well below 1: something else had the cores, and the figures say little.
                "cpuShare": round(cpu / (wall * threads), 2),
            }
        )
    return {
        "setting": setting,
        "torch": torch.__version__,
        "threads": threads,
        "audioSeconds": seconds,
        "steps": steps,
        "peakRssMb": round(peak_rss_mb()),
        "batches": results,
    }


def peak_rss_mb() -> float:
    """Of this process alone: what getrusage says on Linux may be its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _measure_and_print(*arguments: Any) -> None:
    print(json.dumps(measure(*arguments)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Times transformers' generate on the CPU.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--make", type=Path, help="writes a model with random weights into this folder, and ends")
    parser.add_argument("--size", choices=list(SIZES), default="small", help="of what --make writes")
    parser.add_argument("--model", type=Path, help="the folder of a model")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a clip")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4, 8], help="clips at once")
    parser.add_argument("--setting", choices=list(SETTINGS), nargs="+", default=["fp32", "bf16", "int8"], help="each in a process of its own, a line of JSON for each")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.size, arguments.make)
        return
    if not arguments.model:
        parser.error("--model or --make")
    failed = False
    for setting in arguments.setting:
        job = (arguments.model, setting, arguments.batch, arguments.seconds, arguments.threads)
        process = multiprocessing.get_context("spawn").Process(target=_measure_and_print, args=job)
        process.start()
        process.join()
        failed |= process.exitcode != 0
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
