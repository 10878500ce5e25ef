"""Tiny MusicGen models: made, read back, and what the parity vectors say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer

from musicgen import names, parity
from musicgen.make_tiny import TINY, make
from musicgen.reference import FIXTURES, GREEDY_GUIDANCE, GREEDY_PROMPTS, Reference
from musicgen.sizes import SIZES, config_of, shapes_of

TINY_NAMES = sorted(TINY)


@pytest.fixture(scope="module", params=TINY_NAMES)
def committed(request: pytest.FixtureRequest) -> Reference:
    torch.set_num_threads(1)
    return Reference(FIXTURES / request.param)


def tensors_of(directory: Path) -> dict[str, torch.Tensor]:
    found = {}
    for path in sorted(directory.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            found.update({name: file.get_tensor(name) for name in file.keys()})
    return found


@pytest.mark.parametrize("name", TINY_NAMES)
def test_a_seed_makes_the_committed_weights(name: str, tmp_path: Path) -> None:
    make(name, tmp_path)
    made, expected = tensors_of(tmp_path), tensors_of(FIXTURES / name)
    assert made.keys() == expected.keys()
    for key, tensor in made.items():
        torch.testing.assert_close(tensor, expected[key])
    for file in ("config.json", "generation_config.json", "preprocessor_config.json"):
        assert (tmp_path / file).read_text() == (FIXTURES / name / file).read_text()


def test_weights_can_be_split_into_files(tmp_path: Path) -> None:
    make("mono", tmp_path, shard_bytes=300_000)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    files = set(index["weight_map"].values())
    assert len(files) > 1 and all((tmp_path / file).exists() for file in files) and not (tmp_path / "model.safetensors").exists()
    assert tensors_of(tmp_path).keys() == tensors_of(FIXTURES / "mono").keys() == index["weight_map"].keys()


def test_names_are_those_of_the_hub() -> None:
    names = tensors_of(FIXTURES / "mono").keys()
    assert {"text_encoder.shared.weight", "enc_to_dec_proj.bias", "decoder.lm_heads.3.weight", "audio_encoder.decoder.layers.0.conv.weight_g"} <= names
    assert not any("parametrizations" in name for name in names)


def test_the_tokenizer_file_says_what_transformers_says(committed: Reference) -> None:
    tokenizer = Tokenizer.from_file(f"{committed.tokenizer.name_or_path}/tokenizer.json")
    for text in parity.PROMPTS:
        assert tokenizer.encode(text).ids == committed.tokenizer(text).input_ids
    assert [committed.tokenizer.convert_tokens_to_ids(token) for token in ("<pad>", "</s>", "<unk>")] == [0, 1, 2]


def test_what_is_generated_step_by_step_is_what_the_logits_of_all_steps_say(committed: Reference) -> None:
    steps = 40
    codes, _ = committed.greedy(GREEDY_PROMPTS, steps)
    assert codes.shape == (2, committed.codebooks, steps + 1 - committed.delays)
    for clip in range(len(GREEDY_PROMPTS)):
        inputs = torch.full((committed.codebooks, steps + 1), committed.vocabulary)
        for codebook in range(committed.codebooks):
            start = 1 + codebook // (committed.codebooks // committed.delays)
            inputs[codebook, start : start + codes.shape[2]] = codes[clip, codebook]
        conditional, unconditional = committed.logits(GREEDY_PROMPTS, inputs)[:, clip]
        guided = unconditional + GREEDY_GUIDANCE * (conditional - unconditional)
        chosen = guided.argmax(-1)[:, :-1]
        wanted = inputs[:, 1:]
        assert torch.equal(chosen[wanted != committed.vocabulary], wanted[wanted != committed.vocabulary])


def test_audio_is_that_of_generate(committed: Reference) -> None:
    prompts = GREEDY_PROMPTS[:1]
    codes, _ = committed.greedy(prompts, 20)
    audio = committed.model.generate(**committed.encode(prompts), do_sample=False, guidance_scale=GREEDY_GUIDANCE, max_new_tokens=20)
    assert audio.shape == (1, committed.codebooks // 4, 640 * codes.shape[2])
    torch.testing.assert_close(committed.audio(codes), audio)


@pytest.mark.parametrize("name", TINY_NAMES)
def test_the_committed_vectors_are_what_transformers_computes(name: str) -> None:
    assert parity.check(name) == []


def test_the_committed_names_are_those_of_transformers() -> None:
    content = json.loads(names.FILE.read_text("utf-8"))
    assert content == json.loads(json.dumps(names.tensors()))
    for model, size in SIZES.items():
        listed = names.expanded([*content["common"], *content["models"][model]["own"]])
        assert listed == shapes_of(config_of(size)) and len(listed) == content["models"][model]["tensors"]
    for model in names.CONFIGURED:
        assert (names.CONFIGS / model / "config.json").read_text() == names.config_text(model)


def test_differences_are_found() -> None:
    assert parity.differences({"a": [1, 2.0]}, {"a": [1, 2.00001]}) == []
    assert parity.differences({"a": [1, 2.0]}, {"a": [2, 2.1]}) == [".a[0]: 1 in the file, 2 computed", ".a[1]: 2.0 in the file, 2.1 computed"]
    assert len(parity.differences({"a": [1]}, {"a": [1, 1]})) == 1
