"""A T5 tokenizer with few pieces: SentencePiece's unigram model over words and captions of this repository."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

# Captions and words of the captioner as they once were: with others every piece would be another.
CORPUS = Path(__file__).with_name("corpus.txt")
EXTRA_IDS = 10
SPECIAL = ["<pad>", "</s>", "<unk>"]


def normalization_rules() -> Iterator[str]:
    """
    T5's normalisation, cut to Latin, punctuation, letter-like and full-width characters: all of it is a quarter of a
    megabyte. One rule a line: code points in, tab, code points out.
    """
    normalizer = sentencepiece.SentencePieceNormalizer(
        rule_name="nmt_nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    ranges = [(0x01, 0x250), (0x2000, 0x2070), (0x2100, 0x2190), (0xFB00, 0xFB07), (0xFF01, 0xFF5F)]
    single = [chr(code) for first, end in ranges for code in range(first, end)]
    composed = [letter + accent for letter in "aeiounAEIOUN" for accent in "\u0300\u0301\u0302\u0303\u0308"]
    for source in [*single, *composed]:
        target = normalizer.normalize(source)
        if target != source:
            yield "\t".join(" ".join(f"{ord(character):X}" for character in text) for text in (source, target))


def train(pieces: int) -> sentencepiece_model_pb2.ModelProto:
    sentences = CORPUS.read_text("utf-8").splitlines()
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        rules.write_text("".join(f"{rule}\n" for rule in normalization_rules()), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type="unigram",
            vocab_size=pieces - EXTRA_IDS,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            normalization_rule_tsv=str(rules),
            num_threads=1,
            minloglevel=2,
        )
    return sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())


def make_tokenizer(pieces: int, directory: Path) -> None:
    """
    Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json as they lie beside the published weights, by
    the transformers of then: today's would leave out the last and spell the first a little differently.
    """
    model = train(pieces)
    # T5's order: the sentinels stand behind the pieces, the last first.
    extra = [f"<extra_id_{number}>" for number in range(EXTRA_IDS)]
    vocabulary = [[piece.piece, 0.0 if piece.piece in SPECIAL else piece.score] for piece in model.pieces]
    vocabulary += [[name, 0.0] for name in reversed(extra)]
    names = [name for name, _ in vocabulary]
    metaspace = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    text, end = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": names.index(name), "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for name in [*SPECIAL, *reversed(extra)]
        ],
        "normalizer": {
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode("ascii"),
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [text, end],
            "pair": [text, end, {"Sequence": {"id": "B", "type_id": 0}}, end],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
        },
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": vocabulary},
    }
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    settings = {
        "additional_special_tokens": extra,
        "clean_up_tokenization_spaces": True,
        **special,
        "extra_ids": EXTRA_IDS,
        "model_max_length": 512,
        "processor_class": "MusicgenProcessor",
        "tokenizer_class": "T5Tokenizer",
    }
    directory.mkdir(parents=True, exist_ok=True)
    compact = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (directory / "tokenizer.json").write_text(compact + "\n", "utf-8")
    for name, value in {"tokenizer_config.json": settings, "special_tokens_map.json": {"additional_special_tokens": extra, **special}}.items():
        (directory / name).write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")
