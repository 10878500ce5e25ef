"""Measures the exported model against the data, the authors' model and independence: `python -m attribute_vae.evaluate --help`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import completion, metrics, plausibility, report
from . import vae as vaes
from cards import read_card, write_card
from rows import ROOT, sha256_of

from .data import MODEL_DIRECTORY, DataSet, Matrix, Taxonomy, read_data, read_taxonomy
from .export import read_model
from .metrics import Vector
from .vae import OnnxVae, TorchVae, Vae

DOCUMENT = ROOT / "docs" / "attribute-vae.md"
MOST_DRAWN = 50  # times as many as wanted: a model that seldom makes a row to keep gets what it makes


@dataclass(frozen=True)
class Sampled:
    name: str
    rows: Matrix
    kept: float
    """Share of what was drawn that has enough attributes."""


def sample_measures(sampled: Sampled, held_out: Matrix, taxonomy: Taxonomy) -> dict[str, float]:
    rows = sampled.rows
    return {
        "frequencyCorrelation": metrics.frequency_correlation(rows, held_out),
        "frequencyErrorPoints": metrics.frequency_error(rows, held_out),
        "pmiCorrelation": metrics.pmi_correlation(rows, held_out),
        "pmiError": metrics.pmi_error(rows, held_out),
        "contradictory": float(metrics.is_contradictory(rows, taxonomy.contradictions).mean()),
        "distinct": float(metrics.distinct(rows)),
        "meanAttributes": float(rows.sum(1).mean()),
        "countDistance": metrics.count_distance(rows, held_out),
        "kept": sampled.kept,
        "samples": float(len(rows)),
    }


def row_measures(vae: Vae, rows: Matrix, seed: int) -> dict[str, float]:
    random = np.random.default_rng(seed)
    mu, logvar = vae.encode(rows)
    logits = vae.decode(mu)
    shown, hidden = completion.halves(rows, random)
    return {
        "reconstruction": float(vaes.cross_entropy(logits, rows).mean()),
        "reconstructionPerCell": float(vaes.cross_entropy(logits, rows).mean() / rows.shape[1]),
        "f1": metrics.f1((logits > 0).astype(np.float32), rows),
        "divergence": float(vaes.divergence(mu, logvar).mean()),
        "negativeElbo": float(vaes.negative_elbo(vae, rows, random).mean()),
        "completionRecall": completion.recall(completion.completed(vae, shown), shown, hidden),
    }


def independent_row_measures(frequencies: Vector, rows: Matrix, seed: int) -> dict[str, float]:
    cost = float(vaes.independent_cost(frequencies, rows).mean())
    shown, hidden = completion.halves(rows, np.random.default_rng(seed))
    ranking = np.tile(frequencies, (len(rows), 1)).astype(np.float32)
    return {
        "reconstruction": cost,
        "reconstructionPerCell": cost / rows.shape[1],
        "f1": metrics.f1(np.tile(frequencies > 0.5, (len(rows), 1)).astype(np.float32), rows),
        "divergence": 0.0,
        "negativeElbo": cost,
        "completionRecall": completion.recall(ranking, shown, hidden),
    }


def sources(
    ours: Vae, authors: Vae | None, data: DataSet, frequencies: Vector, taxonomy: Taxonomy, count: int, seed: int
) -> list[Sampled]:
    def sampled(name: str, offset: int, draw: Any) -> Sampled:
        """As many rows with enough attributes as asked for, or what `MOST_DRAWN` times as many draws give."""
        random = np.random.default_rng([seed, offset])
        kept: list[Matrix] = []
        drawn = 0
        while drawn < MOST_DRAWN * count and sum(map(len, kept)) < count:
            rows = draw(random)
            drawn += len(rows)
            kept.append(rows[vaes.has_enough(rows)])
        return Sampled(name, np.vstack(kept)[:count], sum(map(len, kept)) / drawn)

    train, contradictions = data.train, taxonomy.contradictions
    found = [
        sampled("training rows", 0, lambda random: train[random.integers(len(train), size=count)]),
        sampled("this model", 1, lambda random: vaes.drawn(vaes.from_prior(ours, count, random), random)),
        sampled(
            "this model, as served",
            7,
            lambda random: vaes.drawn_sound(vaes.from_prior(ours, count, random), contradictions, random),
        ),
        sampled("this model, above 0.5", 2, lambda random: vaes.thresholded(vaes.from_prior(ours, count, random))),
    ]
    if authors is not None:
        found += [
            sampled("authors' model", 3, lambda random: vaes.drawn(vaes.from_prior(authors, count, random), random)),
            sampled("authors' model, above 0.5", 4, lambda random: vaes.thresholded(vaes.from_prior(authors, count, random))),
            sampled(
                "authors' model, latents of training rows",
                5,
                lambda random: vaes.drawn(vaes.from_posteriors(authors, train, count, random), random),
            ),
        ]
    found.append(
        sampled("independent attributes", 6, lambda random: (random.random((count, train.shape[1])) < frequencies).astype(np.float32))
    )
    return found


def separation(vae: Vae, rows: Matrix, frequencies: Vector, taxonomy: Taxonomy, seed: int) -> dict[str, dict[str, float]]:
    """AUC of real combinations against implausible ones, for whole rows and for parts of them."""
    random = np.random.default_rng([seed, 7])
    cases = {"whole rows": rows, **{f"{size} attributes of a row": plausibility.subsets(rows, size, 1_000, random) for size in (4, 6)}}
    found: dict[str, dict[str, float]] = {}
    for name, real in cases.items():
        against = plausibility.distractors(real, frequencies, taxonomy.contradictions, random)
        scores = plausibility.togetherness(vae, real, frequencies)
        found[name] = rounded(
            {
                kind: metrics.auc(plausibility.togetherness(vae, x, frequencies), scores)
                for kind, x in against.kinds.items()
            }
        )
    return found


def training_frequencies(data: DataSet) -> Vector:
    """Half a row is added, so that attributes that never occur are unlikely and not impossible."""
    return np.asarray((data.train.sum(0, dtype=np.float64) + 0.5) / (len(data.train) + 1))


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 5) for key, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Evaluates the exported model: completes model.json and writes docs/attribute-vae.md.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("rows", type=Path, help="rows written by `conceptcaps export`")
    parser.add_argument("--lists", type=Path, help="attribute lists without captions that were trained on, too")
    parser.add_argument("--authors", type=Path, help="the authors' checkpoint, vae_final.pth, to compare with")
    parser.add_argument("--model", type=Path, default=MODEL_DIRECTORY, help="the folder of the exported model")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="the report to write")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    taxonomy = read_taxonomy()
    data = read_data(arguments.rows, arguments.lists, taxonomy)
    frequencies = training_frequencies(data)
    ours = OnnxVae(arguments.model)
    authors = None if arguments.authors is None else TorchVae(read_model(arguments.authors)[0])
    unseen = data.held_out[data.is_unseen]

    samples = {
        sampled.name: rounded(sample_measures(sampled, data.held_out, taxonomy))
        for sampled in sources(ours, authors, data, frequencies, taxonomy, arguments.samples, arguments.seed)
    }
    rows = {"this model": rounded(row_measures(ours, unseen, arguments.seed))}
    if authors is not None:
        rows["authors' model"] = rounded(row_measures(authors, unseen, arguments.seed))
    rows["independent attributes"] = rounded(independent_row_measures(frequencies, unseen, arguments.seed))

    card = read_card(arguments.model)
    card["trainingFrequencies"] = [round(float(value), 6) for value in frequencies]
    card["evaluation"] = {
        "seed": arguments.seed,
        "heldOutRows": len(data.held_out),
        "unseenRows": len(unseen),
        "comparedPairs": int(metrics.compared_pairs(data.held_out).sum()),
        "heldOutContradictory": round(float(metrics.is_contradictory(data.held_out, taxonomy.contradictions).mean()), 5),
        "heldOutMeanAttributes": round(float(data.held_out.mean(0).sum()), 3),
        "authorsModelSha256": None if arguments.authors is None else sha256_of(arguments.authors),
        "samples": samples,
        "rows": rows,
    }
    random = np.random.default_rng([arguments.seed, 8])
    card["plausibility"] = {
        "score": plausibility.DEFINITION,
        "quantilesBySize": plausibility.quantiles_by_size(ours, unseen, frequencies, random),
    }
    judges = {"this model": ours, **({} if authors is None else {"authors' model": authors})}
    card["evaluation"]["auc"] = {
        name: separation(judge, unseen, frequencies, taxonomy, arguments.seed) for name, judge in judges.items()
    }
    card["evaluation"]["distractors"] = plausibility.distractors(
        unseen, frequencies, taxonomy.contradictions, random
    ).descriptions
    write_card(card, arguments.model)
    arguments.document.write_text(report.markdown(card), "utf-8")
    print(report.markdown(card))


if __name__ == "__main__":
    main()
